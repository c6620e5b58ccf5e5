"""When the outputs of a restart count as solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.network.layouts.base import Layout
from runner.network.tensors import Namespace, Tensor


@dataclass(frozen=True)
class SolvedCriterion:
    """Every output lies on its target's side of the middle, or near its target.

    Notes
    -----
    The second is for outputs with more than two target levels, which have no side to be on.
    """

    middles: tuple[float, ...]
    """Per output, the middle between its two target levels; 0 where it has more levels."""
    tolerances: tuple[float, ...]
    """Per output, how near its target a solved output must be; 0 where it has two levels only."""

    def graph(
        self, T: Namespace, layout: Layout, out: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> Tensor:
        """Build whether each lane is solved."""
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
