"""Endpoints of one configuration sorted into classes modulo the network's symmetries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.experiment.plan import Configuration
from runner.landscape.single_linkage import in_order, single_linkage
from runner.network.codes import codes, outputs
from runner.network.symmetry import Symmetries
from runner.study.statistics.proportions import proportion

TOLERANCE = 1e-4
"""Distance between points of one class, relative to the largest weight or 1."""

_MAX_ALIGNED = 20_000  # pairs of classes that are compared once more by aligning them


@dataclass(frozen=True, eq=False)
class Points:
    """Analysed restarts of one configuration."""

    configuration: Configuration
    """The configuration that they are restarts of."""
    restart: np.ndarray
    """(n,) int."""
    label: np.ndarray
    """(n,) str: the labels of training."""
    critical: np.ndarray
    """(n,) str: as in `runner.landscape.curvature.Curvature`."""
    weights: np.ndarray
    """(n_parameters, n): the nearby critical point, or the endpoint."""
    spectrum: np.ndarray
    """(4, n): smallest and largest eigenvalue, index and null directions there."""
    loss: np.ndarray
    """(n,): loss there."""
    accuracy: np.ndarray
    """(n,): share of outputs on the right side there."""
    level: np.ndarray
    """(n,): exact level of saturated restarts and plateaus."""

    @property
    def symmetries(self) -> Symmetries:
        """Of the network and its loss."""
        settings = self.configuration.settings
        return Symmetries(self.configuration.architecture, settings.loss.l2 > 0)


def attained(configuration: Configuration) -> bool:
    """Whether finite weights can minimise the loss: an L2 term, or targets that can be reached.

    Of a user's own model nothing is known, so that it may be.
    """
    if configuration.model is not None:
        return True
    low, high = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0)}.get(
        configuration.settings.network.output, (-np.inf, np.inf)
    )
    targets = configuration.table.targets
    return bool(
        configuration.settings.loss.l2 > 0 or (targets.min() > low and targets.max() < high)
    )


def kinds(points: Points) -> np.ndarray:
    """Kind of class (n,) of each endpoint; empty where it belongs to none.

    Notes
    -----
    A nearby critical point decides, whatever the label. Without one, solved endpoints count as
    on their way to infinity only if no finite weights could minimise the loss; otherwise they,
    like all that still fall or oscillate, are on their way to a place that is not known.
    """
    none = points.critical == "none"
    solved = "" if attained(points.configuration) else "solved"
    return np.select(
        [
            ~none,
            points.label == "solved",
            points.label == "saturated",
            points.label == "plateau",
        ],
        [points.critical, solved, "saturated", "plateau"],
        "",
    ).astype(object)


def classes(points: Points, kind: np.ndarray) -> np.ndarray:
    """Class (n,) of each endpoint: 0 for the largest, -1 for none; equal sizes by first restart."""
    found = np.full(len(kind), -1)
    for name in ("minimum", "saddle", "indeterminate", "solved", "saturated", "plateau"):
        which = np.flatnonzero(kind == name)
        if which.size:
            found[which] = found.max() + 1 + _split(points, name, which)
    classed = np.flatnonzero(found >= 0)
    if classed.size:
        member = in_order(found[classed])
        size = np.bincount(member)
        rank = np.empty_like(size)
        rank[np.argsort(-size, kind="stable")] = np.arange(size.size)
        found[classed] = rank[member]
    return found


def _split(points: Points, kind: str, which: np.ndarray) -> np.ndarray:
    """Number the classes among endpoints of one kind."""
    weights = points.weights[:, which]
    net = points.configuration.architecture
    patterns = points.configuration.table.inputs
    if kind == "plateau":
        return _numbered(_level(points, which))
    if kind == "saturated":
        return _numbered(np.char.add(_level(points, which), codes(net, patterns, weights)))
    if kind == "solved":
        return _numbered(codes(net, patterns, weights))
    flat = points.spectrum[3, which] > 0
    found = np.full(which.size, -1)
    for part, by_outputs in ((flat, True), (~flat, False)):
        if not part.any():
            continue
        if kind == "indeterminate" or by_outputs:
            seen = outputs(net, patterns, weights[:, part])
            seen = np.column_stack([seen, points.loss[which[part]]])
            number = single_linkage(seen, TOLERANCE)
        else:
            number = _by_weights(points, weights[:, part], points.loss[which[part]])
        found[part] = found.max() + 1 + number
    return found


def _level(points: Points, which: np.ndarray) -> np.ndarray:
    return np.char.mod("%.6g ", points.level[which])


def _numbered(text: np.ndarray) -> np.ndarray:
    return in_order(np.unique(text, return_inverse=True)[1].ravel())


def _by_weights(points: Points, weights: np.ndarray, loss: np.ndarray) -> np.ndarray:
    symmetries = points.symmetries
    canonical = symmetries.canonical(weights)
    reach = TOLERANCE * max(float(np.abs(canonical).max()), 1.0)
    number = single_linkage(canonical.T, reach)
    # Rounding may give images of one point two canonical forms, where a projection that decides
    # is 0 by chance: classes of equal loss are aligned and compared once more.
    _, first = np.unique(number, return_index=True)
    a, b = _near(loss[first], TOLERANCE)
    if 0 < a.size <= _MAX_ALIGNED:
        one, other = canonical[:, first[a]], canonical[:, first[b]]
        same = np.linalg.norm(symmetries.align(one, other) - one, axis=0) <= reach
        merged = np.arange(first.size)
        for i, j in zip(a[same], b[same], strict=True):
            merged[merged == merged[j]] = merged[i]
        number = in_order(merged[number])
    return number


def _near(values: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs i < j of nearly equal values; a long list is cut short just beyond the limit."""
    order = np.argsort(values)
    first: list[int] = []
    second: list[int] = []
    for i in range(len(order)):
        for j in range(i + 1, len(order)):
            if values[order[j]] - values[order[i]] > tolerance or len(first) > _MAX_ALIGNED:
                break
            first.append(int(min(order[i], order[j])))
            second.append(int(max(order[i], order[j])))
    return np.array(first, np.int64), np.array(second, np.int64)


def rows(points: Points, kind: np.ndarray, found: np.ndarray) -> list[dict[str, Any]]:
    """Rows of the table of minima: one per class, its first restart as representative."""
    classed = np.flatnonzero(found >= 0)
    _, first, size = np.unique(found[classed], return_index=True, return_counts=True)
    first = classed[first]
    net = points.configuration.architecture
    weights = points.weights[:, first]
    canonical = points.symmetries.canonical(weights)
    multiplicity = points.symmetries.multiplicity(canonical, TOLERANCE)
    code = codes(net, points.configuration.table.inputs, weights)
    made = []
    for number, (i, n) in enumerate(zip(first, size, strict=True)):
        share = proportion(int(n), len(found))
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


def unseen(configuration: int, found: np.ndarray) -> dict[str, Any]:
    """Row of the table of classes not met; the estimators' sources are with `Study.unseen`."""
    size = np.bincount(found[found >= 0])
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
