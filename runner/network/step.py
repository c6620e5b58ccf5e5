"""One training step of many restarts at once, as a symbolic graph for either engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from runner.network.architecture import Architecture, LossKind, Tensor, constant
from runner.network.layouts import LAYOUTS, Lanes, Layout
from runner.network.model import Model
from runner.network.optimizers import OPTIMIZERS, Optimizer, Point, Update
from runner.network.trusted import Trusted

Gradient = Callable[[Sequence[tuple[Tensor, Tensor]], Sequence[Tensor]], list[Tensor]]
"""Back-propagates (tensor, derivative) pairs to the given parameters: an engine's ``grad``."""

HYPERPARAMETERS = ("learning_rate", "momentum", "l2", "stop_loss", "stop_gradient")
"""Rows of the per-lane matrix of settings that need no new compilation."""


@dataclass(frozen=True)
class Signature:
    """All that forces a compiled function of its own; equal signatures share one.

    Notes
    -----
    A signature depends on one configuration alone, never on its neighbours in a grid, so adding
    configurations cannot change the bits of the others.
    """

    architecture: Architecture
    """Shape and non-linearities of the network."""
    patterns: tuple[tuple[float, ...], ...]
    """Input patterns, one tuple each; folded into the graph as constants."""
    middles: tuple[float, ...]
    """Per output, the middle between its two target levels; 0 where it has more levels."""
    tolerances: tuple[float, ...]
    """Per output, how near its target a solved output must be; 0 where it has two levels only."""
    loss: LossKind
    """Loss and its reduction."""
    regularised: bool
    """Whether an L2 term is added."""
    optimizer: str
    """Name of the update rule."""
    stop_solved: bool
    """Whether a solved restart stops."""
    stop_loss: bool
    """Whether a loss at or under the lane's threshold stops a restart."""
    stop_gradient: bool
    """Whether a gradient at or under the lane's threshold stops a restart."""
    dtype: str
    """float32 or float64."""
    layout: str
    """``lanes`` or ``stacked``; in SIMD code ``matrices`` take the place of the latter."""
    n_lanes: int
    """Restarts trained at once by one call; SIMD code takes any number."""
    n_steps: int
    """Steps taken by one call; SIMD code takes as many as are needed."""

    @property
    def rule(self) -> Optimizer:
        """The update rule."""
        return OPTIMIZERS[self.optimizer]

    @property
    def n_rows(self) -> int:
        """Rows of the packed state: parameters, slots, counters."""
        return self.architecture.n_parameters * (1 + self.rule.n_slots) + len(self.rule.counters)

    @property
    def n_targets(self) -> int:
        """Rows of the packed targets: patterns times outputs."""
        return len(self.patterns) * self.architecture.n_outputs

    @property
    def measured(self) -> Signature:
        """What has to be compiled to look at endpoints of this signature, whatever trained them."""
        return replace(
            self,
            optimizer="gradient-descent",
            stop_solved=False,
            stop_loss=False,
            stop_gradient=False,
            dtype="float64",
            n_steps=1,
        )

    def columns(self, state: np.ndarray) -> dict[str, np.ndarray]:
        """What the update rule has counted, by name, from a packed state (n_rows, n)."""
        first = self.architecture.n_parameters * (1 + self.rule.n_slots)
        return {name: state[first + i] for i, name in enumerate(self.rule.columns)}

    def start(self, parameters: np.ndarray, learning_rate: np.ndarray) -> np.ndarray:
        """Packed state of restarts before their first step.

        Parameters
        ----------
        parameters : ndarray, shape (n_parameters, n), float64
        learning_rate : ndarray, shape (n,), float64

        Returns
        -------
        ndarray, shape (n_rows, n), this signature's dtype
        """
        n = self.architecture.n_parameters
        state = np.zeros((self.n_rows, parameters.shape[1]), self.dtype)
        state[:n] = parameters
        if self.rule.slot_from_rate is not None:
            first = n * (1 + self.rule.slot_from_rate)
            state[first : first + n] = learning_rate
        for i, value in enumerate(self.rule.counters):
            state[n * (1 + self.rule.n_slots) + i] = value
        return state


@dataclass(frozen=True)
class Lane:
    """The symbolic inputs of a step: settings and targets of every lane."""

    hyper: Sequence[Tensor]
    """One vector per name in `HYPERPARAMETERS`."""
    targets: Sequence[Tensor]
    """The layout's target group."""


