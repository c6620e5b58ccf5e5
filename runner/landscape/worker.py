"""What a Dask worker runs in an analysis: inspect endpoints, and paths between pairs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from runner.engines.devices import computing, require
from runner.engines.registry import measured
from runner.experiment.configuration import Configuration
from runner.landscape import barriers
from runner.landscape.curvature import curvature
from runner.landscape.loss_surface import LossSurface
from runner.landscape.options import AnalysisOptions
from runner.network.architecture import Network
from runner.network.column_products import column_norms
from runner.network.starts.stream import Starts
from runner.network.symmetry import Symmetries
from runner.training.compute_lock import COMPUTE_LOCK
from runner.training.shards import encode

_NOISE_SEED = 0x6E6F697365  # apart from the starts, whatever their seed
# Weights of diverged restarts are infinite; what follows from them is missing, not a warning.
_QUIET = np.errstate(over="ignore", invalid="ignore")


def surfaces(
    configurations: Sequence[Configuration], owner: np.ndarray, engine: str, device: str
) -> LossSurface:
    """Return a lane's loss surface for each owner, a position among a group's configurations.

    Raises
    ------
    ClusterError
        If this process has no such device.
    """
    require(device, engine)
    signature = configurations[0].signature().measured
    hyper = np.stack([c.hyper for c in configurations], axis=1)
    targets = np.stack([c.table.targets.ravel() for c in configurations], axis=1)
    functions = measured(engine, signature, computing(device))
    return LossSurface(functions, hyper[:, owner], targets[:, owner])


@dataclass(frozen=True)
class EndpointTask:
    """Endpoints of one group of configurations, as they are sent to a worker."""

    configurations: tuple[Configuration, ...]
    """The configurations that the endpoints belong to."""
    owner: np.ndarray
    """(n,) int: position in ``configurations``."""
    restart: np.ndarray
    """(n,) int: their numbers."""
    weights: np.ndarray
    """(n_parameters, n) float64."""
    stationary: np.ndarray
    """(n,) bool: whether they came to rest."""
    engine: str
    """Which engine compiles."""
    options: AnalysisOptions
    """How far to search, and what counts as equal."""
    device: str = "cpu"
    """Kind of device to compute on, cpu or gpu."""

    @cached_property
    def symmetries(self) -> Symmetries:
        """Of the network and its loss: all configurations of a group agree in them."""
        return self.configurations[0].symmetries

    def surface(self) -> LossSurface:
        """Their loss surfaces; ClusterError where this process has no such device."""
        return surfaces(self.configurations, self.owner, self.engine, self.device)

    def noise(self) -> np.ndarray:
        """Standard normal numbers (n_parameters, n) that depend on the restarts' numbers alone.

        0 for frozen parameters.
        """
        first, net = int(self.restart.min()), self.configurations[0].architecture
        stream = Starts(_NOISE_SEED, net, "normal", 1.0)
        drawn = stream.draw(first, int(self.restart.max()) + 1)[:, self.restart - first]
        drawn[~net.trained] = 0.0
        return drawn


@dataclass(frozen=True)
class PairTask:
    """Pairs of endpoints as they are sent to a worker."""

    first: EndpointTask
    """One end of each pair."""
    second: np.ndarray
    """(n_parameters, n) float64: the other ends."""
    number: np.ndarray
    """(n,) int: the number of each pair in the result."""
    curved: np.ndarray
    """(n,) bool: pairs for which a curve is trained where the straight path has a barrier."""


@_QUIET
def inspect_endpoints(task: EndpointTask) -> bytes:
    """Inspect endpoints; see `runner.landscape.curvature.curvature`.

    Returns
    -------
    bytes
        A Parquet file with a row per endpoint, in order.
    """
    with COMPUTE_LOCK:
        found = curvature(
            task.surface(),
            task.symmetries,
            task.weights,
            task.stationary,
            task.noise(),
            task.options,
        )
    net = task.configurations[0].architecture
    indices = np.array([c.index for c in task.configurations])
    columns: dict[str, Any] = {"configuration": indices[task.owner], "restart": task.restart}
    columns |= {name: getattr(found, name) for name in _FOUND}
    columns |= dict(zip(SPECTRUM, found.spectrum, strict=True))
    columns["accuracy"] = _accuracy(task, found.outputs)
    columns["moved"] = column_norms(found.point - task.weights)
    columns |= dict(zip(net.parameter_names, found.point, strict=True))
    return encode(pa.table(columns))


SPECTRUM = ("point_smallest", "point_largest", "point_index", "point_null")
"""Columns of an inspection with the curvature at the nearby critical point."""

_FOUND = (
    "gradient_norm",
    "smallest",
    "largest",
    "index",
    "condition",
    "null_directions",
    "critical",
    "loss",
    "returned",
    "swap_excess",
)


def endpoint_columns(network: Network) -> tuple[str, ...]:
    """Return the columns of what `inspect_endpoints` finds, the restart's own two left out."""
    return (*_FOUND, *SPECTRUM, "accuracy", "moved", *network.parameter_names)


PATH_COLUMNS = (
    "aligned",
    "midpoint_violation",
    "excess",
    "violated",
    "barrier",
    "curve_barrier",
    "path",
)
"""Columns of what `inspect_pairs` finds, the pair's number left out."""


def _accuracy(task: EndpointTask, outputs: np.ndarray) -> np.ndarray:
    """Share of the outputs (n_patterns * n_outputs, n) that are right; of classes, of the rows."""
    first = task.configurations[0]  # all of a group have its criterion
    targets = np.stack([c.table.targets for c in task.configurations], axis=2)[:, :, task.owner]
    right = first.criterion.right(outputs.reshape(targets.shape), targets)
    return np.asarray(right.mean(axis=(0, 1)))


@_QUIET
def inspect_pairs(task: PairTask) -> bytes:
    """Evaluate the loss on paths between pairs of endpoints; see `runner.landscape.barriers`.

    Returns
    -------
    bytes
        A Parquet file with two rows per pair, unaligned and aligned.
    """
    with COMPUTE_LOCK:
        surface, noise, options = task.first.surface(), task.first.noise(), task.first.options
        ways = barriers.both_ways(
            surface, task.first.symmetries, task.first.weights, task.second, options
        )
        parts = []
        for aligned, (first, second, paths) in zip((False, True), ways, strict=True):
            curve = np.full(len(surface), np.nan)
            which = np.flatnonzero(task.curved & paths.violated)
            if which.size:
                curve[which] = barriers.curved(
                    surface[which], first[:, which], second[:, which], noise[:, which], options
                )
            parts.append(
                pa.table(
                    {
                        "pair": task.number,
                        "aligned": np.full(len(surface), aligned),
                        "midpoint_violation": paths.midpoint_violation,
                        "excess": paths.excess,
                        "violated": paths.violated,
                        "barrier": paths.barrier,
                        "curve_barrier": curve,
                        "path": list(paths.losses),
                    }
                )
            )
    order = [("pair", "ascending"), ("aligned", "ascending")]
    return encode(pa.concat_tables(parts).sort_by(order))
