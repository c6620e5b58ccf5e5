"""What a Dask worker runs: train one batch, return its shard."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runner.engines.devices import computing, require, require_jax
from runner.engines.registry import compiled, on_gpu
from runner.experiment.batches import Segment
from runner.network.shuffle import first_states
from runner.network.starts.stream import draw_together
from runner.training.compute_lock import COMPUTE_LOCK
from runner.training.lanes import train
from runner.training.other_weights import plateau_rule
from runner.training.restarts import Restarts
from runner.training.rows import restart_rows
from runner.training.shards import encode_shard


@dataclass(frozen=True)
class Task:
    """A batch as it is sent to a worker; small, since starts are drawn there."""

    segments: tuple[Segment, ...]
    """Whose restarts, in order."""
    seed: int
    """Root seed."""
    engine: str
    """Which engine compiles."""
    n_curves: int
    """Restarts of each configuration, from the first on, that are traced."""
    device: str = "cpu"
    """Kind of device to train on, cpu or gpu."""


@dataclass(frozen=True)
class Trained:
    """A trained batch."""

    shard: bytes
    """Its Parquet file, encoded here so that the client has only to store it."""
    rows: int
    """Restarts in it."""
    telemetry: dict[str, Any]
    """What differs from run to run: times (of batches trained together, its share) and where it
    ran. Never part of the shard."""


def train_batch(task: Task) -> Trained:
    """Train every restart of a task into one shard.

    Parameters
    ----------
    task : Task

    Returns
    -------
    Trained
        Rows in the order of the task's segments.

    Notes
    -----
    A process trains one task at a time, however many threads its Dask worker has.
    """
    (trained,) = train_batches(task, [sum(s.stop - s.start for s in task.segments)])
    return trained


def pilot(task: Task) -> Trained:
    """Train as `train_batch` does, for what it costs: not the first time that this process does.

    What a process loads when it first trains takes longer than a few restarts.
    """
    train_batch(replace(task, segments=tuple(replace(s, stop=s.start + 1) for s in task.segments)))
    return train_batch(task)


def train_batches(task: Task, sizes: Sequence[int]) -> list[Trained]:
    """Train the restarts of consecutive batches together, as fills a GPU, into a shard each.

    Parameters
    ----------
    task : Task
        With the segments of all of them.
    sizes : sequence of int
        Restarts of each batch, in order.

    Returns
    -------
    list of Trained
        One per batch, with the bytes that training it alone gives.

    Raises
    ------
    ClusterError
        If this process cannot compute on the task's kind of device.
    """
    with COMPUTE_LOCK:
        require(task.device, task.engine)
        return trained_here(task, sizes)


def trained_here(task: Task, sizes: Sequence[int]) -> list[Trained]:
    """Train as `train_batches` does, in a process that is no worker and stays as it is."""
    started = time.perf_counter()
    first, kind = task.segments[0].configuration, computing(task.device)
    functions = on_gpu(task.engine, first.signature()) if kind == "gpu" else None
    if functions is None:
        if kind == "gpu":
            require_jax(kind)
        functions = compiled(task.engine, first.signature(task.device), kind)
    signature = functions.signature
    ready, cpu_s = time.perf_counter(), time.process_time()
    restarts = prepare(task)
    ended = train(functions, restarts)
    table = restart_rows(task.segments, functions, restarts, ended)
    stops = np.cumsum(sizes)
    ids = {s.configuration.index: s.configuration.id for s in task.segments}
    shards = [
        encode_shard(table.slice(b - n, n), signature, ids)
        for b, n in zip(stops, sizes, strict=True)
    ]
    finished, cpu_s = time.perf_counter(), time.process_time() - cpu_s
    configurations = np.array([segment.configuration.index for segment in task.segments])
    trained = []
    for stop, size, shard in zip(stops, sizes, shards, strict=True):
        rows, share = slice(stop - size, stop), size / len(ended.steps)
        solved = np.bincount(restarts.table[rows], ended.solved[rows], len(configurations))
        counts = np.bincount(restarts.table[rows], minlength=len(configurations))
        steps = np.bincount(restarts.table[rows], ended.steps[rows], len(configurations))
        present = np.flatnonzero(counts)
        trained.append(
            Trained(
                shard,
                size,
                {
                    "device": task.device,
                    "host": socket.gethostname(),
                    "process": os.getpid(),
                    "together": len(sizes),
                    "compile_s": (ready - started) * share,
                    "train_s": (finished - ready) * share,
                    "cpu_s": cpu_s * share,
                    "restart_steps": int(ended.steps[rows].sum(dtype=np.int64)),
                    "lane_steps": int(ended.lane_steps * share),
                    "solved": {int(configurations[k]): int(solved[k]) for k in present},
                    "steps": {
                        int(configurations[k]): (int(counts[k]), int(steps[k])) for k in present
                    },
                    "programs": functions.programs,
                },
            )
        )
    return trained


def prepare(task: Task) -> Restarts:
    """Draw the starts of a task's restarts and gather their settings."""
    segments = task.segments
    counts = [segment.stop - segment.start for segment in segments]
    which = np.repeat(np.arange(len(segments)), counts)
    numbers = np.concatenate([np.arange(s.start, s.stop) for s in segments])
    configurations = [segment.configuration for segment in segments]
    budgets = [c.settings.training.max_steps for c in configurations]
    shuffled = configurations[0].settings.training.order == "shuffled"
    return Restarts(
        starts=draw_together(
            [(s.configuration.starts(task.seed), s.start, s.stop) for s in segments]
        ),
        hyper=np.take(np.stack([c.hyper for c in configurations], axis=1), which, axis=1),
        targets=np.stack([c.table.targets.ravel() for c in configurations]),
        table=which,
        max_steps=np.array(budgets, np.int32)[which],
        traced=numbers < task.n_curves,
        generator=np.concatenate(
            [first_states(task.seed, s.start, s.stop) for s in segments], axis=1
        )
        if shuffled
        else None,
        plateau=plateau_rule(segments, task.seed),
    )
