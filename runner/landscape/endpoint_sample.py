"""The analysed restarts of a study, and the stage in which workers inspect each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.dispatch.dispatcher import Piece
from runner.dispatch.sent_tasks import Call
from runner.experiment.batches import Batch
from runner.experiment.configuration import Configuration
from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.parts import Parts
from runner.landscape.stage import Stage
from runner.landscape.worker import EndpointTask, inspect_endpoints
from runner.study.analysis_tables import INDEX

_PIECE_ENDPOINTS = 4096  # at most, so that a restart that kills its worker costs little
_PIECE_BYTES = 2**27  # of Hessians, at most


@dataclass(frozen=True, eq=False)
class EndpointSample:
    """The analysed restarts of one group of configurations."""

    configurations: tuple[Configuration, ...]
    """All of the group."""
    owner: np.ndarray
    """(n,) int: position in ``configurations``."""
    restart: np.ndarray
    """(n,) int: numbers within a configuration."""
    weights: np.ndarray
    """(n_parameters, n) float64: at the endpoints."""
    label: np.ndarray
    """(n,) str: labels of training."""
    level: np.ndarray
    """(n,) float64: exact level of saturated restarts and plateaus."""
    loss: np.ndarray
    """(n,) float64: at the endpoints."""

    def __len__(self) -> int:
        return len(self.restart)


Samples = Mapping[int, EndpointSample]
"""Samples by number of the group; groups without endpoints are left out."""


def read_samples(plan: AnalysisPlan) -> Samples:
    """Read the endpoints that are analysed from the study's shards."""
    samples = {}
    for number, group in enumerate(plan.sweep.groups):
        table = plan.study.endpoints(number, plan.per_configuration)
        if not table.num_rows:
            continue
        names = group.configurations[0].architecture.parameter_names
        position = {c.index: k for k, c in enumerate(group.configurations)}
        samples[number] = EndpointSample(
            group.configurations,
            np.array([position[i] for i in table["configuration"].to_pylist()]),
            table["restart"].to_numpy(),
            np.stack([table[name].to_numpy().astype(np.float64) for name in names]),
            table["label"].to_numpy().astype(str),
            table["level"].to_numpy(),
            table["loss"].to_numpy(),
        )
    return samples


def endpoint_stage(plan: AnalysisPlan, samples: Samples) -> Stage:
    """Return the stage that inspects every endpoint, in pieces of bounded size."""
    batches = []
    for number, sample in samples.items():
        exact = 8 * min(len(sample.weights), plan.options.max_parameters) ** 2
        size = min(_PIECE_ENDPOINTS, _PIECE_BYTES // max(exact, 1))
        batches += in_batches(number, len(sample), size)

    def call(piece: Piece, device: str) -> Call:
        sample = samples[piece.batch.group]
        rows = slice(piece.start, piece.stop)
        task = EndpointTask(
            sample.configurations,
            sample.owner[rows],
            sample.restart[rows],
            np.ascontiguousarray(sample.weights[:, rows]),
            sample.label[rows] == "stationary",
            plan.engine,
            plan.options,
            device,
        )
        return Call(inspect_endpoints, (task,))

    return Stage("endpoints", tuple(batches), call)


def in_batches(group: int, n: int, size: int) -> list[Batch]:
    """Cut the numbers from 0 to n of a group into batches of one size, the last one smaller."""
    size = max(size, 1)
    return [Batch(group, start, min(start + size, n)) for start in range(0, n, size)]


Inspected = Mapping[int, pd.DataFrame]
"""Frames by number of the group: a row per inspected endpoint with what `inspect_endpoints`
returned, and ``label``, ``level`` and ``end_loss`` of training."""


def read_inspected(samples: Samples, stage: Stage, parts: Parts) -> Inspected:
    """Join what workers found at the endpoints with the labels and losses of training."""
    frames: dict[int, list[pd.DataFrame]] = {}
    for batch, frame in parts.read(stage.name, stage.batches):
        frames.setdefault(batch.group, []).append(frame)
    inspected = {}
    for number, several in frames.items():
        sample = samples[number]
        indices = np.array([c.index for c in sample.configurations])
        trained = pd.DataFrame(
            {
                "configuration": indices[sample.owner],
                "restart": sample.restart,
                "label": sample.label,
                "level": sample.level,
                "end_loss": sample.loss,
            }
        )
        joined = pd.concat(several, ignore_index=True)
        inspected[number] = joined.merge(trained, on=INDEX, how="left")
    return inspected
