"""Train what a study lacks, or repair it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from runner.cluster.addresses import is_embedded
from runner.cluster.connections import Connections
from runner.cluster.options import ClusterKeywords, ClusterOptions
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.fault_policy import FaultPolicy
from runner.dispatch.progress import ProgressCallback
from runner.dispatch.staged_training import SharesFolder
from runner.dispatch.stored_training import SharesStore, StoredResults
from runner.dispatch.tasks.handler import RunState
from runner.dispatch.tasks.loop import TaskLoop
from runner.dispatch.time_left.estimate import each_group_first
from runner.dispatch.training_run import TrainingRun
from runner.dispatch.verification.audits import unaudited
from runner.engines.devices import JAX_ENGINES, KINDS
from runner.engines.registry import may_compute_with_jax, try_out
from runner.errors import ClusterError, StudyError
from runner.errors.keywords import LooseKeywords, require_flags
from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study import damage
from runner.study.growth import planned, require_same_code
from runner.study.objects.url_copy import Workplace
from runner.study.objects.worker_shards import StoredShards
from runner.study.staging import Staging
from runner.study.store import Store
from runner.study.writer import Writer


class RepairKeywords(ClusterKeywords, total=False):
    """Fields of `ClusterOptions` as loose keywords of `repair`."""


def train(
    store: Store,
    plan: Plan,
    connections: Connections,
    faults: FaultPolicy,
    report: ProgressCallback | None = None,
    *,
    overwrite: bool = False,
    restarts: Sequence[int] | None = None,
    stored: StoredShards | None = None,
) -> None:
    """Train what a study lacks of a plan.

    Parameters
    ----------
    store : Store
    plan : Plan
        What is asked for; the study may have grown from another, see `runner.study.growth`.
    connections : Connections
        Where to run.
    faults, report, overwrite
        As for `runner.sweep`.
    restarts : sequence of int, optional
        Restarts of each configuration; by default the experiment's.
    stored : StoredShards, optional
        Of the object store that workers write into, if they do and the study is a copy.

    Raises
    ------
    RunnerError
        As `runner.sweep` does.
    """
    cluster = connections.cluster
    device = _devices_of(plan, cluster)
    with (
        store.writer() as writer,
        _nothing_left_of(store, writer),
        closing(_Pools(connections, writer, stored)) as pools,
    ):

        def connect() -> None:
            # for a new study, workers of its own start while that is written
            if store.exists or not is_embedded(cluster):
                pools.opened(device, plan)

        kind = device_of(plan, cluster)
        whole = prepared(store, writer, plan, overwrite, kind, restarts, connect)
        if device == "auto" and store.has_other_jax():
            # A GPU would train with another JAX than the study records; CPUs train without.
            device = "cpu"
        parts = _by_device(store, store.remaining(whole), device)
        if not parts and unaudited(store, whole, faults.audit):
            parts = [(device, [])]
        if parts:
            require_same_code(store, whole)
        for kind, left in parts:
            in_order = each_group_first(left)
            pool = pools.opened(kind, whole)
            by_workers = pools.staging, pools.stored
            handler = TrainingRun(store, writer, whole, in_order, faults, report, *by_workers)
            TaskLoop(RunState.of(pool, in_order), handler).finish()


class _Pools:
    """The worker pool of a training, inspected before it is used; one is open at a time.

    Parameters
    ----------
    connections : Connections
    writer : Writer
    shards : StoredShards, optional
        Of an object store that workers write into.
    """

    def __init__(
        self, connections: Connections, writer: Writer, shards: StoredShards | None
    ) -> None:
        self.staging: Staging | None = None
        self.stored: StoredResults | None = None
        self._shards = shards
        self._connections = connections
        self._writer = writer
        self._opened = ExitStack()
        self._pool: WorkerPool | None = None
        self._plan: Plan | None = None

    def opened(self, kind: str, plan: Plan) -> WorkerPool:
        """Return the workers of a kind of device; raises what `WorkerPool.check` does."""
        if self._pool is not None and self._pool.device == kind and self._serves(plan):
            return self._pool
        if self._pool is not None:
            self._pool.close()
        client, cluster = self._connections.client(kind), self._connections.cluster
        shares = self._shares() if cluster.shared else None
        asked = () if shares is None else (shares.require, shares.excuse)
        needs_jax = partial(_cpus_need_jax, plan)
        self._pool = WorkerPool(client, kind, cluster.wait_s, needs_jax, *asked)
        self._plan = plan
        self._pool.check()
        return self._pool

    def _shares(self) -> SharesFolder | SharesStore:
        """Have workers write shards themselves; return what asks one of them whether it can."""
        if self._shards is not None:
            if self.stored is None:
                self.stored = self._opened.enter_context(closing(StoredResults(self._shards)))
            return SharesStore(self.stored.place)
        if self.staging is None:
            self.staging = self._opened.enter_context(self._writer.staging())
        return SharesFolder(self.staging)

    def _serves(self, plan: Plan) -> bool:
        """Return whether the pool was inspected for all that a plan asks of workers."""
        inspected = self._plan
        return plan is inspected or (
            inspected is not None and _cpus_need_jax(inspected) >= _cpus_need_jax(plan)
        )

    def close(self) -> None:
        """Close the pool, and what workers share with the client."""
        if self._pool is not None:
            self._pool.close()
        self._opened.close()


@contextmanager
def _nothing_left_of(store: Store, writer: Writer) -> Iterator[None]:
    """Remove a study that was begun here, if no cluster was fit to train anything of it."""
    begun = not store.exists
    try:
        yield
    except ClusterError:
        if begun and store.exists and not store.all_commits():
            writer.clear()
        raise


def _devices_of(plan: Plan, cluster: ClusterOptions) -> str:
    """Return ``cpu``, ``gpu`` or ``auto``: what the plan's engine may compute on."""
    if plan.engine in JAX_ENGINES:
        return cluster.device
    if cluster.device == "gpu":
        message = (
            f"device (--device) is 'gpu', but engine (--engine) {plan.engine} computes on CPUs "
            "only."
        )
        raise ClusterError(message)
    return "cpu"