class Step:
    """Builds the graph of a step for one signature.

    Parameters
    ----------
    T : module
        Tensor namespace of the engine.
    gradient : callable
        The engine's back-propagation.
    signature : Signature
    """

    def __init__(self, T: Any, gradient: Gradient, signature: Signature) -> None:
        self.T = T
        self.gradient = gradient
        self.signature = signature

    @cached_property
    def layout(self) -> Layout:
        """How this signature's restarts lie in tensors."""
        net, patterns = self.signature.architecture, np.asarray(self.signature.patterns, np.float64)
        if isinstance(net, Model):
            return Trusted(net, patterns, self.signature.dtype)
        kind = LAYOUTS[self.signature.layout]
        return kind(net, patterns, self.signature.dtype)

    @property
    def n_tensors(self) -> int:
        """Tensors that hold one set of parameters in this layout."""
        net = self.signature.architecture
        lanes = self.signature.layout == "lanes"
        return net.n_parameters if lanes else 2 * len(net.layers)

    def unpack(self, state: Tensor) -> list[Tensor]:
        """Split a packed state into parameter, slot and counter tensors."""
        n = self.signature.architecture.n_parameters
        tensors: list[Tensor] = []
        for block in range(1 + self.signature.rule.n_slots):
            tensors += self.layout.unpack(self.T, state[block * n : (block + 1) * n])
        first = n * (1 + self.signature.rule.n_slots)
        return tensors + [state[first + i] for i in range(len(self.signature.rule.counters))]

    def pack(self, tensors: Sequence[Tensor]) -> Tensor:
        """Join parameter, slot and counter tensors into a packed state."""
        size = self.n_tensors
        rows = []
        for block in range(1 + self.signature.rule.n_slots):
            rows.append(self.layout.pack(self.T, tensors[block * size : (block + 1) * size]))
        counters = tensors[size * (1 + self.signature.rule.n_slots) :]
        rows += [counter.dimshuffle("x", 0) for counter in counters]
        return self.T.concatenate(rows, axis=0) if len(rows) > 1 else rows[0]

    def solved(self, out: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Whether every output is on its target's side of the middle (or near its target)."""
        T, layout, signature = self.T, self.layout, self.signature
        held = []
        middles = layout.per_output(signature.middles)
        tolerances = layout.per_output(signature.tolerances)
        for y, t, middle, tolerance in zip(out, targets, middles, tolerances, strict=True):
            side = T.eq(T.gt(y, middle), T.gt(t, middle))
            near = T.lt(abs(y - t), tolerance)
            many = np.asarray(tolerance) > 0  # more than two target levels: no side to be on
            held.append(near if many.all() else T.switch(many, near, side) if many.any() else side)
        return layout.every(T, held)

    def loss(
        self,
        parameters: Sequence[Tensor],
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        lane: Lane,
    ) -> Tensor:
        """Loss per lane, the L2 term included."""
        signature, dtype = self.signature, self.signature.dtype
        factor = signature.loss.factor(signature.architecture, len(signature.patterns))
        summed = self.layout.loss(self.T, signature.loss, pre, out, lane.targets)
        loss = constant(factor, dtype) * summed
        if signature.regularised:
            loss = loss + lane.hyper[2] * self.layout.add(self.T, [p * p for p in parameters])
        return loss

    def gradients(
        self,
        parameters: Sequence[Tensor],
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        lane: Lane,
    ) -> list[Tensor]:
        """Gradient of the loss, by the engine's symbolic differentiation."""
        signature, dtype = self.signature, self.signature.dtype
        factor = signature.loss.factor(signature.architecture, len(signature.patterns))
        seeds = self.layout.seeds(
            self.T, signature.loss, pre, out, lane.targets, constant(factor, dtype)
        )
        gradients = self.gradient(seeds, parameters)
        if signature.regularised:
            weight = constant(2, dtype) * lane.hyper[2]
            gradients = [
                g + self.layout.spread(self.T, weight, p) * p
                for g, p in zip(gradients, parameters, strict=True)
            ]
        return gradients

    def update(
        self, tensors: Sequence[Tensor], gradients: Sequence[Tensor], lane: Lane
    ) -> list[Tensor]:
        """What the optimizer makes of parameters, slots and counters in one step."""
        size, rule = self.n_tensors, self.signature.rule
        groups = [tensors[i * size : (i + 1) * size] for i in range(1 + rule.n_slots)]
        update: Update = rule.rule(
            Point(
                T=self.T,
                dtype=self.signature.dtype,
                parameters=groups[0],
                gradients=gradients,
                slots=groups[1:],
                counters=tensors[size * (1 + rule.n_slots) :],
                rate=lane.hyper[0],
                momentum=lane.hyper[1],
                spread=lambda vector, tensor: self.layout.spread(self.T, vector, tensor),
                patterns=self.signature.patterns,
                targets=lane.targets,
            )
        )
        moved = list(update.parameters)
        for slot in update.slots:
            moved += slot
        return moved + list(update.counters)

    def attempt(self, tensors: Sequence[Tensor], lane: Lane) -> tuple[list[Tensor], Tensor, Tensor]:
        """One step of every lane, and which lanes are not to take it.

        Returns
        -------
        tensors, halted, solved
            ``halted`` are lanes whose outputs are not finite, or that fulfil one of the
            signature's stopping rules, before the update; ``solved`` are those solved there.
        """
        T, layout, signature = self.T, self.layout, self.signature
        dtype = signature.dtype
        parameters = tensors[: self.n_tensors]
        pre, out = layout.forward(T, parameters, lane.targets)
        gradients = self.gradients(parameters, pre, out, lane)
        # One sum tells whether any output is inf or nan; the comparison is false for both.
        finite = T.lt(abs(layout.add(T, out)), constant(np.inf, dtype))
        solved = self.solved(out, lane.targets)
        halted = T.invert(finite)
        if signature.stop_solved:
            halted = T.or_(halted, solved)
        if signature.stop_loss:
            halted = T.or_(halted, T.le(self.loss(parameters, pre, out, lane), lane.hyper[3]))
        if signature.stop_gradient:
            peak = layout.highest(T, [abs(g) for g in gradients])
            halted = T.or_(halted, T.le(peak, lane.hyper[4]))
        return self.update(tensors, gradients, lane), halted, solved

    def advance(
        self, tensors: Sequence[Tensor], steps: Tensor, limit: Tensor, lane: Lane
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """One step of every lane that is not done.

        Returns
        -------
        tensors, steps, solved
            A lane that has reached its limit, or does not take the step (see `attempt`), keeps its
            tensors and its step count, bit for bit.
        """
        T = self.T
        attempted, halted, solved = self.attempt(tensors, lane)
        done = T.or_(T.ge(steps, limit), halted)
        moved = [
            T.switch(self.layout.spread(T, done, old), old, new)
            for old, new in zip(tensors, attempted, strict=True)
        ]
        return moved, T.switch(done, steps, steps + np.int32(1)), solved

    def trace(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Pre-activations and outputs, each (units, n_lanes), layer by layer of every pattern.

        Only in layout lanes, whose graph has every unit on its own.
        """
        lanes, found = self.layout, []
        if not isinstance(lanes, Lanes):
            message = f"layout {self.signature.layout} cannot be traced"
            raise TypeError(message)
        for pattern in self.signature.patterns:
            for z, y in lanes.layers(self.T, parameters, pattern):
                found += [self.T.stack(z), self.T.stack(y)]
        return found

    def look(self, parameters: Sequence[Tensor], lane: Lane) -> list[list[Tensor]]:
        """What is seen at parameters: loss, gradient, outputs and what is solved, a group each."""
        pre, out = self.layout.forward(self.T, parameters, lane.targets)
        gradients = self.gradients(parameters, pre, out, lane)
        loss = self.loss(parameters, pre, out, lane)
        return [[loss], gradients, list(out), [self.solved(out, lane.targets)]]

    def evaluate(self, tensors: Sequence[Tensor], lane: Lane) -> list[Tensor]:
        """What is known of an endpoint: see `runner.engines.base.Evaluation`."""
        T, layout = self.T, self.layout
        (loss,), gradients, out, (solved,) = self.look(tensors[: self.n_tensors], lane)
        moved = self.update(tensors, gradients, lane)[: self.n_tensors]
        next_loss = self.loss(moved, *layout.forward(T, moved, lane.targets), lane)
        return [
            loss,
            layout.pack(T, gradients),
            layout.pack_outputs(T, out),
            solved,
            layout.pack(T, moved),
            next_loss,
        ]

    def product(
        self, parameters: Sequence[Tensor], directions: Sequence[Tensor], lane: Lane
    ) -> list[Tensor]:
        """Product of the loss's Hessian with a direction per lane, shaped like the parameters."""
        pre, out = self.layout.forward(self.T, parameters, lane.targets)
        gradients = self.gradients(parameters, pre, out, lane)
        # the Hessian is symmetric, so back-propagating through the gradient multiplies by it
        return self.gradient(list(zip(gradients, directions, strict=True)), parameters)
