"""Run a plan on a cluster: keep every worker fed, commit what comes back, go on after a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import damage
from runner.answers import Answer
from runner.audits import Audits, unaudited
from runner.canaries import Canaries, Canary, Difference
from runner.cluster import open_client
from runner.deadlines import Deadlines
from runner.device import JAX_ENGINES, KINDS
from runner.dispatcher import Complete, Dispatcher, Piece
from runner.engines import check, try_out
from runner.errors import ClusterError, ExperimentError, FailuresError, StudyError
from runner.experiment import Experiment, load_experiment
from runner.messages import printable, shown
from runner.plan import Batch, Plan
from runner.shards import encode, join, shard_schema
from runner.slots import Slots
from runner.store import Store
from runner.window import PER_SLOT, Sent, Window
from runner.worker import Task, Trained, train_batch, train_batches

if TYPE_CHECKING:
    from runner.tables import Study

_CANARY_RESTARTS = 16
_CANARY_STEPS = 100


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


@dataclass(frozen=True)
class Care:
    """What a sweep does about workers and restarts that misbehave; see `sweep`."""

    deadline_s: float | None = None
    """Longest that a task may train."""
    max_failures: int | None = None
    """Restarts that may fail."""
    audit: float = 0.0
    """Share of the batches that are trained a second time."""
    canary: bool = True
    """Whether workers are compared before their work is taken."""

    def __post_init__(self) -> None:
        """Raise ExperimentError for the first value that is out of range."""
        problem = ""
        if self.deadline_s is not None and not self.deadline_s > 0:
            problem = f"--deadline is {self.deadline_s}; expected more than 0 seconds."
        elif self.max_failures is not None and self.max_failures < 0:
            problem = f"--max-failures is {self.max_failures}; expected an integer >= 0."
        elif not 0 <= self.audit <= 1:
            problem = f"--audit is {self.audit}; expected a share from 0 to 1."
        if problem:
            raise ExperimentError(problem)


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
    deadline_s: float | None = None,
    max_failures: int | None = None,
    audit: float = 0.0,
    canary: bool = True,
    trust_model: bool = False,
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
    deadline_s : float, optional, seconds
        How long a task may train before its worker is given up and restarted, compilation apart;
        by default a rule of what others have taken, see `runner.deadlines.Deadlines`.
    max_failures : int, optional
        How many restarts of the study may fail; by default all.
    audit : float
        Share of the batches, from 0 to 1, that are trained again on another worker and compared.
    canary : bool
        Whether every worker has to give the first one's bits, on a small batch, before its work is
        taken.
    trust_model : bool
        Whether a ``network.model`` may be executed, here and on the workers.
    report : callable, optional
        Called with a `Progress` now and then.

    Returns
    -------
    Study

    Raises
    ------
    ExperimentError
        If the experiment is wrong, or an option out of range, or a model is wrong or not trusted.
    StudyError
        If ``out`` holds another experiment's study or is in use, or an audit finds other bits.
    ClusterError
        If there is nothing to run on, it runs other versions, or it is lost on the way.
    FailuresError
        If more than ``max_failures`` restarts have failed.

    Notes
    -----
    The bytes of every shard are the same for any number of workers and any order of completion,
    interrupted or not, on the same kind of device with the same versions.
    """
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment)
    check(engine)
    care = Care(deadline_s, max_failures, audit, canary)
    plan = Plan(experiment, engine, batch_size).trusting(trust_model)
    _try_models(plan)
    store = Store(out or Path("results") / experiment.name)
    return _sweep(
        store,
        plan,
        care,
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
    care: Care,
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
        if not parts and unaudited(store, plan, care.audit):
            parts = [(device, [])]
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
                        _Run(store, plan, slots, left, care, report).finish()
    # not before: pandas takes as long to load as a kept function to start training
    from runner.tables import Study

    return Study(store.path)


def _try_models(plan: Plan) -> None:
    """Find the mistakes of users' own models before any work is sent."""
    for group in plan.groups:
        first = group.configurations[0]
        if first.model is not None:
            try_out(plan.engine, first.signature())


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


def repair(path: str | Path, *, trust_model: bool = False, **options: Any) -> list[damage.Damage]:
    """Move a study's damaged files to its quarantine and train what is missing again.

    Parameters
    ----------
    path : str or Path
        The study's folder.
    **options
        ``client``, ``device``, ``wait_s``, ``scheduler``, ``scheduler_file``, ``workers``,
        ``insecure``, ``trust_model`` and ``report`` as for `sweep`.

    Returns
    -------
    list of Damage
        What was found. Afterwards the study is complete and as it would have been without.
    """
    store = Store(path)
    plan = store.read_plan()[0].trusting(trust_model)
    with store.locked(reading=False), store.writing():
        found = damage.find(store, plan)
        damage.repair(store, plan, found)
    _sweep(store, plan, Care(), overwrite=False, **options)
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
        self,
        store: Store,
        plan: Plan,
        slots: Slots,
        left: list[Batch],
        care: Care,
        report: Report | None,
    ) -> None:
        super().__init__(slots, Dispatcher(left), len(left))
        self.store = store
        self.plan = plan
        self.care = care
        self.report = report or (lambda _: None)
        self.deadlines = Deadlines(care.deadline_s)
        self.bounds: dict[tuple[str, int], tuple[int, int, float]] = {}  # lanes, steps, step_s
        self.devices: dict[Batch, set[str]] = {}  # where the pieces of open batches were trained
        self.trained_by: dict[Batch, set[str]] = {}  # by which workers
        self.canaries = Canaries()
        self.doubtful: dict[str, list[tuple[Sent, Answer]]] = {}  # answers of workers not compared
        self.group = left[0].group if left else 0
        again = set(left)
        before = [commit for commit in store.commits() if commit.batch not in again]
        self.failed_before = sum(len(commit.failures) for commit in before)
        self.audits = Audits(store, plan, care.audit, self._whole, self.errands.append)
        for commit in before:
            self.audits.committed(commit)
        self.started = time.monotonic()
        done = plan.n_restarts - sum(len(batch) for batch in remaining(store, plan))
        self.progress = Progress(plan.n_restarts, done, done)
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
        whole = Batch(first.batch.group, first.start, last.stop)
        if len(sent.pieces) == 1:
            return self._whole(whole, sent.kind)
        sizes = [piece.stop - piece.start for piece in sent.pieces]
        return train_batches, (self._task(whole, sent.kind), sizes)

    def _whole(self, batch: Batch, device: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return train_batch, (self._task(batch, device),)

    def _task(self, batch: Batch, device: str) -> Task:
        segments = self.plan.segments(batch)
        seed, engine = self.plan.experiment.seed, self.plan.engine
        return Task(segments, seed, engine, self.plan.n_curves, device)

    def allowed_s(self, sent: Sent, worker: str | None) -> float:
        """Return how long a task may take."""
        first, last = sent.pieces[0], sent.pieces[-1]
        which = (sent.kind, first.batch.group)
        if which not in self.bounds:
            group = self.plan.groups[first.batch.group].configurations
            self.bounds[which] = (
                group[0].signature(sent.kind).n_lanes,
                max(c.settings.training.max_steps for c in group),
                max(c.step_s for c in group),
            )
        lanes, max_steps, step_s = self.bounds[which]
        # lanes that are not filled are computed all the same
        most = lanes * -(-(last.stop - first.start) // lanes) * max_steps
        return self.deadlines.allowed_s(which, most, most * step_s, worker)

    def prepare(self) -> None:
        """Compare workers that have joined, before their work is taken; count what has failed."""
        failed = self.failed_before + self.dispatcher.n_failed
        if self.care.max_failures is not None and failed > self.care.max_failures:
            last = self.dispatcher.last_failure
            message = (
                f"{printable(str(self.store.path))}: {failed:,} restarts have failed"
                f"{f' (the last with {shown(last.reason)})' if last else ''}; expected at most "
                f"{self.care.max_failures:,} (--max-failures). What is committed stays; the same "
                "command with more of them goes on."
            )
            raise FailuresError(message)
        if not self.care.canary:
            return
        present = self.slots.present
        self.canaries.forget(present)
        for worker in [worker for worker in self.doubtful if worker not in present]:
            self._drop(worker)
        upcoming = self.dispatcher.upcoming
        self.group = upcoming.group if upcoming else self.group
        for kind in self.slots.kinds:
            there = self.slots.fit(kind)
            if not self.dispatcher.waiting:  # nobody new is needed
                there = [a for a in there if a in self.canaries.believed or a in self.doubtful]
            for worker in self.canaries.ask(there, (kind, self.group)):
                self.errands.insert(0, self._canary(worker, kind))
        for worker in [worker for worker in self.doubtful if worker in self.canaries.believed]:
            for sent, answer in self.doubtful.pop(worker):
                self._take(sent, answer)

    def _canary(self, worker: str, device: str) -> Canary:
        batch = Batch(self.group, 0, min(_CANARY_RESTARTS, self.plan.experiment.restarts))
        task = self._task(batch, device)
        segments = tuple(
            replace(segment, configuration=segment.configuration.shortened(_CANARY_STEPS))
            for segment in task.segments
        )
        call = train_batch, (replace(task, segments=segments, n_curves=0),)
        return Canary(worker, (device, self.group), batch, call, self.canaries, self._differ)

    def _differ(self, differences: list[Difference]) -> None:
        """Send workers away that compute other bits than the first one."""
        for found in differences:
            reason = (
                f"it computes other bits than {found.reference}: a small batch has SHA-256 "
                f"{found.sha256[:16]}, not {found.expected[:16]}"
            )
            self.slots.send_away(found.worker, reason)
            self._drop(found.worker)

    def _drop(self, worker: str) -> None:
        """Have done again what a worker has done that is not to be believed."""
        for sent, _ in self.doubtful.pop(worker, []):
            self._lost(sent)

    def take(self, sent: Sent, answer: Answer) -> None:
        """Take what was trained, at once if its worker was found to compute as others do."""
        if answer.worker in self.canaries.different:
            self._lost(sent)
        elif self.care.canary and answer.worker not in self.canaries.believed:
            self.doubtful.setdefault(answer.worker, []).append((sent, answer))
        else:
            self._take(sent, answer)

    def _take(self, sent: Sent, answer: Answer) -> None:
        """Note and commit what was trained."""
        result: Trained | list[Trained] = answer.result
        parts = result if isinstance(result, list) else [result]
        self.deadlines.note(
            (sent.kind, sent.pieces[0].batch.group),
            answer.worker,
            work=sum(part.telemetry["lane_steps"] for part in parts),
            train_s=sum(part.telemetry["train_s"] for part in parts),
            compile_s=sum(part.telemetry["compile_s"] for part in parts),
        )
        for piece, trained in zip(sent.pieces, parts, strict=True):
            self._note(piece, trained, answer.worker)
            self._completed(self.dispatcher.succeeded(piece, trained.shard))

    def _failed(self, sent: Sent, answer: Answer) -> None:
        self._note_device(sent)
        super()._failed(sent, answer)

    def _killed(self, sent: Sent) -> None:
        self._note_device(sent)
        super()._killed(sent)

    def _note_device(self, sent: Sent) -> None:
        if sent.errand is None:
            for piece in sent.pieces:
                self.devices.setdefault(piece.batch, set()).add(sent.kind)

    def complete(self, complete: Complete) -> None:
        """Commit a batch."""
        batch = complete.batch
        if complete.shards:
            shard = join(complete.shards)
        else:
            segment = self.plan.segments(batch)[0]
            shard = encode(shard_schema(segment.configuration.signature()).empty_table())
        rows = len(batch) - len(complete.failures)
        device = "+".join(sorted(self.devices.pop(batch)))
        commit = self.store.commit(batch, shard, rows, complete.failures, device)
        self.progress.done += len(batch)
        self.progress.failed += len(complete.failures)
        self.audits.committed(commit, self.trained_by.pop(batch, ()))

    def _note(self, piece: Piece, trained: Trained, worker: str) -> None:
        """Keep what a piece's training tells of speed and success."""
        telemetry = trained.telemetry
        self.devices.setdefault(piece.batch, set()).add(telemetry["device"])
        self.trained_by.setdefault(piece.batch, set()).add(worker)
        self.store.record(
            {"start": piece.start, "stop": piece.stop, "group": piece.batch.group, "worker": worker}
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
