"""One training step of many restarts at once, as a symbolic graph for any engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import compress
from operator import and_

import numpy as np

from runner.network.cut_slopes import Gradient, back_with_cut_slopes
from runner.network.lane import Lane
from runner.network.layouts.base import Layout, PackedLayout, Patterns
from runner.network.layouts.lanes import Lanes
from runner.network.layouts.registry import make_layout
from runner.network.optimizers.base import Point
from runner.network.pattern_order import ordered_patterns
from runner.network.signature import Signature
from runner.network.stops.base import StopPoint
from runner.network.stops.registry import STOPS
from runner.network.tensors import Namespace, Tensor, constant


class Step:
    """Builds the graph of a step for one signature.

    Parameters
    ----------
    T : module
        Tensor namespace of the engine.
    gradient : callable
        The engine's back-propagation.
    signature : Signature
    patterns : sequence of sequences of numbers or tensors, optional
        In place of the signature's, some of them; their loss is reduced over these.
    """

    def __init__(
        self,
        T: Namespace,
        gradient: Gradient,
        signature: Signature,
        patterns: Patterns | None = None,
    ) -> None:
        self.T = T
        self.gradient = gradient
        self.signature = signature
        self._patterns = np.asarray(signature.patterns) if patterns is None else patterns

    @cached_property
    def layout(self) -> Layout:
        """How this signature's restarts lie in tensors."""
        signature = self.signature
        return make_layout(
            signature.layout,
            signature.architecture,
            self._patterns,
            signature.loss,
            signature.dtype,
        )

    @property
    def packed_layout(self) -> PackedLayout:
        """`layout`, for what reads or writes packed matrices.

        Raises
        ------
        TypeError
            If this layout has no packed form.
        """
        if not isinstance(self.layout, PackedLayout):
            message = f"layout {self.signature.layout} has no packed form"
            raise TypeError(message)
        return self.layout

    @property
    def n_tensors(self) -> int:
        """Tensors that hold one set of parameters in this layout."""
        return self.layout.n_tensors

    def unpack(self, state: Tensor) -> list[Tensor]:
        """Split a packed state into parameter, slot and counter tensors."""
        packed = self.signature.state
        tensors: list[Tensor] = []
        for number in range(packed.n_blocks):
            tensors += self.packed_layout.unpack(self.T, state[packed.block(number)])
        first = packed.first_counter
        return tensors + [state[first + i] for i in range(packed.n_counters)]

    def pack(self, tensors: Sequence[Tensor]) -> Tensor:
        """Join parameter, slot and counter tensors into a packed state."""
        size, n_blocks = self.n_tensors, self.signature.state.n_blocks
        rows = []
        for block in range(n_blocks):
            rows.append(self.packed_layout.pack(self.T, tensors[block * size : (block + 1) * size]))
        rows += [counter.dimshuffle("x", 0) for counter in tensors[size * n_blocks :]]
        return self.T.concatenate(rows, axis=0) if len(rows) > 1 else rows[0]

    def solved(self, out: Sequence[Tensor], lane: Lane, loss: Callable[[], Tensor]) -> Tensor:
        """Whether each lane is solved; ``loss`` builds its loss, where that is needed."""
        criterion = self.signature.criterion
        if criterion.by_loss:
            return self.T.le(loss(), lane.hyperparameter("stop_loss"))
        return criterion.graph(self.T, self.layout, out, lane.targets)

    def loss(
        self,
        parameters: Sequence[Tensor],
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        lane: Lane,
    ) -> Tensor:
        """Loss per lane, the L2 term included."""
        signature, dtype = self.signature, self.signature.dtype
        summed = self.layout.loss(self.T, pre, out, lane.targets)
        loss = constant(self.layout.factor, dtype) * summed
        if signature.regularised:
            own = compress(parameters, self.layout.penalised(signature.l2_biases))
            loss = loss + lane.hyperparameter("l2") * self.layout.add(self.T, [p * p for p in own])
        return loss

    def gradients(
        self,
        parameters: Sequence[Tensor],
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        lane: Lane,
        *,
        cut: bool = False,
    ) -> list[Tensor]:
        """Gradient of the loss, by the engine's symbolic differentiation; of frozen ones 0.

        With ``cut`` what updates follow in its place where slopes are cut.
        """
        signature, dtype = self.signature, self.signature.dtype
        if cut:
            gradients = back_with_cut_slopes(
                self.T, self.gradient, self.layout, parameters, lane.targets
            )
        else:
            seeds = self.layout.seeds(self.T, pre, out, lane.targets)
            gradients = self._back(seeds, parameters)
        if signature.regularised:
            weight = constant(2, dtype) * lane.hyperparameter("l2")
            pulled = map(and_, self.layout.trained, self.layout.penalised(signature.l2_biases))
            gradients = [
                g + self.layout.spread(self.T, weight, p) * p if own else g
                for g, p, own in zip(gradients, parameters, pulled, strict=True)
            ]
        return gradients

    def _back(
        self, seeds: Sequence[tuple[Tensor, Tensor]], parameters: Sequence[Tensor]
    ) -> list[Tensor]:
        """Back-propagate to the parameters that are trained; 0 for those that are frozen."""
        trained = self.layout.trained
        found = iter(self.gradient(seeds, list(compress(parameters, trained))))
        return [
            next(found) if own else self.T.zeros_like(p)
            for p, own in zip(parameters, trained, strict=True)
        ]

    def update(
        self, tensors: Sequence[Tensor], gradients: Sequence[Tensor], lane: Lane
    ) -> list[Tensor]:
        """What an epoch makes of the state; ``gradients`` are those of all patterns at its start.

        One update, or with `Signature.patterns_per_update` as many as it takes to go through the
        patterns, each with the gradient of its own ones. Cut slopes are found here.
        """
        if not self.signature.patterns_per_update:
            if self.signature.cut_slopes:
                parameters = tensors[: self.n_tensors]
                seen = self.layout.forward(self.T, parameters, lane.targets)
                gradients = self.gradients(parameters, *seen, lane, cut=True)
            return self._updated(tensors, gradients, lane)
        return self._epoch(tensors, lane)[0]

    def _epoch(self, tensors: Sequence[Tensor], lane: Lane) -> tuple[list[Tensor], list[Tensor]]:
        """The state after an epoch of updates on some patterns each, and all outputs on the way."""
        signature, seen = self.signature, []
        n_optimizer = len(tensors) - 3 * signature.shuffled
        state, generator = list(tensors[:n_optimizer]), list(tensors[n_optimizer:])
        patterns, targets, generator = ordered_patterns(self.T, signature, lane.targets, generator)
        for first in range(0, len(patterns), signature.patterns_per_update):
            some = slice(first, first + signature.patterns_per_update)
            part = Step(self.T, self.gradient, signature, patterns[some])
            aims = [target for pattern in targets[some] for target in pattern]
            parameters = state[: self.n_tensors]
            pre, out = part.layout.forward(self.T, parameters, aims)
            seen += out
            own = Lane(lane.hyper, aims)
            slopes = part.gradients(parameters, pre, out, own, cut=signature.cut_slopes)
            state = self._updated(state, slopes, lane)
        return state + generator, seen

    def _updated(
        self, tensors: Sequence[Tensor], gradients: Sequence[Tensor], lane: Lane
    ) -> list[Tensor]:
        """What the optimizer makes of parameters, slots and counters in one update."""
        size, n_blocks = self.n_tensors, self.signature.state.n_blocks
        blocks = [tensors[i * size : (i + 1) * size] for i in range(n_blocks)]
        n_optimizer = size * n_blocks + len(self.signature.rule.counters)
        updates = tensors[n_optimizer:]  # made so far, where there is a schedule; else nothing
        update = self.signature.rule.update(
            Point(
                T=self.T,
                dtype=self.signature.dtype,
                parameters=blocks[0],
                gradients=gradients,
                slots=blocks[1:],
                counters=tensors[size * n_blocks : n_optimizer],
                rate=self._scheduled("learning_rate", lane, updates),
                momentum=self._scheduled("momentum", lane, updates),
                spread=lambda vector, tensor: self.layout.spread(self.T, vector, tensor),
                add=lambda parts: self.layout.add(self.T, parts),
                loss=lambda there: self.loss(
                    there, *self.layout.forward(self.T, there, lane.targets), lane
                ),
                patterns=self.signature.patterns,
                targets=lane.targets,
                constants=dict(self.signature.constants),
            )
        )
        places = zip(update.parameters, blocks[0], self.layout.trained, strict=True)
        moved = [new if trained else old for new, old, trained in places]
        for slot in update.slots:
            moved += slot
        one = constant(1, self.signature.dtype)
        return [*moved, *update.counters, *(count + one for count in updates)]

    def _scheduled(self, name: str, lane: Lane, updates: Sequence[Tensor]) -> Tensor:
        """A hyperparameter, times its schedule's factor after so many updates where it has one."""
        schedule = self.signature.schedules.get(name)
        if schedule is None:
            return lane.hyperparameter(name)
        return lane.hyperparameter(name) * schedule.factor(self.T, updates[0], self.signature.dtype)

    def attempt(self, tensors: Sequence[Tensor], lane: Lane) -> tuple[list[Tensor], Tensor, Tensor]:
        """One step of every lane, and which lanes are not to take it.

        Returns
        -------
        tensors, halted, solved
            ``halted`` are lanes whose outputs are not finite, or that fulfil one of the
            signature's stopping rules, before the update; ``solved`` are those solved there. With
            updates on some patterns and no stopping rule, a lane halts if an output on the way
            through the epoch is not finite, and none is called solved.
        """
        T, layout = self.T, self.layout
        if self.signature.patterns_per_update and not self.signature.stops:
            # Nothing looks at all patterns between epochs: that would take a third of the time.
            moved, seen = self._epoch(tensors, lane)
            finite = self._finite(seen)
            return moved, T.invert(finite), T.and_(finite, T.invert(finite))
        parameters = tensors[: self.n_tensors]
        pre, out = layout.forward(T, parameters, lane.targets)
        gradients = self.gradients(parameters, pre, out, lane)
        finite = self._finite(out)
        solved = self.solved(out, lane, lambda: self.loss(parameters, pre, out, lane))
        halted = T.invert(finite)
        at = StopPoint(
            T=T,
            layout=layout,
            solved=solved,
            gradients=gradients,
            loss=lambda: self.loss(parameters, pre, out, lane),
            hyperparameter=lane.hyperparameter,
        )
        for name in self.signature.stops:
            halted = T.or_(halted, STOPS[name].holds(at))
        return self.update(tensors, gradients, lane), halted, solved

    def _finite(self, outputs: Sequence[Tensor]) -> Tensor:
        """Whether no output of a lane is inf or nan."""
        # One sum tells; the comparison is false for both.
        total = self.layout.add(self.T, outputs)
        return self.T.lt(abs(total), constant(np.inf, self.signature.dtype))

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
        layout, traced = self.layout, []
        if not isinstance(layout, Lanes):
            message = f"layout {self.signature.layout} has no units of their own; expected lanes"
            raise TypeError(message)
        for pattern in self.signature.patterns:
            for z, y in layout.units(self.T, parameters, pattern):
                traced += [self.T.stack(z), self.T.stack(y)]
        return traced

    def look(self, parameters: Sequence[Tensor], lane: Lane) -> list[list[Tensor]]:
        """What is seen at parameters: loss, gradient, outputs and what is solved, a list each."""
        pre, out = self.layout.forward(self.T, parameters, lane.targets)
        gradients = self.gradients(parameters, pre, out, lane)
        loss = self.loss(parameters, pre, out, lane)
        return [[loss], gradients, list(out), [self.solved(out, lane, lambda: loss)]]

    def evaluate(self, tensors: Sequence[Tensor], lane: Lane) -> list[Tensor]:
        """What is known of an endpoint: see `runner.engines.base.Evaluation`."""
        T, layout = self.T, self.packed_layout
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
        """Product of the loss's Hessian with a direction per lane, shaped like the parameters.

        Of frozen parameters 0, and nothing that the direction has there counts.
        """
        pre, out = self.layout.forward(self.T, parameters, lane.targets)
        gradients = self.gradients(parameters, pre, out, lane)
        # the Hessian is symmetric, so back-propagating through the gradient multiplies by it
        pairs = compress(zip(gradients, directions, strict=True), self.layout.trained)
        return self._back(list(pairs), parameters)
