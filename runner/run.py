"""Run a plan on a cluster: keep every worker fed, commit what comes back, go on after a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import damage
from runner.cluster import open_client
from runner.device import JAX_ENGINES, KINDS
from runner.dispatcher import Complete, Dispatcher, Piece
from runner.engines import check
from runner.errors import ClusterError, StudyError
from runner.experiment import Experiment, load_experiment
from runner.messages import printable
from runner.plan import Batch, Plan
from runner.shards import encode, join, shard_schema
from runner.slots import Slots
from runner.store import Store
from runner.tables import Study
from runner.window import PER_SLOT, Sent, Window
from runner.worker import Task, Trained, train_batch, train_batches


@dataclass
class Progress:
    """How far a sweep is; told after every batch and at least once a second."""

    restarts: int
    """Restarts of the whole plan."""
    done: int
    """Restarts that are committed, those of earlier runs included."""
    before: int
    """Restarts that were committed before this run."""
    failed: int = 0
    """Restarts of this run that could not be trained."""
    restart_steps: int = 0
    """Steps of all restarts of this run."""
    solved: dict[int, list[int]] = field(default_factory=dict)
    """Solved restarts and restarts seen in this run, by configuration."""
    workers: int = 0
    """Workers now, of all kinds."""
    gpus: int = 0
    """Workers among them that offer a GPU."""
    elapsed_s: float = 0.0
    """Seconds since this run began."""
    dashboard: str = ""
    """Address of Dask's dashboard."""


Report = Callable[[Progress], None]


def sweep(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    out: str | Path | None = None,
    client: Any = None,
    *,
    engine: str = "pytensor",
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    device: str = "auto",
    wait_s: float = 30.0,
    insecure: bool = False,
    batch_size: int | None = None,
    overwrite: bool = False,
    report: Report | None = None,
) -> Study:
    """Train every restart of an experiment and return the study.

    Parameters
    ----------
    experiment : Experiment, mapping, str or Path
        An experiment, its content, or its TOML file.
    out : str or Path, optional
        The study's folder; by default ``results/<name>``. A finished study is returned as it is,
        an interrupted one goes on where it stopped.
    client : distributed.Client, optional
        Where to run; by default ``scheduler``, and without that an embedded cluster.
    engine : str
        A key of `runner.engines.ENGINES`.
    scheduler, scheduler_file, workers, insecure
        See `runner.cluster.open_client`.
    device : str
        Which workers to use: ``"auto"`` for all that there are, ``"cpu"`` or ``"gpu"``.
    wait_s : float, seconds
        How long to wait for a scheduler and for a worker, later also for a lost one to come back.
    batch_size : int, optional
        Restarts per task and shard; by default a rule of the experiment alone.
    overwrite : bool
        Whether to remove what another experiment has left in ``out``.
    report : callable, optional
        Called with a `Progress` now and then.

    Returns
    -------
    Study

    Raises
    ------
    ExperimentError
        If the experiment is wrong.
    StudyError
        If ``out`` holds another experiment's study or is in use.
    ClusterError
        If there is nothing to run on, it runs other versions, or it is lost on the way.

    Notes
    -----
    The bytes of every shard are the same for any number of workers and any order of completion,
    interrupted or not, on the same kind of device with the same versions.
    """
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment)
    check(engine)
    plan = Plan(experiment, engine, batch_size)
    store = Store(out or Path("results") / experiment.name)
    return _sweep(
        store,
        plan,
        overwrite=overwrite,
        client=client,
        device=device,
        wait_s=wait_s,
        report=report,
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        workers=workers,
        insecure=insecure,
    )


def _sweep(
    store: Store,
    plan: Plan,
    *,
    overwrite: bool,
    client: Any = None,
    device: str = "auto",
    wait_s: float = 30.0,
    report: Report | None = None,
    **where: Any,
) -> Study:
    if plan.engine not in JAX_ENGINES:
        if device == "gpu":
            message = f"--device is 'gpu', but --engine {plan.engine} computes on CPUs only."
            raise ClusterError(message)
        device = "cpu"
    with store.locked():
        _prepare(store, plan, overwrite)
        parts = _by_device(store, remaining(store, plan), device)
        if parts:
            opened: AbstractContextManager[Any] = (
                nullcontext(client)
                if client is not None
                else open_client(wait_s=wait_s, device=device, **where)
            )
            with opened as connected:
                for kind, left in parts:
                    with closing(Slots(connected, kind, wait_s)) as slots:
                        slots.check()
                        _Run(store, plan, slots, left, report).finish()
    return Study(store.path)


def _by_device(store: Store, left: Iterable[Batch], device: str) -> list[tuple[str, list[Batch]]]:
    """Group what is left by the device it may be trained on.

    A batch that is in the log already, its shard gone, must become the same bytes again, so it
    goes to the kind of device that trained it then.
    """
    logged = {commit.batch: commit.device for commit in store.commits()}
    parts: dict[str, list[Batch]] = {}
    for batch in left:
        then = logged.get(batch)
        parts.setdefault(then if then in KINDS else device, []).append(batch)
    return list(parts.items())


