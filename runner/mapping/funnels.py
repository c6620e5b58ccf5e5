"""Funnels: where one comes to over ever lower minima (Berry and Kunz 1995)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

_LOWER = 1e-9  # relative: by how much less a loss must be to be lower


def bottoms(losses: pd.Series[float], transitions: pd.DataFrame) -> pd.Series[int]:
    """Return the bottom of the funnel that each minimum lies in.

    From a minimum one goes over the lowest of the transition states that join it to a lower one,
    and again from there, until none does. Where the path from a transition state ends at another
    saddle, it joins what the paths from that one come to.

    Parameters
    ----------
    losses : Series of float64
        Of the minima, by class.
    transitions : DataFrame
        As `runner.study.study.Study.transitions`, of one configuration.

    Examples
    --------
    >>> losses = pd.Series([0.0, 1.0, 2.0])
    >>> joins = {"class": [4, 3], "loss": [3.0, 2.5], "class_a": [0, 1], "class_b": [2, 2]}
    >>> bottoms(losses, pd.DataFrame(joins)).tolist()
    [0, 1, 1]
    """
    loss = {int(str(minimum)): value for minimum, value in losses.items()}
    below: dict[int, int] = {}
    ordered = transitions.sort_values("loss", kind="stable")
    pairs = zip(ordered["class_a"], ordered["class_b"], strict=True)
    ends = dict(zip(ordered["class"], pairs, strict=True))
    for saddle in ends:
        joined = sorted(_minima_below(saddle, ends) & loss.keys())
        lowest = min(joined, key=loss.__getitem__, default=-1)
        for one in joined:
            if one not in below and loss[lowest] < loss[one] - _LOWER * max(abs(loss[one]), 1.0):
                below[one] = lowest
    found = {}
    for minimum in loss:
        bottom = minimum
        while bottom in below:
            bottom = below[bottom]
        found[minimum] = bottom
    return pd.Series(found, dtype="int64")


def _minima_below(saddle: int, ends: Mapping[int, tuple[int, int]]) -> set[int]:
    """Return the classes that are no saddles to which paths from one lead, by way of others."""
    seen, found, left = {saddle}, set(), [saddle]
    while left:
        for end in ends[left.pop()]:
            if end not in ends:
                found.add(end)
            elif end not in seen:
                seen.add(end)
                left.append(end)
    return found
