"""A plain NumPy trainer, one restart at a time, apart from the runner: the tests' oracle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def squash(kind: str, z: np.ndarray) -> np.ndarray:
    if kind == "sigmoid":
        return np.where(z >= 0, 1 / (1 + np.exp(-abs(z))), np.exp(-abs(z)) / (1 + np.exp(-abs(z))))
    if kind == "tanh":
        return np.tanh(z)
    if kind == "relu":
        return np.maximum(z, 0)
    if kind == "leaky-relu":
        return np.maximum(z, z / 100)
    if kind == "step":
        return (z > 0).astype(float)
    if kind == "softmax":
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)
    return z


def slope(kind: str, z: np.ndarray, cut: bool = False) -> np.ndarray:
    """The derivative; with ``cut`` as `fann_activation_derived` has it, of a y that is cut."""
    y = squash(kind, z)
    if cut and kind in ("sigmoid", "tanh"):
        low, high = np.float32({"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}[kind])
        y = np.minimum(np.maximum(y, float(low)), float(high))
    return {
        "sigmoid": lambda: y * (1 - y),
        "tanh": lambda: 1 - y**2,
        "relu": lambda: (z > 0).astype(float),
        "leaky-relu": lambda: np.where(z > 0, 1.0, 0.01),
        "step": lambda: np.zeros_like(z),
        "linear": lambda: np.ones_like(z),
    }[kind]()


@dataclass
class Net:
    """A network, its loss and its data; ``theta`` is a flat vector, layer by layer, W then b."""

    hidden: tuple[int, ...]
    activation: str | tuple[str, ...]
    output: str
    loss_kind: str
    reduction: str
    x: np.ndarray
    t: np.ndarray
    l2: float = 0.0
    skip: bool | str = False
    bias: bool = True
    frozen: tuple[str, ...] = ()
    l2_biases: bool = True
    cut_slopes: bool = False
    shapes: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        widths = [self.x.shape[1], *self.hidden, self.t.shape[1]]
        self.fed = [self._fed(k) for k in range(len(widths) - 1)]
        self.shapes = [
            (widths[k + 1], sum(widths[source] for source in fed)) for k, fed in enumerate(self.fed)
        ]

    def _fed(self, k: int) -> list[int]:
        """What feeds layer k, in order: 0 for the inputs, else the number of a layer, from 1."""
        if self.skip == "all":
            return list(range(k, -1, -1))
        shortcut = self.skip == "inputs" or (self.skip is True and k == len(self.hidden))
        return [k, 0] if k and shortcut else [k]

    def kind(self, k: int) -> str:
        if k == len(self.hidden):
            return self.output
        return self.activation if isinstance(self.activation, str) else self.activation[k]

    @property
    def size(self) -> int:
        return sum(u * (i + self.bias) for u, i in self.shapes)

    @property
    def factor(self) -> float:
        terms = len(self.x) * self.t.shape[1]
        if self.loss_kind == "cross-entropy" and self.output == "softmax":
            terms = len(self.x)
        return {
            "mean": 1 / terms,
            "sum": 1.0,
            "half-sum": 0.5,
            "half-mean": 0.5 / len(self.x),
        }[self.reduction]

    @property
    def error_share(self) -> float:
        """FANN halves the errors of symmetric outputs, by its tanh error function."""
        return 0.5 if self.output == "tanh" else 1.0

    def layers(self, theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        out, at = [], 0
        for units, inputs in self.shapes:
            w = theta[at : at + units * inputs].reshape(units, inputs)
            at += units * inputs
            out.append((w, theta[at : at + units] if self.bias else np.zeros(units)))
            at += units * self.bias
        return out

    def passes(self, theta: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        made, signals, pre = [self.x], [], []
        for k, (w, b) in enumerate(self.layers(theta)):
            signals.append(np.hstack([made[source] for source in self.fed[k]]))
            pre.append(signals[-1] @ w.T + b)
            made.append(squash(self.kind(k), pre[-1]))
        return signals, pre, made[-1]

    def outputs(self, theta: np.ndarray) -> np.ndarray:
        return self.passes(theta)[2]

    def loss(self, theta: np.ndarray) -> float:
        _, pre, y = self.passes(theta)
        z = pre[-1]
        if self.loss_kind == "squared-error":
            data = ((y - self.t) ** 2).sum()
        elif self.loss_kind == "tanh-error":
            e = self.error_share * (y - self.t)
            inside = e.clip(-0.9999999, 0.9999999)
            data = ((1 + inside) * np.log1p(inside) + (1 - inside) * np.log1p(-inside)).sum()
            data += 17 * abs(e - inside).sum()
            data *= 2 / self.error_share
        elif self.output == "softmax":
            high = z.max(axis=1, keepdims=True)
            log_p = z - high - np.log(np.exp(z - high).sum(axis=1, keepdims=True))
            data = -(self.t * log_p).sum()
        else:
            data = (np.logaddexp(0, z) - self.t * z).sum()
        return float(self.factor * data + self.l2 * (theta[self.penalised] ** 2).sum())

    def gradient(self, theta: np.ndarray, cut: bool = False) -> np.ndarray:
        """The loss's; with ``cut`` what FANN follows in its place."""
        signals, pre, y = self.passes(theta)
        layers = self.layers(theta)
        if self.loss_kind == "cross-entropy":
            delta = self.factor * (y - self.t)
        else:
            error = 2 * self.factor * (y - self.t)
            if self.loss_kind == "tanh-error":
                e = self.error_share * (y - self.t)
                # Not arctanh, which is not 0 where this is: FANN's rule of signs tells them apart.
                inside = e.clip(-0.9999999, 0.9999999)
                steep = np.log((1 + inside) / (1 - inside))
                steep[abs(e) > 0.9999999] = 17 * np.sign(e[abs(e) > 0.9999999])
                error = 2 * self.factor * steep
            if self.output == "softmax":
                delta = y * (error - (error * y).sum(axis=1, keepdims=True))
            else:
                delta = error * slope(self.output, pre[-1], cut)
        parts: list[np.ndarray] = []
        back = [np.zeros(0)] + [np.zeros_like(z) for z in pre]  # by what each layer gives
        for k in range(len(layers) - 1, -1, -1):
            if k < len(layers) - 1:
                delta = back[k + 1] * slope(self.kind(k), pre[k], cut)
            biases = [delta.sum(axis=0)] if self.bias else []
            parts = [(delta.T @ signals[k]).ravel(), *biases, *parts]
            at, through = 0, delta @ layers[k][0]
            for source in self.fed[k]:
                width = self.shapes[source - 1][0] if source else self.x.shape[1]
                if source:
                    back[source] = back[source] + through[:, at : at + width]
                at += width
        return (np.concatenate(parts) + 2 * self.l2 * theta * self.penalised) * self.trained

    @property
    def trained(self) -> np.ndarray:
        """Whether each parameter is trained, not frozen: 1 or 0."""
        return np.concatenate(
            [
                np.full(size, f"{kind}{k + 1}" not in self.frozen, float)
                for k, (units, inputs) in enumerate(self.shapes)
                for kind, size in (("W", units * inputs), ("b", units * self.bias))
            ]
        )

    @property
    def penalised(self) -> np.ndarray:
        """Whether the L2 term takes in each parameter."""
        sizes = [(u * i, u * self.bias) for u, i in self.shapes]
        return np.repeat([True, self.l2_biases] * len(sizes), np.ravel(sizes))

    def solved(self, theta: np.ndarray, middle: float) -> bool:
        return bool(((self.outputs(theta) > middle) == (self.t > middle)).all())


