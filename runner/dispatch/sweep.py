"""Sweep an experiment into a study, continue one, or repair one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from runner.cluster.client import open_client
from runner.cluster.options import ClusterKeywords, ClusterOptions
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.audits import unaudited
from runner.dispatch.fault_policy import FaultKeywords, FaultPolicy
from runner.dispatch.progress import ProgressCallback
from runner.dispatch.task_handler import RunState
from runner.dispatch.task_loop import TaskLoop
from runner.dispatch.time_left import each_group_first
from runner.dispatch.training_run import TrainingRun
from runner.engines.devices import JAX_ENGINES, KINDS
from runner.engines.registry import check, may_compute_with_jax, try_out
from runner.errors import ClusterError, StudyError
from runner.errors.keywords import LooseKeywords
from runner.errors.messages import printable
from runner.errors.paths import local_path
from runner.experiment.batches import Batch
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Plan
from runner.study import damage
from runner.study.growth import of_other_code, planned
from runner.study.store import Store
from runner.study.writer import Writer

if TYPE_CHECKING:
    from runner.study.study import Study


class SweepKeywords(ClusterKeywords, FaultKeywords, total=False):
    """Fields of `ClusterOptions` and `FaultPolicy` as loose keywords of `sweep`."""


class RepairKeywords(ClusterKeywords, total=False):
    """Fields of `ClusterOptions` as loose keywords of `repair`."""


def sweep(
    experiment: Experiment | Mapping[str, Any] | str | Path,
    out: str | Path | None = None,
    client: Any = None,
    *,
    engine: str = "pytensor",
    batch_size: int | None = None,
    overwrite: bool = False,
    trust_model: bool = False,
    report: ProgressCallback | None = None,
    cluster: ClusterOptions | None = None,
    faults: FaultPolicy | None = None,
    **options: Unpack[SweepKeywords],
) -> Study:
    """Train every restart of an experiment and return the study.

    Parameters
    ----------
    experiment : Experiment, mapping, str or Path
        An experiment, its content, or its TOML file.
    out : str or Path, optional
        The study's folder; by default ``results/<name>``. A finished study is returned as it is,
        an interrupted one continues where it stopped.
    client : distributed.Client, optional
        Where to run; by default what ``cluster`` says.
    engine : str
        A key of `runner.engines.registry.ENGINES`.
    batch_size : int, optional
        Restarts per task and shard; by default a rule of the experiment alone.
    overwrite : bool
        Whether to remove what another experiment has left in ``out``.
    trust_model : bool
        Whether a ``network.model`` may be executed, here and on the workers.
    report : callable, optional
        Called with a `Progress` now and then.
    cluster : ClusterOptions, optional
        Which scheduler or how many processes of this machine, and which kind of device.
    faults : FaultPolicy, optional
        What to do about restarts that fail or hang, and about workers that err.
    **options
        Fields of `ClusterOptions` (``scheduler``, ``scheduler_file``, ``workers``, ``device``,
        ``wait_s``, ``insecure``) and of `FaultPolicy` (``deadline_s``, ``max_failures``,
        ``audit``, ``canary``), in place of these objects.

    Returns
    -------
    Study

    Raises
    ------
    ExperimentError
        If the experiment is wrong, or an option unknown or out of range, or a model is wrong or
        not trusted.
    StudyError
        If ``out`` is a URI, holds another experiment's study or is in use, or an audit finds
        other bits.
    ClusterError
        If there is nothing to run on, it runs other versions, or it is lost on the way.
    FailuresError
        If more than ``max_failures`` restarts have failed.

    Notes
    -----
    The bytes of every shard are the same for any number of workers and any order of completion,
    interrupted or not, on the same kind of device with the same versions.

    Examples
    --------
    Four processes of this machine, in both ways to say it:

    >>> import runner
    >>> study = runner.sweep("experiments/gates.toml", workers=4)  # doctest: +SKIP
    >>> four = runner.ClusterOptions(workers=4)
    >>> study = runner.sweep("experiments/gates.toml", cluster=four)  # doctest: +SKIP
    """
    keywords = LooseKeywords(
        "runner.sweep", sweep, options, cluster=ClusterOptions, faults=FaultPolicy
    )
    cluster = keywords.collected("cluster", ClusterOptions, cluster)
    faults = keywords.collected("faults", FaultPolicy, faults)
    folder = local_path(out, StudyError) if out else None
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment)
    check(engine)
    plan = Plan(experiment, engine, batch_size).trusting(trust_model)
    _try_models(plan)
    store = Store(folder or Path("results") / experiment.name)
    return _sweep(store, plan, client, cluster, faults, report, overwrite=overwrite)


def _sweep(
    store: Store,
    plan: Plan,
    client: Any,
    cluster: ClusterOptions,
    faults: FaultPolicy,
    report: ProgressCallback | None,
    *,
    overwrite: bool = False,
) -> Study:
    device = _devices_of(plan, cluster)
    with store.writer() as writer:
        plan = prepared(store, writer, plan, overwrite, device_of(plan, cluster))
        if device == "auto" and store.has_other_jax():
            # A GPU would train with another JAX than the study records; CPUs train without.
            device = "cpu"
        parts = _by_device(store, store.remaining(plan), device)
        if not parts and unaudited(store, plan, faults.audit):
            parts = [(device, [])]
        if parts:
            store.require_current_form()
        if parts and (reason := store.other_source()):
            raise of_other_code(store, reason)
        for kind, left in parts:
            opened: AbstractContextManager[Any] = (
                nullcontext(client)
                if client is not None
                else open_client(replace(cluster, device=kind))
            )
            cpus_need_jax = partial(_cpus_need_jax, plan)
            in_order = each_group_first(left)
            with (
                opened as connected,
                closing(WorkerPool(connected, kind, cluster.wait_s, cpus_need_jax)) as pool,
            ):
                pool.check()
                handler = TrainingRun(store, writer, plan, in_order, faults, report)
                TaskLoop(RunState.of(pool, in_order), handler).finish()
    # not before: pandas takes as long to load as a kept function to start training
    from runner.study.study import Study

    return Study(store.path)


def _devices_of(plan: Plan, cluster: ClusterOptions) -> str:
    """Return ``cpu``, ``gpu`` or ``auto``: what the plan's engine may compute on."""
    if plan.engine in JAX_ENGINES:
        return cluster.device
    if cluster.device == "gpu":
        message = f"--device is 'gpu', but --engine {plan.engine} computes on CPUs only."
        raise ClusterError(message)
    return "cpu"


