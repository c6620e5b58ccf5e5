"""How ragged the boundary is between starts that are solved and those that are not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runner.study.study import Study
from study_tables.base import markdown, only, percent

STRIDES = (1, 2, 4, 8, 16)


def neighbours_table(studies: Mapping[str, Study]) -> str:
    """Share of pairs of starts of a square that differ in their fate, by their distance.

    With a smooth boundary the share is proportional to the distance; a boundary of dimension D in
    the plane has distance to the power of 2 - D (Grebogi, McDonald, Ott and Yorke 1983).
    """
    study = only(studies)
    rows = []
    for c in study.plan.configurations:
        grid = c.settings.init.slice
        solved = study.restarts.loc[c.index, "solved"].to_numpy().reshape(grid.y.n, grid.x.n)
        differ = [differing(solved, stride) for stride in STRIDES]
        slope = float(np.polyfit(np.log(STRIDES), np.log(differ), 1)[0])
        square = f"{grid.x.low:g} to {grid.x.high:g}, {grid.y.low:g} to {grid.y.high:g}"
        rows.append((square, percent(solved.mean()), *map(percent, differ), f"{2 - slope:.2f}"))
    head = ["square", "solved", *(f"{stride} apart" for stride in STRIDES), "dimension"]
    return markdown(head, rows)


def differing(fates: np.ndarray, stride: int) -> float:
    """Share of pairs of fates (rows, columns), this far apart in a row or column, that differ."""
    across = fates[:, stride:] != fates[:, :-stride]
    down = fates[stride:] != fates[:-stride]
    return float(np.mean([across.mean(), down.mean()]))
