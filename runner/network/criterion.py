"""When the outputs of a restart count as solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.network.layouts.base import Layout
from runner.network.tensors import Namespace, Tensor, constant, largest, total


@dataclass(frozen=True)
class SolvedCriterion:
    """When each pattern's outputs are right: by side, by nearness or by class; or by the loss.

    Notes
    -----
    An output is right on its target's side of the middle between its two target levels. One with
    more target levels has no side to be on, and is right near its target. Outputs that are classes
    (a softmax with one-hot targets) are judged together: the pattern's own class must have the
    largest of them, however small that is.
    """

    middles: tuple[float, ...]
    """Per output, the middle between its two target levels; 0 where it has more levels."""
    tolerances: tuple[float, ...]
    """Per output, how near its target a solved output must be; 0 where it has two levels only."""
    by_class: bool = False
    """Whether the outputs are classes."""
    by_loss: bool = False
    """Whether a loss at or under the lane's threshold decides, in place of the outputs."""

    def graph(
        self, T: Namespace, layout: Layout, out: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> Tensor:
        """Build whether each lane is solved."""
        if self.by_class:
            return layout.every(T, self._classified(T, layout, out, targets))
        right = []
        middles = layout.per_output(self.middles)
        tolerances = layout.per_output(self.tolerances)
        for y, t, middle, tolerance in zip(out, targets, middles, tolerances, strict=True):
            side = T.eq(T.gt(y, middle), T.gt(t, middle))
            near = T.lt(abs(y - t), tolerance)
            by_nearness = np.asarray(tolerance) > 0
            if by_nearness.all():
                right.append(near)
            else:
                right.append(T.switch(by_nearness, near, side) if by_nearness.any() else side)
        return layout.every(T, right)

    def right(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Tell what is right, in NumPy.

        Parameters
        ----------
        outputs : ndarray, shape (n_patterns, n_outputs, n)
        targets : ndarray, shape (n_patterns, n_outputs, n) or (n_patterns, n_outputs, 1)

        Returns
        -------
        ndarray, shape (n_patterns, n_outputs, n), bool
            Of outputs that are classes of the pattern as a whole, (n_patterns, 1, n). What is no
            number is wrong.
        """
        if self.by_class:
            own = (targets * outputs).sum(axis=1, keepdims=True)
            others = ((1 - targets) * outputs).max(axis=1, keepdims=True)
            return np.asarray(own > others)
        middles, tolerances = (
            np.array(values)[:, np.newaxis] for values in (self.middles, self.tolerances)
        )
        side = (outputs > middles) == (targets > middles)
        near = np.abs(outputs - targets) < tolerances
        return np.asarray(np.where(tolerances > 0, near, side) & ~np.isnan(outputs))

    def _classified(
        self, T: Namespace, layout: Layout, out: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> list[Tensor]:
        """Build whether the own class's output is larger than every other one, by pattern."""
        right = []
        classes = zip(layout.by_output(out), layout.by_output(targets), strict=True)
        per_class = [list(zip(y, t, strict=True)) for y, t in classes]
        for pattern in zip(*per_class, strict=True):
            one = constant(1, layout.dtype)
            own = total([t * y for y, t in pattern])
            others = largest(T, [(one - t) * y for y, t in pattern])
            right.append(T.gt(own, others))
        return right
