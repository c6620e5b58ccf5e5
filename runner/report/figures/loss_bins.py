"""The bins of histograms of losses, on a scale on which small losses and stuck ones are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.training.labels import LABELS

_BINS = 60
_FAR = 30.0  # losses that differ by this factor are on a logarithmic scale
_LEAST = 1e-12  # losses under it count as 0


@dataclass(frozen=True)
class LossBins:
    """Bins that all panels share."""

    edges: np.ndarray
    """One more than there are bins."""
    logarithmic: bool
    """Whether their widths are equal as factors."""
    cut: bool
    """Whether a few losses lie beyond an end; they are counted in the last bin there."""

    @classmethod
    def of(cls, losses: pd.Series[float], levels: Sequence[float]) -> LossBins:
        """Return the bins for some finite losses, in which exact levels have room too."""
        values = losses.to_numpy(np.float64)
        if not len(values):
            return cls(np.linspace(0.0, 1.0, _BINS + 1), False, False)
        # far outliers would leave one bar of everything else
        most = float(values.max())
        reached = 3 * float(np.quantile(values, 0.99))
        top = max([min(most, reached) if reached > 0 else most, *levels])
        least = float(values.min())
        if least < 0 or top <= _LEAST:
            low = min(0.0, least)
            high = max(top, low + 1e-12)
            return cls(np.linspace(low, high + 0.05 * (high - low), _BINS + 1), False, most > top)
        bottom = max(float(np.quantile(values, 0.001)), _LEAST)
        if top < _FAR * bottom:
            return cls(np.linspace(0.0, 1.05 * top, _BINS + 1), False, most > 1.05 * top)
        edges = np.geomspace(0.8 * bottom, 1.25 * top, _BINS + 1)
        return cls(edges, True, least < 0.8 * bottom or most > top)

    @property
    def said(self) -> str:
        """What the caption adds."""
        return " Losses beyond an end are counted there." if self.cut else ""

    def share(self, loss: float) -> float:
        """Return where a loss stands on the axis, from 0 at its left end to 1."""
        first, last = float(self.edges[0]), float(self.edges[-1])
        if self.logarithmic:
            return float(np.log(loss / first) / np.log(last / first))
        return (loss - first) / (last - first)

    def counted(self, frame: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return how many of a configuration's finite losses are in each bin, by label."""
        found = {}
        finite = frame[frame["loss"].notna()]
        for label in LABELS:
            values = finite.loc[finite["label"] == label, "loss"].to_numpy(np.float64)
            if len(values):
                inside = np.clip(values, self.edges[0], self.edges[-1])
                found[label] = np.histogram(inside, self.edges)[0]
        return found