def device_of(plan: Plan, cluster: ClusterOptions) -> str:
    """Return the kind of device that is sure to train a plan, ``cpu`` if that is open."""
    device = _devices_of(plan, cluster)
    return "cpu" if device == "auto" else device


def _try_models(plan: Plan) -> None:
    """Find the mistakes of custom models before any work is sent."""
    for group in plan.groups:
        first = group.configurations[0]
        if first.architecture.executes_file:
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
    cluster = keywords.collected("cluster", ClusterOptions, cluster)
    store = Store(path)
    plan = store.read_plan()[0].trusting(trust_model)
    with store.locked() as lock, store.writing():
        found = damage.find(store, plan)
        differences = []
        if damage.costs_batches(store, plan, found):
            differences = store.differences(plan) + list(filter(None, [store.other_source()]))
        if differences:
            message = (
                f"{printable(str(store.path))}: what is damaged cannot be trained again to the "
                f"same bytes here: {'; '.join(differences)}. Nothing was moved. Repair it with "
                "the versions and the code that trained it."
            )
            raise StudyError(message)
        damage.repair(store, lock, plan, found)
    if store.remaining(plan):
        _sweep(store, plan, client, cluster, FaultPolicy(), report)
    return found


def _cpus_need_jax(plan: Plan) -> bool:
    """Return whether JAX may decide what workers on CPUs train."""
    signatures = (group.configurations[0].signature() for group in plan.groups)
    return any(may_compute_with_jax(plan.engine, "cpu", signature) for signature in signatures)


def prepared(store: Store, writer: Writer, asked: Plan, overwrite: bool, device: str) -> Plan:
    """Make the folder ready for what is asked for, or say why it is not; return its whole plan."""
    if overwrite:
        writer.clear()
    if not store.exists:
        writer.create(asked)
    plan = planned(store, asked, device)
    if len(plan.rounds) > store.n_rounds:
        writer.grow(plan)
    writer.describe(plan)
    return plan
