"""A plain NumPy trainer, one restart at a time, apart from the runner: the tests' oracle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


def squash(kind: str, z: np.ndarray) -> np.ndarray:
    if kind == "sigmoid":
        return np.where(z >= 0, 1 / (1 + np.exp(-abs(z))), np.exp(-abs(z)) / (1 + np.exp(-abs(z))))
    if kind == "tanh":
        return np.tanh(z)
    if kind == "relu":
        return np.maximum(z, 0)
    if kind == "step":
        return (z > 0).astype(float)
    if kind == "softmax":
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)
    return z


def slope(kind: str, z: np.ndarray) -> np.ndarray:
    y = squash(kind, z)
    return {
        "sigmoid": lambda: y * (1 - y),
        "tanh": lambda: 1 - y**2,
        "relu": lambda: (z > 0).astype(float),
        "step": lambda: np.zeros_like(z),
        "linear": lambda: np.ones_like(z),
    }[kind]()


@dataclass
class Net:
    """A network, its loss and its data; ``theta`` is a flat vector, layer by layer, W then b."""

    hidden: tuple[int, ...]
    activation: str
    output: str
    loss_kind: str
    reduction: str
    x: np.ndarray
    t: np.ndarray
    l2: float = 0.0
    skip: bool = False
    shapes: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        widths = [self.x.shape[1], *self.hidden, self.t.shape[1]]
        self.shapes = [(widths[i + 1], widths[i]) for i in range(len(widths) - 1)]
        if self.skip and self.hidden:
            self.shapes[-1] = (widths[-1], widths[-2] + widths[0])

    @property
    def size(self) -> int:
        return sum(u * (i + 1) for u, i in self.shapes)

    @property
    def factor(self) -> float:
        terms = len(self.x) * self.t.shape[1]
        if self.loss_kind == "cross-entropy" and self.output == "softmax":
            terms = len(self.x)
        return {"mean": 1 / terms, "sum": 1.0, "half-sum": 0.5}[self.reduction]

    def layers(self, theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        out, at = [], 0
        for units, inputs in self.shapes:
            w = theta[at : at + units * inputs].reshape(units, inputs)
            at += units * inputs
            out.append((w, theta[at : at + units]))
            at += units
        return out

    def passes(self, theta: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
        signal, signals, pre = self.x, [], []
        layers = self.layers(theta)
        for k, (w, b) in enumerate(layers):
            last = k == len(layers) - 1
            if last and self.skip and self.hidden:
                signal = np.hstack([signal, self.x])
            signals.append(signal)
            pre.append(signal @ w.T + b)
            signal = squash(self.output if last else self.activation, pre[-1])
        return signals, pre, signal

    def outputs(self, theta: np.ndarray) -> np.ndarray:
        return self.passes(theta)[2]

    def loss(self, theta: np.ndarray) -> float:
        _, pre, y = self.passes(theta)
        z = pre[-1]
        if self.loss_kind == "squared-error":
            data = ((y - self.t) ** 2).sum()
        elif self.output == "softmax":
            high = z.max(axis=1, keepdims=True)
            log_p = z - high - np.log(np.exp(z - high).sum(axis=1, keepdims=True))
            data = -(self.t * log_p).sum()
        else:
            data = (np.logaddexp(0, z) - self.t * z).sum()
        return float(self.factor * data + self.l2 * (theta**2).sum())

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        signals, pre, y = self.passes(theta)
        layers = self.layers(theta)
        if self.loss_kind == "cross-entropy":
            delta = self.factor * (y - self.t)
        else:
            error = 2 * self.factor * (y - self.t)
            if self.output == "softmax":
                delta = y * (error - (error * y).sum(axis=1, keepdims=True))
            else:
                delta = error * slope(self.output, pre[-1])
        parts: list[np.ndarray] = []
        for k in range(len(layers) - 1, -1, -1):
            parts = [(delta.T @ signals[k]).ravel(), delta.sum(axis=0), *parts]
            if k:
                back = (delta @ layers[k][0])[:, : self.shapes[k - 1][0]]
                delta = back * slope(self.activation, pre[k - 1])
        return np.concatenate(parts) + 2 * self.l2 * theta

    def solved(self, theta: np.ndarray, middle: float) -> bool:
        return bool(((self.outputs(theta) > middle) == (self.t > middle)).all())


@dataclass
class Rule:
    """An optimizer with its own state."""

    name: str
    rate: float
    momentum: float = 0.0
    state: dict[str, np.ndarray] = field(default_factory=dict)
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
            s["m"] = 0.9 * s.get("m", 0 * g) + 0.1 * g
            s["s"] = 0.999 * s.get("s", 0 * g) + 0.001 * g**2
            m, v = s["m"] / (1 - 0.9**self.t), s["s"] / (1 - 0.999**self.t)
            return theta - self.rate * m / (np.sqrt(v) + 1e-8)
        before = s.get("g", 0 * g)
        size = s.get("size", np.full_like(g, self.rate))
        for i in range(len(g)):
            if g[i] * before[i] > 0:
                size[i] = min(size[i] * 1.2, 50)
            elif g[i] * before[i] < 0:
                size[i] = max(size[i] * 0.5, 1e-6)
                g = g.copy()
                g[i] = 0.0
        size = np.clip(size, 1e-6, 50)
        s["g"], s["size"] = g, size
        return theta - np.sign(g) * size


def train(net: Net, rule: Rule, theta: np.ndarray, steps: int) -> np.ndarray:
    """Return the weights after each step, the start first: shape (steps + 1, n_parameters)."""
    path = [theta]
    for _ in range(steps):
        theta = rule.step(theta, net.gradient(theta))
        path.append(theta)
    return np.array(path)
