"""Analyse a study: curvature, classes of endpoints, barriers and verdicts, as tables.

Work is sent to the cluster in pieces, as a sweep's is. What comes back is kept in files under
``tables/parts/`` until all tables are written, so an analysis goes on where it stopped.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from runner.cluster.client import open_client
from runner.cluster.options import ClusterOptions
from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.dispatcher import Complete, Piece
from runner.dispatch.progress import AnalysisProgress, AnalysisProgressCallback
from runner.dispatch.sent_tasks import Call, SentTask
from runner.dispatch.task_handler import RunState, TaskHandler
from runner.dispatch.task_loop import TaskLoop
from runner.engines.versions import versions
from runner.experiment.plan import Batch, Configuration, Plan, digest
from runner.landscape import convexity, minima
from runner.landscape.barriers import JENSEN
from runner.landscape.curvature import MAX_PARAMETERS, PERTURBED
from runner.landscape.newton import NULL
from runner.landscape.worker import (
    SPECTRUM,
    EndpointTask,
    PairTask,
    inspect_endpoints,
    inspect_pairs,
)
from runner.study import analysis_tables, files
from runner.study.store import Store
from runner.study.tables import Study
from runner.training.shards import decode, join

FORMAT = 1
"""Version of what an analysis computes: parts of another one are not used."""

MAX_ENDPOINTS = 100_000
"""Endpoints of a study that are analysed unless more are asked for."""

MAX_REPRESENTATIVES = 12
"""Largest classes of a configuration between which all paths are taken."""

MAX_PAIRS = 200
"""Sampled pairs of endpoints per configuration, fewer where a study has many configurations."""

_PAIRS_PER_STUDY = 20_000
_ENDPOINTS = 4096  # in one piece, at most
_PAIRS = 128  # in one piece
_PIECE_BYTES = 2**27  # of Hessians in one piece, at most
_CURVED = ("minimum", "solved")  # kinds of class between which curves are trained


MakeTask = Callable[[Piece, str], tuple[Callable[..., bytes], Any]]


def analyze(
    study: Study | str | Path,
    client: Any = None,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    device: str = "auto",
    wait_s: float = 30.0,
    endpoints: int = MAX_ENDPOINTS,
    trust_model: bool = False,
    report: AnalysisProgressCallback | None = None,
    **where: Any,
) -> Study:
    """Add the tables of the landscape to a study's folder.

    Parameters
    ----------
    study : Study, str or Path
        Finished or not; what is committed is analysed.
    client : distributed.Client, optional
        Where to run; by default ``scheduler``, and without that an embedded cluster.
    scheduler, workers
        See `runner.ClusterOptions`; also for further keywords.
    device, wait_s
        See `runner.sweep`.
    endpoints : int
        Most endpoints that are analysed: the first restarts of each configuration, which are as
        random as any, the same number of each.
    trust_model : bool
        Whether the study's own model may be executed, where it has one.
    report : callable, optional
        Called with an `AnalysisProgress` now and then.

    Returns
    -------
    Study
        Opened anew, with the tables `curvature`, `classes`, `minima`, `unseen`, `barriers` and
        `verdicts`.

    Raises
    ------
    ExperimentError
        If the study has a model and ``trust_model`` was not said.
    StudyError
        If there is no study, it is damaged, or its folder is in use.
    ClusterError
        If there is nothing to run on, or it is lost on the way.
    """
    store = Store(study.path if isinstance(study, Study) else study)
    plan = Study(store.path).plan.trusting(trust_model)
    with store.locked():
        work = _Analysis(store, plan, endpoints, report)
        if not work.finished:
            opened: AbstractContextManager[Any] = (
                nullcontext(client)
                if client is not None
                else open_client(
                    ClusterOptions(
                        scheduler=scheduler,
                        workers=workers,
                        device=device,
                        wait_s=wait_s,
                        **where,
                    )
                )
            )
            with opened as connected, closing(WorkerPool(connected, device, wait_s)) as slots:
                slots.check()
                work.finish(slots)
        work.clear()
    return Study(store.path)


@dataclass(frozen=True, eq=False)
class _Group:
    """The analysed restarts of one group of configurations."""

    task: EndpointTask
    """All of them, as they would go to a worker."""
    label: np.ndarray
    """(n,) str: labels of training."""
    level: np.ndarray
    """(n,)."""
    loss: np.ndarray
    """(n,): at the endpoints."""

    def part(self, start: int, stop: int) -> EndpointTask:
        """Some of them."""
        rows = slice(start, stop)
        return _rows(self.task, rows)


def _rows(task: EndpointTask, rows: Any) -> EndpointTask:
    return replace(
        task,
        owner=task.owner[rows],
        restart=task.restart[rows],
        weights=np.ascontiguousarray(task.weights[:, rows]),
        stationary=task.stationary[rows],
    )


class _Stage(TaskHandler):
    """One stage of an analysis on the cluster."""

    def __init__(
        self,
        task: MakeTask,
        keep: Callable[[Complete], None],
        progress: AnalysisProgress,
        report: AnalysisProgressCallback,
    ) -> None:
        self.task = task
        self.keep = keep
        self.progress = progress
        self.report = report
        self.started = time.monotonic()

    def call(self, task: SentTask) -> Call:
        """Inspect a piece."""
        function, inspected = self.task(task.pieces[0], task.kind)
        return Call(function, (inspected,))

    def succeeded(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        """Accept a part."""
        complete = run.dispatcher.succeeded(task.pieces[0], result.value)
        if complete is not None:
            self.completed(run, complete)

    def completed(self, run: RunState, complete: Complete) -> None:
        """Keep a part that is whole; what cannot be inspected is left out."""
        self.keep(complete)
        self.progress.done += len(complete.batch)

    def report_progress(self, run: RunState) -> None:
        """Call the callback."""
        self.progress.workers = run.pool.total
        self.progress.elapsed_s = time.monotonic() - self.started
        self.report(self.progress)


class _Analysis:
    """One analysis: what it looks at, and what is known so far."""

    def __init__(
        self, store: Store, plan: Plan, endpoints: int, report: AnalysisProgressCallback | None
    ) -> None:
        self.store = store
        self.plan = plan
        self.study = Study(store.path)
        self.folder = store.tables_path
        self.report = report or (lambda _: None)
        self.per_configuration = max(
            1, min(plan.experiment.restarts, endpoints // len(plan.configurations))
        )
        self.engine = plan.engine if plan.engine.startswith("pytensor") else "pytensor"
        self.key = digest(
            [FORMAT, self.study.digest, self.per_configuration, self.engine, versions()]
        )
        self.parts = self.folder / "parts" / self.key[:16]

    @property
    def finished(self) -> bool:
        """Whether the tables of just this analysis are there."""
        for name in analysis_tables.TABLES:
            try:
                table = analysis_tables.read(self.folder, name, self.study.digest)
            except Exception:
                return False
            if table.attrs.get("analysis") != self.key:
                return False
        return True

    def finish(self, slots: WorkerPool) -> None:
        """Do what is left, write the tables."""
        with self.store.writing():
            for old in self.folder.glob("parts/*"):
                if old != self.parts:
                    shutil.rmtree(old)
            files.make_folder(self.parts)
        self._work(slots, "endpoints", self._endpoint_batches(), self._endpoint_task)
        self._sort()
        self._work(slots, "pairs", self._pair_batches(), self._pair_task)
        with self.store.writing():
            self._judge()

    def clear(self) -> None:
        """Remove the parts, which the tables have made superfluous."""
        with self.store.writing(), suppress(FileNotFoundError):
            shutil.rmtree(self.folder / "parts")

    @cached_property
    def groups(self) -> dict[int, _Group]:
        """What is analysed, by group; groups without endpoints are left out."""
        found = {}
        for number, group in enumerate(self.plan.groups):
            table = self.study.endpoints(number, self.per_configuration)
            if not table.num_rows:
                continue
            names = group.configurations[0].architecture.parameter_names
            position = {c.index: k for k, c in enumerate(group.configurations)}
            label = table["label"].to_numpy().astype(str)
            task = EndpointTask(
                group.configurations,
                np.array([position[i] for i in table["configuration"].to_pylist()]),
                table["restart"].to_numpy(),
                np.stack([table[name].to_numpy().astype(np.float64) for name in names]),
                label == "stationary",
                self.engine,
            )
            found[number] = _Group(task, label, table["level"].to_numpy(), table["loss"].to_numpy())
        return found

    def _endpoint_batches(self) -> Iterator[Batch]:
        for number, group in self.groups.items():
            size = len(group.task.weights)
            exact = 8 * min(size, MAX_PARAMETERS) ** 2
            yield from _batches(number, len(group.label), min(_ENDPOINTS, _PIECE_BYTES // exact))

    def _endpoint_task(self, piece: Piece, device: str) -> tuple[Callable[..., bytes], Any]:
        part = self.groups[piece.batch.group].part(piece.start, piece.stop)
        return inspect_endpoints, replace(part, device=device)

    def _work(
        self,
        slots: WorkerPool,
        stage: str,
        batches: Iterator[Batch],
        task: MakeTask,
    ) -> None:
        """Have every batch done that has no part yet."""
        every = list(batches)
        left = [batch for batch in every if not self._part(stage, batch).exists()]
        total = sum(map(len, every))
        before = total - sum(map(len, left))
        progress = AnalysisProgress(stage, before, total, before)
        if not left:
            return
        handler = _Stage(task, partial(self._keep, stage), progress, self.report)
        TaskLoop(RunState.of(slots, left), handler).finish()

    def _part(self, stage: str, batch: Batch) -> Path:
        return self.parts / stage / f"{batch.name}.parquet"

    def _keep(self, stage: str, complete: Complete) -> None:
        path = self._part(stage, complete.batch)
        # what could not be looked at at all is missing from the tables, and counted there
        content = join(complete.shards) if complete.shards else b""
        with self.store.writing():
            files.make_folder(path.parent)
            files.replace(path, content)

    def _read(self, stage: str, batches: Iterator[Batch]) -> Iterator[tuple[Batch, pd.DataFrame]]:
        for batch in batches:
            content = self._part(stage, batch).read_bytes()
            if content:
                yield batch, decode(content).to_pandas()

    @cached_property
    def inspected(self) -> dict[int, pd.DataFrame]:
        """What was found at every endpoint, by group, with label, level and loss of training."""
        parts: dict[int, list[pd.DataFrame]] = {}
        for batch, frame in self._read("endpoints", self._endpoint_batches()):
            parts.setdefault(batch.group, []).append(frame)
        found = {}
        for number, frames in parts.items():
            group = self.groups[number]
            indices = np.array([c.index for c in group.task.configurations])
            trained = pd.DataFrame(
                {
                    "configuration": indices[group.task.owner],
                    "restart": group.task.restart,
                    "label": group.label,
                    "level": group.level,
                    "end_loss": group.loss,
                }
            )
            joined = pd.concat(frames, ignore_index=True)
            found[number] = joined.merge(trained, on=analysis_tables.INDEX, how="left")
        return found

    def _each(self) -> Iterator[tuple[int, Configuration, pd.DataFrame]]:
        """Group number, configuration and its inspected endpoints, for every configuration."""
        for number, group in enumerate(self.study.plan.groups):
            frame = self.inspected.get(number)
            by = dict(list(frame.groupby("configuration"))) if frame is not None else {}
            for configuration in group.configurations:
                if configuration.index in by:
                    yield number, configuration, by[configuration.index]

    def _sort(self) -> None:
        """Sort endpoints into classes; write curvature, classes, minima and unseen."""
        self.sorted: dict[int, tuple[pd.DataFrame, np.ndarray, list[dict[str, Any]]]] = {}
        classes, unseen, curved = [], {}, []
        for _, configuration, frame in self._each():
            points = _points(configuration, frame)
            kind = minima.kinds(points)
            found = minima.classes(points, kind)
            rows = minima.rows(points, kind, found)
            self.sorted[configuration.index] = frame, found, rows
            classes.append(frame[analysis_tables.INDEX].assign(**{"class": found}))
            unseen[configuration.index] = minima.unseen(configuration.index, found)
            curved.append(_curvature(frame))
        for configuration in self.study.plan.configurations:
            none = np.zeros(0, int)
            unseen.setdefault(configuration.index, minima.unseen(configuration.index, none))
        self._write("curvature", _together(curved))
        self._write("classes", _together(classes))
        rows = [row for index in sorted(self.sorted) for row in self.sorted[index][2]]
        columns = [*analysis_tables.TABLES["minima"], *self.study.parameter_names]
        self._write("minima", pd.DataFrame(rows, columns=columns))
        self._write("unseen", [unseen[index] for index in sorted(unseen)])

    @cached_property
    def pairs(self) -> dict[int, pd.DataFrame]:
        """Pairs of endpoints to join by paths, by group: positions in the inspected frame."""
        n_configurations = len(self.study.plan.configurations)
        most = max(1, min(MAX_PAIRS, _PAIRS_PER_STUDY // n_configurations))
        found: dict[int, list[pd.DataFrame]] = {}
        for number, configuration, frame in self._each():
            _, member, rows = self.sorted[configuration.index]
            kind = {row["restart"]: row["kind"] for row in rows[:MAX_REPRESENTATIVES]}
            at = dict(zip(frame["restart"], range(len(frame)), strict=True))
            names = list(configuration.architecture.parameter_names)
            finite = np.isfinite(frame[names].to_numpy()).all(axis=1) & np.isfinite(frame["loss"])
            usable = np.flatnonzero(finite)[: 2 * most]
            chosen = [("representatives", at[a], at[b]) for a, b in itertools.combinations(kind, 2)]
            n_pairs = len(usable) // 2
            chosen += [("sample", a, b) for a, b in usable[: 2 * n_pairs].reshape(-1, 2)]
            if not chosen:
                continue
            pair = pd.DataFrame(chosen, columns=["pairs", "a", "b"])
            restart = frame["restart"].to_numpy()
            for side in "ab":
                pair[f"restart_{side}"] = restart[pair[side]]
                pair[f"class_{side}"] = member[pair[side]]
                pair[f"row_{side}"] = frame.index.to_numpy()[pair[side]]
            low = [
                kind.get(a, "") in _CURVED and kind.get(b, "") in _CURVED
                for a, b in zip(pair["restart_a"], pair["restart_b"], strict=True)
            ]
            pair["curved"] = (pair["pairs"] == "representatives") & np.array(low)
            pair.insert(0, "configuration", configuration.index)
            found.setdefault(number, []).append(pair)
        return {number: pd.concat(pairs, ignore_index=True) for number, pairs in found.items()}

    def _pair_batches(self) -> Iterator[Batch]:
        for number, pairs in self.pairs.items():
            yield from _batches(number, len(pairs), _PAIRS)

    def _pair_task(self, piece: Piece, device: str) -> tuple[Callable[..., bytes], Any]:
        number = piece.batch.group
        pairs = self.pairs[number].iloc[piece.start : piece.stop]
        group, frame = self.groups[number].task, self.inspected[number]
        names = list(group.configurations[0].architecture.parameter_names)
        weights = frame[names].to_numpy(np.float64)
        position = {c.index: k for k, c in enumerate(group.configurations)}
        first = EndpointTask(
            group.configurations,
            np.array([position[i] for i in pairs["configuration"]]),
            pairs["restart_a"].to_numpy(),
            weights[pairs["row_a"]].T.copy(),
            np.zeros(len(pairs), bool),
            self.engine,
            device,
        )
        second = weights[pairs["row_b"]].T.copy()
        task = PairTask(first, second, pairs.index.to_numpy(), pairs["curved"].to_numpy())
        return inspect_pairs, task

    def _judge(self) -> None:
        """Write barriers and verdicts."""
        parts = []
        for batch, frame in self._read("pairs", self._pair_batches()):
            which = self.pairs[batch.group].iloc[frame["pair"]].reset_index(drop=True)
            parts.append(pd.concat([which, frame], axis=1))
        empty = pd.DataFrame(columns=[*analysis_tables.TABLES["barriers"], "violated"])
        paths = pd.concat(parts, ignore_index=True) if parts else empty
        paths = paths.sort_values("configuration", kind="stable", ignore_index=True)
        by = dict(list(paths.groupby("configuration"))) if len(paths) else {}
        rows = []
        for configuration in self.study.plan.configurations:
            nothing = pd.DataFrame(columns=["restart", "loss", "swap_excess"], dtype=float)
            seen = nothing
            if configuration.index in self.sorted:
                frame = self.sorted[configuration.index][0]
                seen = frame[["restart", "swap_excess"]].assign(loss=frame["end_loss"])
            found = by.get(configuration.index, empty)
            rows.append(convexity.verdict(configuration, seen, found))
        self._write("barriers", paths[list(analysis_tables.TABLES["barriers"])])
        self._write("verdicts", rows)

    def _write(self, name: str, rows: Any) -> None:
        table = analysis_tables.frame(name, rows)
        table.attrs |= {
            "analysis": self.key,
            "engine": self.engine,
            "endpoints_per_configuration": self.per_configuration,
            "sample": f"the first {self.per_configuration:,} restarts of each configuration",
            "max_parameters": MAX_PARAMETERS,
            "null": NULL,
            "class_tolerance": minima.TOLERANCE,
            "perturbed": PERTURBED,
            "jensen": JENSEN,
            "max_representatives": MAX_REPRESENTATIVES,
        }
        analysis_tables.write(self.folder, name, table, self.study.digest)


def _batches(number: int, n: int, size: int) -> Iterator[Batch]:
    for start in range(0, n, size):
        yield Batch(number, start, min(start + size, n))


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=analysis_tables.INDEX)
    together = pd.concat(frames, ignore_index=True)
    return together.sort_values(analysis_tables.INDEX, ignore_index=True)


def _points(configuration: Configuration, frame: pd.DataFrame) -> minima.Points:
    names = list(configuration.architecture.parameter_names)
    return minima.Points(
        configuration,
        frame["restart"].to_numpy(),
        frame["label"].to_numpy(str),
        frame["critical"].to_numpy(str),
        np.ascontiguousarray(frame[names].to_numpy(np.float64).T),
        frame[list(SPECTRUM)].to_numpy(np.float64).T,
        frame["loss"].to_numpy(),
        frame["accuracy"].to_numpy(),
        frame["level"].to_numpy(),
    )


def _curvature(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of the table of curvature."""
    stationary, none = frame["label"] == "stationary", frame["critical"] == "none"
    return frame.assign(
        label=frame["label"].where(~stationary | none, frame["critical"]),
        polished_loss=frame["loss"].mask(none),
        polish_distance=frame["moved"].mask(none),
        returned=frame["returned"].map({0.0: False, 1.0: True}).astype("boolean"),
    )[list(analysis_tables.TABLES["curvature"])]