def device_of(plan: Plan, cluster: ClusterOptions) -> str:
    """Return the kind of device that is sure to train a plan, ``cpu`` if that is open."""
    device = _devices_of(plan, cluster)
    return "cpu" if device == "auto" else device


def try_models(plan: Plan) -> None:
    """Find the mistakes of custom models before any work is sent."""
    for group in plan.groups:
        first = group.configurations[0]
        if first.architecture.executes_file:
            try_out(plan.engine, first.signature())


def _by_device(store: Store, left: Iterable[Batch], device: str) -> list[tuple[str, list[Batch]]]:
    """Group what is left by the device it may be trained on.

    A batch that is in the log already, its shard gone, must become the same bytes again, so it
    goes to the kind of device that trained it then; what a kernel has trained goes to CPUs as well.
    """
    logged = {
        commit.batch: "cpu" if commit.programs and device == "cpu" else commit.device
        for commit in store.commits()
    }
    parts: dict[str, list[Batch]] = {}
    for batch in left:
        then = logged.get(batch)
        parts.setdefault(then if then in KINDS else device, []).append(batch)
    return list(parts.items())


def repair(
    path: str | Path,
    client: Any = None,
    *,
    trust_model: bool = False,
    report: ProgressCallback | None = None,
    cluster: ClusterOptions | None = None,
    **options: Unpack[RepairKeywords],
) -> list[damage.Damage]:
    """Move a study's damaged files to its quarantine and train what is missing again.

    Parameters
    ----------
    path : str or Path
        The study's folder.
    client, trust_model, report, cluster
        As for `sweep`.
    **options
        Fields of `ClusterOptions`, in place of ``cluster``.

    Returns
    -------
    list of Damage
        What was found. Afterwards the study is complete and as it would have been without.

    Raises
    ------
    ExperimentError
        If a custom model is not trusted, or an option is unknown.
    StudyError
        If there is no study, it is in use, or other versions than these trained what is damaged.
    ClusterError
        As for `sweep`.
    """
    keywords = LooseKeywords("repair", repair, options, cluster=ClusterOptions)
    require_flags("repair", trust_model=trust_model)
    cluster = keywords.collected("cluster", ClusterOptions, cluster)
    return repair_at(Workplace(Path(path)), cluster, client, report, trust_model=trust_model)


def repair_at(
    place: Workplace,
    cluster: ClusterOptions,
    client: Any = None,
    report: ProgressCallback | None = None,
    *,
    trust_model: bool = False,
) -> list[damage.Damage]:
    """Do as `repair`, also in the copy of a study whose home is an object store."""
    store = Store(place.path)
    plan = store.read_plan()[0].trusting(trust_model)
    with store.locked() as lock, store.writing():
        found = damage.find(store, plan)
        differences = []
        if damage.costs_batches(store, plan, found):
            differences = [*dict.fromkeys(store.differences(plan) + store.other_code(plan))]
        if differences:
            message = (
                f"{printable(str(store.path))}: what is damaged cannot be trained again to the "
                f"same bytes here: {'; '.join(differences)}. Nothing was moved. Repair it with "
                "the versions and the code that trained it."
            )
            raise StudyError(message)
        damage.repair(store, lock, plan, found)
    if store.remaining(plan):
        with Connections(cluster, client) as connections:
            train(store, plan, connections, FaultPolicy(), report, stored=place.stored)
        place.bring_in()
    return found


def _cpus_need_jax(plan: Plan) -> bool:
    """Return whether JAX may decide what workers on CPUs train."""
    signatures = (group.configurations[0].signature() for group in plan.groups)
    return any(may_compute_with_jax(plan.engine, "cpu", signature) for signature in signatures)


def prepared(
    store: Store,
    writer: Writer,
    asked: Plan,
    overwrite: bool,
    device: str,
    restarts: Sequence[int] | None = None,
    connect: Callable[[], None] = lambda: None,
) -> Plan:
    """Make the folder ready for what is asked for, or say why it is not; return its whole plan.

    ``connect`` is called before anything is written: what cannot be trained leaves nothing.
    """
    if overwrite or not store.exists:
        connect()
    if overwrite:
        writer.clear()
    if not store.exists:
        writer.create(asked)
        if restarts is None:
            return asked
    plan = planned(store, asked, device, restarts)
    if len(plan.rounds) > store.n_rounds:
        connect()
        writer.grow(plan)
    writer.describe(plan)
    return plan
