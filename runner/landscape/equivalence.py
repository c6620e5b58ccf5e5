"""Classes of the endpoints of one configuration, modulo the network's symmetries."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from runner.experiment.configuration import Configuration
from runner.landscape.options import AnalysisOptions
from runner.landscape.single_linkage import in_order, single_linkage
from runner.network.activations.registry import ACTIVATIONS
from runner.network.alignment import align
from runner.network.canonical_images import canonical_images
from runner.network.forward import outputs
from runner.network.hidden_codes import codes
from runner.network.symmetry import Symmetries

CRITICAL = ("minimum", "saddle", "indeterminate")
"""Kinds of class that are critical points."""


@dataclass(frozen=True, eq=False)
class Points:
    """Analysed restarts of one configuration."""

    configuration: Configuration
    """The configuration that they are restarts of."""
    restart: np.ndarray
    """(n,) int."""
    label: np.ndarray
    """(n,) of str: the labels of training."""
    critical: np.ndarray
    """(n,) of str: as in `runner.landscape.curvature.Curvature`."""
    weights: np.ndarray
    """(n_parameters, n): the nearby critical point, or the endpoint."""
    spectrum: np.ndarray
    """(4, n): smallest and largest eigenvalue, index and null directions there."""
    loss: np.ndarray
    """(n,): loss there."""
    accuracy: np.ndarray
    """(n,): share of outputs (of classes: of rows) that are right there."""
    level: np.ndarray
    """(n,): exact level of saturated restarts and plateaus."""

    @property
    def symmetries(self) -> Symmetries:
        """Of the network and its loss."""
        return self.configuration.symmetries


def attained(configuration: Configuration) -> bool:
    """Whether finite weights can minimise the loss: an L2 term, or targets that can be reached.

    A term that leaves out biases binds no output whose targets are all at one end of its range:
    its own bias does it. Of a custom model nothing is known, so that it may be.
    """
    network, loss = configuration.architecture.as_layers, configuration.settings.loss
    if network is None or configuration.is_bound:
        return True
    low, high = ACTIVATIONS[network.output].asymptotes
    smallest = configuration.table.targets.min(axis=0)
    largest = configuration.table.targets.max(axis=0)
    if loss.l2 > 0:
        return bool(((largest > low) & (smallest < high)).all())
    return bool((smallest > low).all() and (largest < high).all())


def kinds(points: Points) -> np.ndarray:
    """Kind of class (n,) of each endpoint; empty where it belongs to none.

    Notes
    -----
    A nearby critical point decides, whatever the label. Without one, solved endpoints are of a
    class only if no finite weights could minimise the loss, so that their weights grow without
    bound; otherwise they still approach a minimum that is not known, like all that still descend
    or oscillate.
    """
    solved = "" if attained(points.configuration) else "solved"
    found = np.full(len(points.label), "", object)  # each word once in memory
    for label, kind in (("solved", solved), ("saturated", "saturated"), ("plateau", "plateau")):
        found[points.label == label] = kind
    for kind in CRITICAL:
        found[points.critical == kind] = kind
    return found


def classes(points: Points, kind: np.ndarray, options: AnalysisOptions) -> np.ndarray:
    """Class (n,) of each endpoint: 0 for the largest, -1 for none; equal sizes by first restart."""
    found = np.full(len(kind), -1)
    for names in (CRITICAL, ("solved",), ("saturated",), ("plateau",)):
        which = np.flatnonzero(np.isin(kind, names))
        if which.size:
            found[which] = found.max() + 1 + _split(points, kind, which, options)
    classed = np.flatnonzero(found >= 0)
    if classed.size:
        member = in_order(found[classed])
        size = np.bincount(member)
        rank = np.empty_like(size)
        rank[np.argsort(-size, kind="stable")] = np.arange(size.size)
        found[classed] = rank[member]
    return found


def _split(
    points: Points, kind: np.ndarray, which: np.ndarray, options: AnalysisOptions
) -> np.ndarray:
    """Number the classes among endpoints of one kind, or of all kinds of critical point."""
    if kind[which[0]] in CRITICAL:
        return _critical(points, kind[which], which, options)
    weights = points.weights[:, which]
    net = points.configuration.architecture
    patterns = points.configuration.table.inputs
    if kind[which[0]] == "plateau":
        return _numbered(_level(points, which))
    if kind[which[0]] == "saturated":
        return _numbered(np.char.add(_level(points, which), codes(net, patterns, weights)))
    return _numbered(codes(net, patterns, weights))


def _critical(
    points: Points, own: np.ndarray, which: np.ndarray, options: AnalysisOptions
) -> np.ndarray:
    """Number the classes among critical points.

    Parameters
    ----------
    points : Points
    own : ndarray, shape (k,)
        The kind that each one's own check gave.
    which : ndarray of int, shape (k,)
        Where they are among the points.
    options : AnalysisOptions

    Notes
    -----
    Points at the same place, up to the symmetries, are of one class whatever their own checks
    said: those are made of numbers, and where one is at the edge of what counts, the checks of two
    endpoints may differ. Places whose kind is open, or which have flat directions, are of one
    class too where outputs and loss agree.
    """
    flat = points.spectrum[3, which] > 0
    place = _places(points, which, flat, options)
    kind = agreed_kinds(place, own)
    agrees = own == kind[place]
    n_flat, n_regular = (np.bincount(place, agrees & part) for part in (flat, ~flat))
    is_flat = (n_flat > n_regular)[place]
    function, taken = place.copy(), int(place.max()) + 1
    for name, flatness in itertools.product(CRITICAL, (True, False)):
        part = np.flatnonzero((kind[place] == name) & (is_flat == flatness))
        if part.size and (flatness or name == "indeterminate"):
            function[part] = taken + _by_outputs(points, which[part], options)
            taken = int(function.max()) + 1
    return in_order(_joined(place, function))


def agreed_kinds(group: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the kind of each group of critical points that are one point, or one class.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
        From 0, without gaps.
    own : ndarray, shape (n,)
        The kind that each one's own check gave.

    Returns
    -------
    ndarray, shape (n_groups,)
        The more frequent one of minimum and saddle; indeterminate where no check gave either.
    """
    n_minima, n_saddles = (np.bincount(group, own == name) for name in ("minimum", "saddle"))
    decided = np.where(n_minima >= n_saddles, "minimum", "saddle")
    return np.where(n_minima + n_saddles > 0, decided, "indeterminate").astype(object)


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number what two numberings (n,) together make one of: equal in either is the same."""
    n, shift = len(one), int(one.max()) + 1
    ends = (one, shift + other)
    size = shift + int(other.max()) + 1
    graph = coo_array((np.ones(n, bool), ends), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][one])


def _by_outputs(points: Points, which: np.ndarray, options: AnalysisOptions) -> np.ndarray:
    """Number the classes of equal outputs and loss."""
    configuration = points.configuration
    inputs, weights = configuration.table.inputs, points.weights[:, which]
    computed = outputs(configuration.architecture, inputs, weights)
    computed = np.column_stack([computed, points.loss[which]])
    return single_linkage(computed, options.class_tolerance)


def _level(points: Points, which: np.ndarray) -> np.ndarray:
    return np.char.mod("%.6g ", points.level[which])


def _numbered(text: np.ndarray) -> np.ndarray:
    return in_order(np.unique(text, return_inverse=True)[1].ravel())


def _places(
    points: Points, which: np.ndarray, flat: np.ndarray, options: AnalysisOptions
) -> np.ndarray:
    """Number the places of critical points, of which those with flat directions are ``flat``.

    Notes
    -----
    Points of one class differ by less than a share of their own largest weight (or of 1). A
    distance that depended on the largest weight of all would merge the minima of a configuration
    as soon as one endpoint had gone far away. So every point is divided by its largest weight,
    whose logarithm is one more coordinate, since a point and its double are not the same.
    """
    symmetries, tolerance = points.symmetries, options.class_tolerance
    canonical = canonical_images(symmetries, points.weights[:, which])
    scale = np.maximum(np.abs(canonical).max(axis=0), 1.0)
    number = single_linkage(np.vstack([canonical / scale, np.log(scale)]).T, tolerance)
    # Rounding may give images of one point two canonical forms, where a projection that decides
    # is 0 by chance: places of equal loss are aligned and compared once more. Not those with flat
    # directions, of which any number of places have the same loss, and which outputs join.
    _, first = np.unique(number, return_index=True)
    first = first[~flat[first]]
    a, b = _near(points.loss[which[first]], tolerance, options.alignments)
    if 0 < a.size <= options.alignments:
        one, other = canonical[:, first[a]], canonical[:, first[b]]
        apart = np.linalg.norm(align(symmetries, one, other) - one, axis=0)
        same = apart <= tolerance * scale[first[a]]
        merged = np.arange(int(number.max()) + 1)
        for i, j in zip(number[first[a[same]]], number[first[b[same]]], strict=True):
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
