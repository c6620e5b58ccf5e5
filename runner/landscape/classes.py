"""Classes of the endpoints of one configuration, modulo the network's symmetries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.experiment.configuration import Configuration
from runner.landscape.options import AnalysisOptions
from runner.landscape.single_linkage import in_order, single_linkage
from runner.network.activations.registry import ACTIVATIONS
from runner.network.codes import codes
from runner.network.forward import outputs
from runner.network.symmetry import Symmetries


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

    Of a custom model nothing is known, so that it may be.
    """
    network = configuration.architecture.as_layers
    if network is None:
        return True
    low, high = ACTIVATIONS[network.output].asymptotes
    targets = configuration.table.targets
    return bool(
        configuration.settings.loss.l2 > 0 or (targets.min() > low and targets.max() < high)
    )


def kinds(points: Points) -> np.ndarray:
    """Kind of class (n,) of each endpoint; empty where it belongs to none.

    Notes
    -----
    A nearby critical point decides, whatever the label. Without one, solved endpoints are of a
    class only if no finite weights could minimise the loss, so that their weights grow without
    bound; otherwise they still approach a minimum that is not known, like all that still descend
    or oscillate.
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


def classes(points: Points, kind: np.ndarray, options: AnalysisOptions) -> np.ndarray:
    """Class (n,) of each endpoint: 0 for the largest, -1 for none; equal sizes by first restart."""
    found = np.full(len(kind), -1)
    for name in ("minimum", "saddle", "indeterminate", "solved", "saturated", "plateau"):
        which = np.flatnonzero(kind == name)
        if which.size:
            found[which] = found.max() + 1 + _split(points, name, which, options)
    classed = np.flatnonzero(found >= 0)
    if classed.size:
        member = in_order(found[classed])
        size = np.bincount(member)
        rank = np.empty_like(size)
        rank[np.argsort(-size, kind="stable")] = np.arange(size.size)
        found[classed] = rank[member]
    return found


def _split(points: Points, kind: str, which: np.ndarray, options: AnalysisOptions) -> np.ndarray:
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
            computed = outputs(net, patterns, weights[:, part])
            computed = np.column_stack([computed, points.loss[which[part]]])
            number = single_linkage(computed, options.class_tolerance)
        else:
            number = _by_weights(points, weights[:, part], points.loss[which[part]], options)
        found[part] = found.max() + 1 + number
    return found


def _level(points: Points, which: np.ndarray) -> np.ndarray:
    return np.char.mod("%.6g ", points.level[which])


def _numbered(text: np.ndarray) -> np.ndarray:
    return in_order(np.unique(text, return_inverse=True)[1].ravel())


def _by_weights(
    points: Points, weights: np.ndarray, loss: np.ndarray, options: AnalysisOptions
) -> np.ndarray:
    """Number the classes among critical points without flat directions.

    Notes
    -----
    Points of one class differ by less than a share of their own largest weight (or of 1). A
    distance that depended on the largest weight of all would merge the minima of a configuration
    as soon as one endpoint had gone far away. So every point is divided by its largest weight,
    whose logarithm is one more coordinate, since a point and its double are not the same.
    """
    symmetries, tolerance = points.symmetries, options.class_tolerance
    canonical = symmetries.canonical(weights)
    scale = np.maximum(np.abs(canonical).max(axis=0), 1.0)
    number = single_linkage(np.vstack([canonical / scale, np.log(scale)]).T, tolerance)
    # Rounding may give images of one point two canonical forms, where a projection that decides
    # is 0 by chance: classes of equal loss are aligned and compared once more.
    _, first = np.unique(number, return_index=True)
    a, b = _near(loss[first], tolerance, options.alignments)
    if 0 < a.size <= options.alignments:
        one, other = canonical[:, first[a]], canonical[:, first[b]]
        apart = np.linalg.norm(symmetries.align(one, other) - one, axis=0)
        same = apart <= tolerance * scale[first[a]]
        merged = np.arange(first.size)
        for i, j in zip(a[same], b[same], strict=True):
            merged[merged == merged[j]] = merged[i]
        number = in_order(merged[number])
    return number


def _near(values: np.ndarray, tolerance: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs i < j of nearly equal values; a list of more than ``most`` is cut short."""
    order = np.argsort(values)
    first: list[int] = []
    second: list[int] = []
    for i in range(len(order)):
        for j in range(i + 1, len(order)):
            if values[order[j]] - values[order[i]] > tolerance or len(first) > most:
                break
            first.append(int(min(order[i], order[j])))
            second.append(int(max(order[i], order[j])))
    return np.array(first, np.int64), np.array(second, np.int64)
