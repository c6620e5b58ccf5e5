"""Failures by the width of the starts: Kolen and Pollack's figure 1."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from runner.study.study import Study
from study_tables.base import interval, markdown, only, percent

RATE, MOMENTUM, WIDTH = "training.learning_rate", "training.momentum", "init.scale"
GROUPS = {"0.1 to 0.4": (0, 0.45), "0.5 to 0.9": (0.45, 0.95), "1": (0.95, 1.5)}
GROUPS |= {"2 to 4": (1.5, 4.5), "5 to 10": (4.5, 10.5)}
LADDER = (100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000)


def failed_table(studies: Mapping[str, Study]) -> str:
    """Share that is not solved: a row per width, a column per rate and momentum."""
    cells = _cells(only(studies))
    grid = cells.pivot(index=WIDTH, columns=[RATE, MOMENTUM], values="failed")
    head = ["ρ", *(f"{rate:g}, {momentum:g}" for rate, momentum in grid)]
    rows = [(f"{width:g}", *map(percent, shares)) for width, *shares in grid.itertuples()]
    return markdown(head, rows)


def width_groups_table(studies: Mapping[str, Study]) -> str:
    """Lowest and highest share that is not solved, of cells in a range of widths."""
    head, rows = ["ρ", "cells"], {name: [name] for name in GROUPS}
    for study in studies.values():
        head.append(f"`{study.experiment.name}`: lowest to highest")
        cells = _cells(study)
        for name, (low, high) in GROUPS.items():
            inside = cells.loc[cells[WIDTH].between(low, high), "failed"]
            rows[name] += [str(len(inside))] if len(rows[name]) == 1 else []
            rows[name].append(f"{percent(inside.min())} to {percent(inside.max())}")
    return markdown(head, rows.values())


def budgets_table(studies: Mapping[str, Study]) -> str:
    """Share that is not solved within a budget, of all rates and momenta of a width together."""
    study = only(studies)
    widths = study.configurations[WIDTH].astype(float)
    rows = []
    for width in (0.1, 0.5, 1.0, 2.0, 4.0, 10.0):
        own = study.budgets.loc[widths.index[np.isclose(widths, width)]]
        counts = own.groupby("budget")[["n", "solved"]].sum()
        n, failed = counts["n"], counts["n"] - counts["solved"]
        shares = [percent(failed[budget] / n[budget]) for budget in LADDER]
        rows.append((f"{width:g}", *shares, interval(failed[LADDER[-1]], n[LADDER[-1]])))
    return markdown(["ρ", *(f"{budget:,}" for budget in LADDER), "95% interval of the last"], rows)


def _cells(study: Study) -> pd.DataFrame:
    cells = study.summary.astype({RATE: float, MOMENTUM: float, WIDTH: float})
    return cells.assign(failed=1 - cells["success_rate"])
