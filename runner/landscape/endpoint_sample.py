"""The analysed restarts of a study, and the stage in which workers inspect each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.in_flight import Call
from runner.experiment.batches import Batch
from runner.experiment.configuration import Configuration
from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.checkpoints import Checkpoints
from runner.landscape.inspections import MARK, Inspections, marks
from runner.landscape.stage import Stage
from runner.landscape.worker import EndpointTask, endpoint_columns, inspect_endpoints
from runner.training.shards import INDEX

_PIECE_ENDPOINTS = 4096  # at most, so that a restart that kills its worker costs little
_PIECE_BYTES = 2**27  # of Hessians, at most
_MOST_COLUMNS = 90  # that are not put together


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
    """(n,) object: labels of training, each word once in memory."""
    level: np.ndarray
    """(n,) float64: exact level of saturated restarts and plateaus."""
    loss: np.ndarray
    """(n,) float64: at the endpoints."""

    @cached_property
    def marks(self) -> np.ndarray:
        """(n,) str: hashes of all that the inspection of each depends on."""
        ids = [self.configurations[k].id for k in self.owner]
        return marks(ids, self.restart, self.weights, self.stationary)

    @property
    def stationary(self) -> np.ndarray:
        """(n,) bool: endpoints that came to rest."""
        return np.asarray(self.label == "stationary")

    def part(self, rows: np.ndarray) -> EndpointSample:
        """Return some of the restarts, (n,) bool."""
        arrays = ("owner", "restart", "label", "level", "loss")
        chosen = {name: getattr(self, name)[rows] for name in arrays}
        return replace(self, weights=self.weights[:, rows], **chosen)

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
        labels = table["label"].combine_chunks().dictionary_encode()
        words = np.array(labels.dictionary.to_pylist(), object)
        position = {c.index: k for k, c in enumerate(group.configurations)}
        samples[number] = EndpointSample(
            group.configurations,
            np.array([position[i] for i in table["configuration"].to_pylist()]),
            table["restart"].to_numpy(),
            np.stack([table[name].to_numpy().astype(np.float64) for name in names]),
            words[labels.indices.to_numpy()],
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
            sample.stationary[rows],
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
returned, the restart's mark, and ``label``, ``level`` and ``end_loss`` of training."""


def known_endpoints(samples: Samples, inspections: Inspections) -> Mapping[int, pd.DataFrame]:
    """Return what earlier analyses have found of a sample's endpoints, by number of the group."""
    return {
        number: inspections.rows("endpoints", _columns(sample.configurations), sample.marks)
        for number, sample in samples.items()
    }


def new_endpoints(samples: Samples, known: Mapping[int, pd.DataFrame]) -> Samples:
    """Return the endpoints of which nothing is known."""
    parts = {}
    for number, sample in samples.items():
        marks = known[number][MARK].to_numpy()
        # of a million endpoints a copy is a tenth of all memory, so there is none where all are new
        parts[number] = sample.part(~np.isin(sample.marks, marks)) if len(marks) else sample
    return {number: sample for number, sample in parts.items() if len(sample)}


def read_inspected(
    samples: Samples, known: Mapping[int, pd.DataFrame], stage: Stage, checkpoints: Checkpoints
) -> Inspected:
    """Join what was known and what workers found with the labels and losses of training."""
    inspected = {}
    for number, sample in samples.items():
        indices = np.array([c.index for c in sample.configurations])
        trained = pd.DataFrame(
            {
                "configuration": indices[sample.owner],
                "restart": sample.restart,
                MARK: sample.marks,
                "label": pd.Series(sample.label, dtype="str"),
                "level": sample.level,
                "end_loss": sample.loss,
            }
        )
        columns = [*INDEX, MARK, *_columns(sample.configurations), *trained.columns[3:]]
        frames = [trained.merge(known[number], on=MARK)[columns]] if len(known[number]) else []
        batches = [batch for batch in stage.batches if batch.group == number]
        found = gathered((part for _, part in checkpoints.read(stage.name, batches)), len(sample))
        if len(found):
            frames.append(_beside(found, trained)[columns])
            del found
        if frames:
            joined = frames.pop() if len(frames) == 1 else pd.concat(frames, ignore_index=True)
            order = np.lexsort((joined["restart"], joined["configuration"]))
            if (np.diff(order) < 0).any():  # not where all are new, whose rows are in order
                joined = joined.take(order).reset_index(drop=True)
            inspected[number] = joined
    return inspected


def gathered(parts: Iterable[pd.DataFrame], most: int) -> pd.DataFrame:
    """Join frames of the same columns, with ``most`` rows at most, as `pandas.concat` does.

    Each part is copied into columns of numbers and forgotten, so that a million rows are there
    once.
    """
    columns: dict[str, np.ndarray] = {}
    others: dict[str, list[pd.Series]] = {}
    first = 0
    for part in parts:
        for name, column in part.items():
            if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "bif":
                others.setdefault(str(name), []).append(column)
                continue
            values = columns.get(str(name))
            if values is None:
                values = np.empty(most, column.dtype)
            elif values.dtype != column.dtype:
                values = values.astype(np.result_type(values, column.dtype))
            values[first : first + len(part)] = column.to_numpy()
            columns[str(name)] = values
        first += len(part)
    whole: dict[str, Any] = {name: values[:first] for name, values in columns.items()}
    whole |= {name: pd.concat(pieces, ignore_index=True) for name, pieces in others.items()}
    return pd.DataFrame(whole, copy=False)


def _beside(found: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """Return rows of what was found with those of training that they are of."""
    if len(found) == len(trained) and all((found[name] == trained[name]).all() for name in INDEX):
        own = trained.drop(columns=INDEX)  # all of them, in order: nothing to look up
    else:
        places = pd.MultiIndex.from_frame(trained[INDEX])
        at = places.get_indexer(pd.MultiIndex.from_frame(found[INDEX]))
        own = trained.drop(columns=INDEX).take(at).reset_index(drop=True)
    whole = pd.DataFrame({**dict(found.items()), **dict(own.items())}, copy=False)
    # with many columns of their own pandas is slow, and says so
    return whole.copy() if len(whole.columns) > _MOST_COLUMNS else whole


def kept_endpoints(plan: AnalysisPlan, inspected: Inspected) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what is kept for the next analysis; see `Inspections.keep`."""
    for number, frame in inspected.items():
        columns = _columns(plan.sweep.groups[number].configurations)
        yield "endpoints", frame[[MARK, *columns]].drop_duplicates(MARK)


def _columns(configurations: Sequence[Configuration]) -> tuple[str, ...]:
    return endpoint_columns(configurations[0].architecture)
