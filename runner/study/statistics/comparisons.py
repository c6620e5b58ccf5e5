"""Success of configurations that differ in one axis of the grid, compared two by two."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from runner.study.statistics.base import CONFIGURATION, INTEGER, NUMBER, TEXT, TRUTH
from runner.study.statistics.holm import holm
from runner.study.statistics.paired import paired_difference
from runner.study.statistics.success import independent_success, paired_success, same_starts

if TYPE_CHECKING:
    from runner.experiment.plan import Plan

MOST_PAIRS = 5_000
"""Pairs of configurations that are compared."""


def comparisons(plan: Plan, sample: pd.DataFrame) -> pd.DataFrame:
    """Success of configurations that differ in one axis of the grid.

    Returns
    -------
    DataFrame
        One row per pair. ``attrs["left_out"]`` counts the pairs beyond the first `MOST_PAIRS`. The
        restarts are those of `Study.sample`.

    Columns
    -------
    axis : str, the axis of the grid in which the two differ
    a, b : int64, configurations, a < b
    n : int64 (restarts), of the smaller sample; or pairs of restarts
    paired : bool, whether restart k of both starts at the same weights
    difference, ci_low, ci_high : float64, success share of b less that of a, with its 95% interval
    p_value, p_holm : float64, of no difference; adjusted for the number of rows (Holm 1979)
    anytime_low, anytime_high : float64, interval for those who look again and again, see
        `runner.study.statistics.paired`; missing where restarts are not paired
    only_a, only_b : Int64, pairs of which that one alone is solved; likewise

    Notes
    -----
    Configurations of one network shape and one initialisation have the same starts, so they are
    compared restart by restart, others as independent samples: see
    `runner.study.statistics.success`.
    """
    solved = {
        int(str(index)): frame["solved"].droplevel(0)
        for index, frame in sample.groupby(level=CONFIGURATION)
    }
    seed = plan.experiment.seed
    pairs = list(_neighbours(plan, list(solved)))
    rows: list[tuple[object, ...]] = []
    discordant: dict[int, tuple[int, int, int]] = {}  # by row: only a, only b, pairs
    for axis, a, b in pairs[:MOST_PAIRS]:
        shared = same_starts(plan.configurations[a], seed, plan.configurations[b], seed)
        if shared:
            # in an unfinished study one of them may have restarts that the other lacks
            common = solved[a].index.intersection(solved[b].index)
            if common.empty:
                continue
            first, second = (solved[i][common].to_numpy(bool) for i in (a, b))
            outcome, n = paired_success(first, second), len(common)
            discordant[len(rows)] = (int((first & ~second).sum()), int((second & ~first).sum()), n)
        else:
            n = min(len(solved[a]), len(solved[b]))
            outcome = independent_success(solved[a].to_numpy(bool), solved[b].to_numpy(bool))
        rows.append((axis, a, b, n, shared, *outcome))
    dtypes = {"axis": TEXT} | dict.fromkeys(("a", "b", "n"), INTEGER) | {"paired": TRUTH}
    dtypes |= dict.fromkeys(("difference", "ci_low", "ci_high", "p_value"), NUMBER)
    table = pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
    table["p_holm"] = holm(table["p_value"].to_numpy(np.float64))
    found = pd.DataFrame(
        list(discordant.values()), index=list(discordant), columns=["only_a", "only_b", "pairs"]
    )
    known = paired_difference(*(found[name] for name in found))
    table["anytime_low"] = pd.Series(known.low, found.index, float)
    table["anytime_high"] = pd.Series(known.high, found.index, float)
    for name in ("only_a", "only_b"):
        table[name] = found[name].astype("Int64")
    table.attrs["left_out"] = max(0, len(pairs) - MOST_PAIRS)
    return table


def pairs_of_same_starts(plan: Plan) -> Iterator[tuple[str, int, int]]:
    """Yield axis, a and b of pairs that `comparisons` compares restart by restart."""
    seed = plan.experiment.seed
    present = [c.index for c in plan.configurations]
    for axis, a, b in itertools.islice(_neighbours(plan, present), MOST_PAIRS):
        if same_starts(plan.configurations[a], seed, plan.configurations[b], seed):
            yield axis, a, b


def _neighbours(plan: Plan, present: list[int]) -> Iterator[tuple[str, int, int]]:
    """Pairs of configurations whose points differ in one axis, axis by axis."""
    points = {i: plan.configurations[i].point for i in present}
    for axis in plan.experiment.axes:
        alike: dict[tuple[object, ...], list[int]] = {}
        for i, point in points.items():
            rest = tuple(value for name, value in point.items() if name != axis)
            alike.setdefault(rest, []).append(i)
        for members in alike.values():
            yield from ((axis, a, b) for a, b in itertools.combinations(members, 2))
