"""Funnels: where one comes to over ever lower minima (Berry and Kunz 1995)."""

from __future__ import annotations

import pandas as pd

_LOWER = 1e-9  # relative: by how much less a loss must be to be lower


def bottoms(losses: pd.Series[float], transitions: pd.DataFrame) -> pd.Series[int]:
    """Return the bottom of the funnel that each minimum lies in.

    From a minimum one goes over the lowest of the transition states that join it to a lower one,
    and again from there, until none does.

    Parameters
    ----------
    losses : Series of float64
        Of the minima, by class.
    transitions : DataFrame
        As `runner.study.study.Study.transitions`, of one configuration.

    Examples
    --------
    >>> losses = pd.Series([0.0, 1.0, 2.0])
    >>> joins = {"loss": [3.0, 2.5], "class_a": [0, 1], "class_b": [2, 2]}
    >>> bottoms(losses, pd.DataFrame(joins)).tolist()
    [0, 1, 1]
    """
    loss = {int(str(minimum)): value for minimum, value in losses.items()}
    below: dict[int, int] = {}
    ordered = transitions.sort_values("loss", kind="stable")
    for pair in zip(ordered["class_a"], ordered["class_b"], strict=True):
        for one, other in (pair, pair[::-1]):
            if one in below or not {one, other} <= loss.keys():
                continue
            if loss[other] < loss[one] - _LOWER * max(abs(loss[one]), 1.0):
                below[one] = other
    found = {}
    for minimum in loss:
        bottom = minimum
        while bottom in below:
            bottom = below[bottom]
        found[minimum] = bottom
    return pd.Series(found, dtype="int64")