@dataclass
class Rule:
    """An optimizer with its own state."""

    name: str
    rate: float
    momentum: float = 0.0
    constants: dict[str, float] = field(default_factory=dict)
    loss: Callable[[np.ndarray], float] | None = None
    """Of a network, for a rule that compares losses."""
    state: dict[str, Any] = field(default_factory=dict)
    t: int = 0

    def step(self, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
        s = self.state
        self.t += 1
        if self.name == "gradient-descent":
            return theta - self.rate * g
        if self.name == "momentum":
            s["v"] = self.momentum * s.get("v", 0 * g) - self.rate * g
            return theta + s["v"]
        if self.name == "adam":
            b1, b2 = self.constants.get("beta1", 0.9), self.constants.get("beta2", 0.999)
            epsilon = self.constants.get("epsilon", 1e-8)
            s["m"] = b1 * s.get("m", 0 * g) + (1 - b1) * g
            s["s"] = b2 * s.get("s", 0 * g) + (1 - b2) * g**2
            m, v = s["m"] / (1 - b1**self.t), s["s"] / (1 - b2**self.t)
            if self.constants.get("epsilon_hat"):
                rate = self.rate * np.sqrt(1 - b2**self.t) / (1 - b1**self.t)
                return theta - rate * s["m"] / (np.sqrt(s["s"]) + epsilon)
            return theta - self.rate * m / (np.sqrt(v) + epsilon)
        if self.name == "nesterov":
            s["v"] = self.momentum * s.get("v", 0 * g) - self.rate * g
            return theta + self.momentum * s["v"] - self.rate * g
        if self.name == "rmsprop":
            decay, epsilon = self.constants.get("decay", 0.9), self.constants.get("epsilon", 1e-8)
            s["s"] = decay * s.get("s", 0 * g) + (1 - decay) * g**2
            if self.constants.get("epsilon_in_root"):
                return theta - self.rate * g / np.sqrt(s["s"] + epsilon)
            return theta - self.rate * g / (np.sqrt(s["s"]) + epsilon)
        if self.name == "quickprop":
            return self._quickprop(theta, g)
        if self.name == "rprop-plus":
            return self._rprop_plus(theta, g)
        if self.name == "rprop-fann":
            return self._rprop_fann(theta, g)
        if self.name == "lbfgs":
            return self._lbfgs(theta, g)
        before = s.get("g", 0 * g)
        size = s.get("size", np.full_like(g, self.rate))
        grow, shrink, low, high = self._resilient
        for i in range(len(g)):
            if g[i] * before[i] > 0:
                size[i] = min(size[i] * grow, high)
            elif g[i] * before[i] < 0:
                size[i] = max(size[i] * shrink, low)
                g = g.copy()
                g[i] = 0.0
        size = np.clip(size, low, high)
        s["g"], s["size"] = g, size
        return theta - np.sign(g) * size

    @property
    def _resilient(self) -> tuple[float, float, float, float]:
        usual = {"increase": 1.2, "decrease": 0.5, "smallest_step": 1e-6, "largest_step": 50.0}
        grow, shrink, low, high = (self.constants.get(k, v) for k, v in usual.items())
        return grow, shrink, low, high

    def _rprop_plus(self, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
        """Riedmiller and Braun's figure, weight by weight."""
        s, theta = self.state, theta.copy()
        s.setdefault("before", np.zeros_like(g))
        s.setdefault("size", np.full_like(g, self.rate))
        s.setdefault("change", np.zeros_like(g))
        grow, shrink, low, high = self._resilient
        for i, slope in enumerate(g):
            if s["before"][i] * slope < 0:
                s["size"][i] = max(s["size"][i] * shrink, low)
                theta[i] -= s["change"][i]
                s["before"][i] = 0.0
                continue
            if s["before"][i] * slope > 0:
                s["size"][i] = min(s["size"][i] * grow, high)
            s["size"][i] = min(max(s["size"][i], low), high)
            s["change"][i] = -np.sign(slope) * s["size"][i]
            theta[i] += s["change"][i]
            s["before"][i] = slope
        return theta

    def _rprop_fann(self, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
        """`fann_update_weights_irpropm`, weight by weight, in terms of its downhill slopes."""
        s, theta = self.state, theta.copy()
        s.setdefault("slope", np.zeros_like(g))
        s.setdefault("size", np.full_like(g, self.rate))
        usual = {"increase": 1.2, "decrease": 0.5, "smallest_step": 0.0, "largest_step": 50.0}
        grow, shrink, low, high = (self.constants.get(k, v) for k, v in usual.items())
        for i, slope in enumerate(-g):
            last = max(s["size"][i], 0.0001)
            if s["slope"][i] * slope >= 0:
                step = min(last * grow, high)
            else:
                step, slope = max(last * shrink, low), 0.0
            theta[i] += -step if slope < 0 else step
            theta[i] = min(max(theta[i], -1500.0), 1500.0)
            s["size"][i], s["slope"][i] = step, slope
        return theta

    def _lbfgs(self, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The inverse Hessian as a matrix, made of the remembered pairs anew at every step."""
        s, n = self.state, len(theta)
        pairs = s.setdefault("pairs", [])
        if "left" in s:
            step, change = theta - s["left"], g - s["slope"]
            if step @ change > np.finfo(float).eps * (change @ change):
                pairs[:] = [*pairs, (step, change)][-5:]
            del s["left"]
        inverse = np.eye(n) * (self.rate / np.linalg.norm(g) if np.linalg.norm(g) else self.rate)
        if pairs:
            step, change = pairs[-1]
            inverse = np.eye(n) * (step @ change) / (change @ change)
        for step, change in pairs:
            rho = 1 / (step @ change)
            v = np.eye(n) - rho * np.outer(change, step)
            inverse = v.T @ inverse @ v + rho * np.outer(step, step)
        d = -inverse @ g
        longest = self.constants.get("largest_step", 50.0)
        d = d * min(1.0, longest / np.linalg.norm(d)) if d.any() else d
        share = s.get("share", 1.0)
        here, there = self.loss(theta), self.loss(theta + share * d)
        promised = share * (g @ d)
        if there <= here + 1e-4 * promised + 8 * np.finfo(float).eps * abs(here):
            s.update(left=theta, slope=g, share=1.0)
            return theta + share * d
        curve = there - here - promised
        best = -promised / (2 * curve) if curve > 0 else 0.0
        share *= min(best, 0.5) if best > 0.1 else 0.1
        if share < 1e-8:
            pairs.clear()
            share = 1.0
        s["share"] = share
        return theta

    def _quickprop(self, theta: np.ndarray, g: np.ndarray) -> np.ndarray:
        """Fahlman's rule, weight by weight, in terms of the downhill slope."""
        s, theta = self.state, theta.copy()
        before = s.get("slope", np.zeros_like(g))
        last = s.get("step", np.zeros_like(g))
        growth, rest = (
            self.constants.get("largest_growth", 1.75),
            self.constants.get("at_rest", 0),
        )
        steps = np.zeros_like(g)
        for i, slope in enumerate(-g):
            if abs(last[i]) <= rest:
                steps[i] = self.rate * slope
                continue
            sign = np.sign(last[i])
            if sign * slope > 0:
                steps[i] += self.rate * slope
            if sign * slope > sign * before[i] * growth / (1 + growth):
                steps[i] += growth * last[i]
            else:
                steps[i] += last[i] * slope / (before[i] - slope)
        s["slope"], s["step"] = -g, steps
        return theta + steps


def train(net: Net, rule: Rule, theta: np.ndarray, steps: int) -> np.ndarray:
    """Return the weights after each step, the start first: shape (steps + 1, n_parameters)."""
    path = [theta]
    rule.loss = net.loss
    for _ in range(steps):
        stepped = rule.step(theta, net.gradient(theta, net.cut_slopes))
        # FANN's rule moves a weight whose slope is zero.
        theta = np.where(net.trained, stepped, theta)
        path.append(theta)
    return np.array(path)
