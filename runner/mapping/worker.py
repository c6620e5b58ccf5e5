"""What a Dask worker runs for a map: searches for critical points, and paths down from saddles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from runner.experiment.configuration import Configuration
from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import length, spectrum
from runner.landscape.single_linkage import single_linkage
from runner.landscape.worker import surfaces
from runner.mapping.descent_paths import Descent, descend
from runner.mapping.eigenvector_following import ARRIVED, LEFT, Ends, follow, inspect
from runner.mapping.options import MapOptions
from runner.mapping.saturation import saturated
from runner.network.canonical_images import canonical_images
from runner.network.forward import outputs
from runner.training.compute_lock import COMPUTE_LOCK
from runner.training.shards import encode

# What leaves for infinity overflows on the way; that is a result, not a warning.
_QUIET = np.errstate(all="ignore")


_BASIN_STEPS = 400  # of a way down to see of which basin its start is; most take a tenth


@dataclass(frozen=True)
class MapTask:
    """Points of one configuration, as they are sent to a worker."""

    configuration: Configuration
    """The configuration that the points belong to."""
    number: np.ndarray
    """(n,) int: of the searches, or positions of the saddles."""
    weights: np.ndarray
    """(n_parameters, n) float64: starts of searches, or saddles."""
    wanted: np.ndarray
    """(n,) int: index that is searched for; of saddles without meaning."""
    engine: str
    """Which engine compiles."""
    options: MapOptions
    """How far to search, and what counts as equal."""
    device: str = "cpu"
    """Kind of device to compute on, cpu or gpu."""

    def surface(self, n: int) -> LossSurface:
        """Return n lanes of the loss surface; ClusterError where there is no such device."""
        return surfaces((self.configuration,), np.zeros(n, int), self.engine, self.device)

    def finite(self, ends: Ends) -> Ends:
        """Say of ends that are at infinity, as far as float64 can tell, that they have left."""
        if not coercive(self.configuration):
            network, patterns = self.configuration.architecture, self.configuration.table.inputs
            ends.status[saturated(network, patterns, ends.weights)] = LEFT
        return ends


def coercive(configuration: Configuration) -> bool:
    """Whether the loss grows without bound in all directions."""
    return configuration.is_bound and configuration.model is None


def has_kinks(configuration: Configuration) -> bool:
    """Whether units have kinks or jumps; False where the layers are not known."""
    network = configuration.architecture.as_layers
    return network is not None and not all(
        network.activation_of(layer).smooth for layer in range(len(network.layers))
    )


@_QUIET
def search(task: MapTask) -> bytes:
    """Search for a critical point from each start.

    Returns
    -------
    bytes
        A Parquet file with a row per search, in order. ``same_as`` is the number of the one search
        of the task whose row has the point that this one came to, -1 where it came to none.
    """
    bounded = coercive(task.configuration)
    with COMPUTE_LOCK:
        surface = task.surface(len(task.number))
        weights, status = follow(surface, task.weights, task.wanted, task.options, bounded)
        ends = task.finite(inspect(surface, weights, status, task.options))
    same_as = _same_as(task, ends)
    return encode(_table(task, ends, task.number, {"same_as": same_as}, same_as == task.number))


@_QUIET
def descend_from_saddles(task: MapTask) -> bytes:
    """Follow steepest descent to both sides of each saddle, along its lowest eigenvector.

    Returns
    -------
    bytes
        A Parquet file with two rows per saddle, in order, one for each side.
    """
    n, options = len(task.number), task.options
    with COMPUTE_LOCK:
        surface = task.surface(n)
        lowest = spectrum(surface, task.weights, options.null_tolerance).vectors[:, :, 0].T
        # the sign of an eigenvector is the library's choice
        large = np.argmax(np.abs(lowest) > 0.5 * np.abs(lowest).max(axis=0), axis=0)
        push = np.sign(lowest[large, np.arange(n)]) * options.displacement * length(task.weights)
        both = np.repeat(np.arange(n), 2)
        side = np.tile([-1.0, 1.0], n)
        starts = task.weights[:, both] + side * push[both] * lowest[:, both]
        found = descend(surface[both], starts, options)
        ends = task.finite(inspect(surface[both], found.weights, found.status, options))
        path_length = found.path_length + np.abs(push[both])
        columns = _stations(surface[both], task.weights[:, both], found, ends, path_length)
    shown = ends.status == ARRIVED
    columns |= {"path_length": path_length}
    return encode(_table(task, ends, task.number[both], columns, shown))


@_QUIET
def descend_from_starts(task: MapTask) -> bytes:
    """Follow steepest descent from each start, to see of which basin it is.

    Returns
    -------
    bytes
        A Parquet file with a row per start, in order; ``same_as`` as of searches.
    """
    with COMPUTE_LOCK:
        surface = task.surface(len(task.number))
        steps = min(task.options.path_steps, _BASIN_STEPS)
        found = descend(surface, task.weights, replace(task.options, path_steps=steps))
        ends = task.finite(inspect(surface, found.weights, found.status, task.options))
    same_as = _same_as(task, ends)
    return encode(_table(task, ends, task.number, {"same_as": same_as}, same_as == task.number))


def _stations(
    surface: LossSurface,
    saddles: np.ndarray,
    found: Descent,
    ends: Ends,
    path_length: np.ndarray,
) -> dict[str, Any]:
    """Columns of lists: the stations of each path, its saddle and its end included."""
    n_parameters, n = saddles.shape
    kept, distance, weights = found.stations.kept()
    pushed = path_length - found.path_length
    path = np.concatenate([np.arange(n), kept, np.arange(n)])
    order = np.argsort(path, kind="stable")
    distance = np.concatenate([np.zeros(n), distance + pushed[kept], path_length])[order]
    weights = np.hstack([saddles, weights, ends.weights])[:, order]
    loss = surface[path[order]].loss(weights)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(path, minlength=n))])
    return {
        "distances": pa.ListArray.from_arrays(offsets, distance),
        "losses": pa.ListArray.from_arrays(offsets, loss),
        "stations": pa.ListArray.from_arrays(offsets * n_parameters, weights.T.ravel()),
    }


def _same_as(task: MapTask, ends: Ends) -> np.ndarray:
    """Number (n,) of one search for all that came to the same point; -1 where none was reached.

    That is the first of them; of a family, whose members may differ in it, the first of those of
    highest index.
    """
    same_as = np.full(len(task.number), -1)
    for flat in (False, True):
        which = np.flatnonzero((ends.status == ARRIVED) & ((ends.null_directions > 0) == flat))
        if which.size:
            at = place(task.configuration, ends.weights[:, which], ends.loss[which], flat)
            member = single_linkage(at, task.options.class_tolerance)
            order = np.argsort(-ends.index[which] * flat, kind="stable")
            _, first = np.unique(member[order], return_index=True)
            same_as[which] = task.number[which[order[first[member]]]]
    return same_as


def place(
    configuration: Configuration, weights: np.ndarray, loss: np.ndarray, flat: bool
) -> np.ndarray:
    """Coordinates (n, m) that critical points share if they are one, or one family.

    Parameters
    ----------
    configuration : Configuration
    weights : ndarray, shape (n_parameters, n)
    loss : ndarray, shape (n,)
    flat : bool
        Whether they have flat directions: then what they compute is compared, not where they are.
    """
    if flat:
        computed = outputs(configuration.architecture, configuration.table.inputs, weights)
        return np.column_stack([computed, loss])
    canonical = canonical_images(configuration.symmetries, weights)
    scale = np.maximum(np.abs(canonical).max(axis=0), 1.0)
    # in units of its largest weight, whose logarithm tells a point from its double
    return np.vstack([canonical / scale, np.log(scale)]).T


def _table(
    task: MapTask, ends: Ends, number: np.ndarray, columns: dict[str, Any], shown: np.ndarray
) -> pa.Table:
    """Table of ends; only the rows that are shown have the point."""
    names = task.configuration.architecture.parameter_names
    made: dict[str, Any] = {
        "number": number,
        "status": ends.status.astype(str),
        **columns,
        "loss": ends.loss,
        "gradient_norm": ends.gradient_norm,
        "index": ends.index,
        "null_directions": ends.null_directions,
        "eigenvalues": [e if s else None for e, s in zip(ends.eigenvalues, shown, strict=True)],
    }
    for name, values in zip(names, ends.weights, strict=True):
        made[name] = pa.array(values, mask=~shown)
    return pa.table(made)