def repair(path: str | Path, **options: Any) -> list[damage.Damage]:
    """Move a study's damaged files to its quarantine and train what is missing again.

    Parameters
    ----------
    path : str or Path
        The study's folder.
    **options
        ``client``, ``device``, ``wait_s``, ``scheduler``, ``scheduler_file``, ``workers``,
        ``insecure`` and ``report`` as for `sweep`.

    Returns
    -------
    list of Damage
        What was found. Afterwards the study is complete and as it would have been without.
    """
    store = Store(path)
    plan, _ = store.read_plan()
    with store.locked(reading=False), store.writing():
        found = damage.find(store, plan)
        damage.repair(store, plan, found)
    _sweep(store, plan, overwrite=False, **options)
    return found


def _prepare(store: Store, plan: Plan, overwrite: bool) -> None:
    """Make the folder ready for this plan, or say why it is not."""
    if overwrite:
        store.clear()
    if not store.exists:
        store.create(plan)
    differences = store.differences(plan)
    if differences:
        where = printable(str(store.path))
        message = (
            f"{where}: the study there is not of this experiment as it is run now: "
            f"{'; '.join(differences)}. Choose another folder with --out, or replace the study "
            "with --overwrite."
        )
        raise StudyError(message)


def remaining(store: Store, plan: Plan) -> list[Batch]:
    """Return the plan's batches that are not committed, or whose shard is gone."""
    committed = {commit.batch for commit in store.commits()}
    kept = {batch for batch in committed if store.shard_path(batch).is_file()}
    return [batch for batch in plan.batches() if batch not in kept]


class _Run(Window):
    """One run of a sweep: the dispatcher, the cluster and the store tied together."""

    def __init__(
        self, store: Store, plan: Plan, slots: Slots, left: list[Batch], report: Report | None
    ) -> None:
        super().__init__(slots, Dispatcher(left), len(left))
        self.store = store
        self.plan = plan
        self.report = report or (lambda _: None)
        self.devices: dict[Batch, set[str]] = {}  # where the pieces of open batches were trained
        self.started = time.monotonic()
        before = plan.n_restarts - sum(len(batch) for batch in remaining(store, plan))
        self.progress = Progress(plan.n_restarts, before, before)
        self.progress.dashboard = self.client.dashboard_link or ""

    def most(self, kind: str, batch: Batch) -> int:
        """Return how many batches one task may train: as many as fill a GPU, one on a CPU.

        A GPU's share shrinks towards the end, so that it does not hold all that is left.
        """
        if kind == "cpu":
            return 1
        group = self.plan.groups[batch.group]
        lanes = group.configurations[0].signature(kind).n_lanes
        share = self.unsent // (2 * PER_SLOT[kind] * self.slots.counts[kind])
        return max(1, min(lanes // group.batch_size, share))

    def call(self, sent: Sent) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Train a piece, or several batches together."""
        first, last = sent.pieces[0], sent.pieces[-1]
        task = Task(
            self.plan.segments(Batch(first.batch.group, first.start, last.stop)),
            self.plan.experiment.seed,
            self.plan.engine,
            self.plan.n_curves,
            sent.kind,
        )
        if len(sent.pieces) == 1:
            return train_batch, (task,)
        return train_batches, (task, [piece.stop - piece.start for piece in sent.pieces])

    def take(self, sent: Sent, result: Trained | list[Trained]) -> None:
        """Note and commit what was trained."""
        parts = result if isinstance(result, list) else [result]
        for piece, trained in zip(sent.pieces, parts, strict=True):
            self._note(piece, trained)
            self._commit(self.dispatcher.succeeded(piece, trained.shard))

    def fail(self, sent: Sent, reason: str, trace: str) -> None:
        """Try again, or record what cannot be trained."""
        for piece in sent.pieces:
            self.devices.setdefault(piece.batch, set()).add(sent.kind)
            self._commit(self.dispatcher.failed(piece, reason, trace))

    def _commit(self, complete: Complete | None) -> None:
        if complete is None:
            return
        batch = complete.batch
        if complete.shards:
            shard = join(complete.shards)
        else:
            segment = self.plan.segments(batch)[0]
            shard = encode(shard_schema(segment.configuration.signature()).empty_table())
        rows = len(batch) - len(complete.failures)
        device = "+".join(sorted(self.devices.pop(batch)))
        self.store.commit(batch, shard, rows, complete.failures, device)
        self.progress.done += len(batch)
        self.progress.failed += len(complete.failures)

    def _note(self, piece: Piece, trained: Trained) -> None:
        """Keep what a piece's training tells of speed and success."""
        telemetry = trained.telemetry
        self.devices.setdefault(piece.batch, set()).add(telemetry["device"])
        self.store.record(
            {"start": piece.start, "stop": piece.stop, "group": piece.batch.group}
            | {key: value for key, value in telemetry.items() if key != "solved"}
        )
        self.progress.restart_steps += telemetry["restart_steps"]
        for segment in self.plan.segments(piece.range):
            index = segment.configuration.index
            tally = self.progress.solved.setdefault(index, [0, 0])
            tally[0] += telemetry["solved"][index]
            tally[1] += segment.stop - segment.start

    def tell(self) -> None:
        """Tell the caller."""
        self.progress.workers = self.slots.total
        self.progress.gpus = self.slots.counts.get("gpu", 0)
        self.progress.elapsed_s = time.monotonic() - self.started
        self.report(self.progress)
