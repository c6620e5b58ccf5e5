"""Rows of the tables of minima and of unseen classes, for one configuration."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from runner.landscape.equivalence import CRITICAL, Points, agreed_kinds
from runner.landscape.options import AnalysisOptions
from runner.network.canonical_images import canonical_images, multiplicities
from runner.network.hidden_codes import codes
from runner.study.statistics.proportions import proportion

Row: TypeAlias = dict[str, str | int | float]
"""Values by column."""


def rows(
    points: Points, kind: np.ndarray, member: np.ndarray, options: AnalysisOptions
) -> list[Row]:
    """Return rows of the table of minima: one per class, with a representative.

    That is its first restart, of a critical point the first one whose own check gave the kind of
    the class.

    Parameters
    ----------
    points : Points
    kind, member : ndarray, shape (n,)
        As `kinds` and `classes` of `runner.landscape.equivalence` return them.
    options : AnalysisOptions
    """
    size = np.bincount(member[member >= 0])
    kinds = _kinds(kind, member)
    # the first whose own check agrees with its class
    agree = np.flatnonzero((member >= 0) & (kind == np.append(kinds, "")[member]))
    first = agree[np.unique(member[agree], return_index=True)[1]]
    net = points.configuration.architecture
    weights = points.weights[:, first]
    canonical = canonical_images(points.symmetries, weights)
    multiplicity = multiplicities(points.symmetries, canonical, options.class_tolerance)
    code = codes(net, points.configuration.table.inputs, weights)
    made = []
    for number, (i, n) in enumerate(zip(first, size, strict=True)):
        share = proportion(int(n), len(member))
        if points.configuration.settings.init.slice is not None:  # no random sample
            share = share._replace(low=np.nan, high=np.nan)
        finite = kind[i] in ("minimum", "saddle") and points.spectrum[3, i] == 0
        made.append(
            {
                "configuration": points.configuration.index,
                "class": number,
                "kind": kind[i],
                "size": int(n),
                "share": share.estimate,
                "ci_low": share.low,
                "ci_high": share.high,
                "loss": points.loss[i],
                "accuracy": points.accuracy[i],
                "smallest": points.spectrum[0, i],
                "largest": points.spectrum[1, i],
                "index": points.spectrum[2, i],
                "multiplicity": multiplicity[number] if finite else np.nan,
                "level": points.level[i] if kind[i] in ("saturated", "plateau") else np.nan,
                "code": code[number] if kind[i] in ("solved", "saturated") else "",
                "restart": int(points.restart[i]),
            }
            | dict(zip(net.parameter_names, canonical[:, number], strict=True))
        )
    return made


def _kinds(kind: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Kind of each class: what its endpoints agree on, see `runner.landscape.equivalence`."""
    classed = member >= 0
    _, first = np.unique(member[classed], return_index=True)
    kinds = kind[classed][first]
    critical = np.isin(kinds, CRITICAL)
    return np.where(critical, agreed_kinds(member[classed], kind[classed]), kinds)


def unseen(configuration: int, member: np.ndarray) -> Row:
    """Return the row on classes not met; the estimators' sources are with `Study.unseen`."""
    size = np.bincount(member[member >= 0])
    n, n_classes = int(size.sum()), size.size
    once, twice = int((size == 1).sum()), int((size == 2).sum())
    rest = n - n_classes - 2
    return {
        "configuration": configuration,
        "n": n,
        "classes": n_classes,
        "singletons": once,
        "doubletons": twice,
        "good_turing": once / n if n else np.nan,
        "chao1": n_classes + once * (once - 1) / (2 * (twice + 1)) if n else np.nan,
        "boender_rinnooy_kan": n_classes * (n - 1) / rest if rest > 0 else np.nan,
    }
