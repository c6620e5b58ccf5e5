"""Minima and barriers by the number of hidden units and the L2 term."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from runner.study.study import Study
from study_tables.base import interval, markdown, only, percent

L2, HIDDEN = "loss.l2", "network.hidden"
SAME_LOSS = 1e-7


def minima_table(studies: Mapping[str, Study]) -> str:
    """Classes of minima, the lowest of them, and which are those of fewer units."""
    study, rows = only(studies), []
    fewer: dict[float, np.ndarray] = {}
    for c in study.plan.configurations:
        own = _own(study.minima, c.index)
        minima = own[own["kind"] == "minimum"].sort_values("loss")
        losses = minima["loss"].to_numpy()
        l2, (units,) = c.settings.loss.l2, c.settings.network.hidden
        below = fewer.get(l2, np.array([]))
        again = np.abs(losses[:, np.newaxis] - below).min(axis=1, initial=np.inf) < SAME_LOSS
        n, k = study.tallies[c.index].n, int(minima["size"].iloc[0])
        chao1 = _own(study.unseen, c.index)["chao1"].item()
        counts = (
            f"{len(minima)}",
            f"{chao1:.1f}",
            f"{again.sum()} of {len(below)}" if units > 1 else "",
        )
        rows.append(
            (f"{l2:g}", f"{units}", *counts, *_lowest(losses[0], k, n), f"{losses[-1]:.5f}")
        )
        fewer[l2] = losses
    head = (
        "l2",
        "units",
        "minima",
        "Chao1",
        "minima of one unit fewer",
        "lowest loss",
        "restarts there",
    )
    return markdown((*head, "95% interval", "highest"), rows)


def barriers_table(studies: Mapping[str, Study]) -> str:
    """Rises on paths: between restarts, and between representatives of the classes."""
    study, rows = only(studies), []
    for c in study.plan.configurations:
        own = _own(study.barriers, c.index)
        classes, sampled = (own[own["pairs"] == kind] for kind in ("representatives", "sample"))
        cells = []
        for frame in (sampled, classes):
            for aligned in (False, True):
                cells.append(_median(frame.loc[frame["aligned"] == aligned, "barrier"]))
        cells.append(_median(classes.loc[classes["aligned"], "curve_barrier"]))
        rows.append((f"{c.settings.loss.l2:g}", f"{c.settings.network.hidden[0]}", *cells))
    head = ("l2", "units", "restarts", "restarts, aligned", "classes", "classes, aligned")
    return markdown((*head, "classes, curve"), rows)


def zero_table(studies: Mapping[str, Study]) -> str:
    """What analysis says of all weights 0, and which configurations' restarts came there."""
    zero, random = studies.values()
    rows = []
    for (l2, units), c in _by_setting(zero).items():
        point = zero.curvature.loc[c].iloc[0]
        other = _by_setting(random)[l2, units]
        own = _own(random.minima, other)
        there = own.loc[(own["loss"] - point["polished_loss"]).abs() < SAME_LOSS, "size"].sum()
        n = random.tallies[other].n
        said = (str(point["critical"]), f"{point['smallest']:.4g}", f"{point['polished_loss']:.5f}")
        rows.append((f"{l2:g}", f"{units}", *said, f"{there} of {n}"))
    head = (
        "l2",
        "units",
        "all weights 0",
        "smallest eigenvalue",
        "loss",
        "restarts that end there",
    )
    return markdown(head, rows)


def _by_setting(study: Study) -> dict[tuple[float, int], int]:
    """Number of each configuration, by L2 factor and hidden units."""
    return {
        (c.settings.loss.l2, c.settings.network.hidden[0]): c.index
        for c in study.plan.configurations
    }


def _lowest(loss: float, k: int, n: int) -> tuple[str, str, str]:
    return f"{loss:.5f}", percent(k / n), interval(k, n)


def _own(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    return frame[frame["configuration"] == number]


def _median(values: pd.Series) -> str:
    known = values.dropna()
    return f"{known.median():.3f}" if len(known) else ""
