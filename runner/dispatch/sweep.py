"""Sweep an experiment into a study, or go on with one, or mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.cluster.client import open_client
from runner.cluster.slots import Slots
from runner.dispatch.audits import unaudited
from runner.dispatch.care import Care
from runner.dispatch.progress import Report
from runner.dispatch.trainer import Trainer
from runner.engines.devices import JAX_ENGINES, KINDS
from runner.engines.registry import check, may_compute_with_jax, try_out
from runner.errors import ClusterError, StudyError
from runner.errors.messages import printable
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Batch, Plan
from runner.study import damage
from runner.study.store import Store

if TYPE_CHECKING:
    from runner.study.tables import Study


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
        A key of `runner.engines.registry.ENGINES`.
    scheduler, scheduler_file, workers, insecure
        See `runner.cluster.client.open_client`.
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
        by default a rule of what others have taken, see `runner.dispatch.deadlines.Deadlines`.
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
        _prepare(store, plan, overwrite, device)
        if device == "auto" and store.has_other_jax():
            # On a GPU another JAX than the study records would train: its CPU code goes on without.
            device = "cpu"
        parts = _by_device(store, store.remaining(plan), device)
        if not parts and unaudited(store, plan, care.audit):
            parts = [(device, [])]
        for kind, left in parts:
            opened: AbstractContextManager[Any] = (
                nullcontext(client)
                if client is not None
                else open_client(wait_s=wait_s, device=kind, **where)
            )
            with (
                opened as connected,
                closing(Slots(connected, kind, wait_s, partial(_cpus_need_jax, plan))) as slots,
            ):
                slots.check()
                Trainer(store, plan, slots, left, care, report).finish()
    # not before: pandas takes as long to load as a kept function to start training
    from runner.study.tables import Study

    return Study(store.path)


def is_finished(folder: str | Path) -> bool:
    """Whether a folder has a study of which nothing is left to train.

    Raises
    ------
    StudyError
        If there is a study, and its plan or its log is damaged.
    """
    store = Store(folder)
    return store.exists and not store.remaining(store.read_plan()[0])


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

    Raises
    ------
    ExperimentError
        If a user's own model is not trusted.
    StudyError
        If there is no study, it is in use, or other versions than these trained what is damaged.
    ClusterError
        As for `sweep`.
    """
    store = Store(path)
    plan = store.read_plan()[0].trusting(trust_model)
    with store.locked(reading=False), store.writing():
        found = damage.find(store, plan)
        differences = store.differences(plan) if damage.costs_batches(store, plan, found) else []
        if differences:
            message = (
                f"{printable(str(store.path))}: what is damaged cannot be trained again to the "
                f"same bytes here: {'; '.join(differences)}. Nothing was moved. Repair it in an "
                "environment of the versions that trained it."
            )
            raise StudyError(message)
        damage.repair(store, plan, found)
    if store.remaining(plan):
        _sweep(store, plan, Care(), overwrite=False, **options)
    return found


def _cpus_need_jax(plan: Plan) -> bool:
    """Return whether JAX may decide what workers on CPUs train."""
    signatures = (group.configurations[0].signature() for group in plan.groups)
    return any(may_compute_with_jax(plan.engine, "cpu", signature) for signature in signatures)


def _prepare(store: Store, plan: Plan, overwrite: bool, device: str) -> None:
    """Make the folder ready for this plan, or say why it is not."""
    if overwrite:
        store.clear()
    if not store.exists:
        store.create(plan)
    differences = store.differences(plan, "cpu" if device == "auto" else device)
    if differences:
        where = printable(str(store.path))
        message = (
            f"{where}: the study there is not of this experiment as it is run now: "
            f"{'; '.join(differences)}. Choose another folder with --out, or replace the study "
            "with --overwrite."
        )
        raise StudyError(message)
