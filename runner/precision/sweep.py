"""Sweep an experiment into a study, whole or until it is precise; continue one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from runner.cluster.connections import Connections
from runner.cluster.options import ClusterKeywords, ClusterOptions
from runner.dispatch.fault_policy import FaultKeywords, FaultPolicy
from runner.dispatch.progress import ProgressCallback
from runner.dispatch.sweep import train, try_models
from runner.engines.registry import check
from runner.errors import StudyError
from runner.errors.keywords import LooseKeywords, require_flags
from runner.errors.paths import require_place
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Plan
from runner.precision.until import Until, UntilKeywords
from runner.study.objects.url_copy import Workplace, readable, workplace
from runner.study.store import Store

if TYPE_CHECKING:
    from runner.study.study import Study


class SweepKeywords(ClusterKeywords, FaultKeywords, UntilKeywords, total=False):
    """Fields of `ClusterOptions`, `FaultPolicy` and `Until` as loose keywords of `sweep`."""


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
    progress: bool | None = None,
    cluster: ClusterOptions | None = None,
    faults: FaultPolicy | None = None,
    until: Until | None = None,
    **options: Unpack[SweepKeywords],
) -> Study:
    """Train every restart of an experiment and return the study.

    Parameters
    ----------
    experiment : Experiment, mapping, str or Path
        An experiment, its content, or its TOML file.
    out : str or Path, optional
        The study's folder; by default ``results/<name>``. A finished study is returned as it is,
        an interrupted one continues where it stopped. Or a URL such as ``s3://bucket/gates``:
        the study is then made in a copy on this machine, and pushed; what workers have written
        there (``shared``) comes into the copy when the study is first read.
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
        Called with a `Progress` now and then, in place of what ``progress`` shows.
    progress : bool, optional
        Whether progress is shown: by default in a notebook and where standard error is a terminal.
        True shows it elsewhere too, as a line now and then; False shows nothing.
    cluster : ClusterOptions, optional
        Which scheduler or how many processes of this machine, and which kind of device.
    faults : FaultPolicy, optional
        What to do about restarts that fail or hang, and about workers that err.
    until : Until, optional
        How precise the study is to be: it then grows in rounds, in which each configuration gets
        what it needs, up to the experiment's ``restarts``. By default all of these are trained.
    **options
        Fields of `ClusterOptions` (``scheduler``, ``scheduler_file``, ``workers``, ``device``,
        ``wait_s``, ``insecure``, ``shared``), of `FaultPolicy` (``deadline_s``, ``max_failures``,
        ``audit``, ``canary``) and of `Until` (``success_rate``, ``difference``, ``classes``,
        ``for_s``), in place of these objects.

    Returns
    -------
    Study

    Raises
    ------
    ExperimentError
        If the experiment is wrong, or an option unknown or out of range, or a model is wrong or
        not trusted.
    StudyError
        If ``out`` is a URI of no object store, holds another experiment's study or is in use, or
        an audit finds other bits.
    ClusterError
        If there is nothing to run on, it runs other versions, or it is lost on the way.
    FailuresError
        If more than ``max_failures`` restarts have failed.

    Notes
    -----
    The bytes of every shard are the same for any number of workers and any order of completion,
    interrupted or not, with the same versions, and on the same kind of device where JAX trains.
    That holds for the rounds of ``until`` too, but for those that a time has ended.

    Examples
    --------
    Four processes of this machine, in both ways to say it:

    >>> import runner
    >>> study = runner.sweep("experiments/gates.toml", workers=4)  # doctest: +SKIP
    >>> four = runner.ClusterOptions(workers=4)
    >>> study = runner.sweep("experiments/gates.toml", cluster=four)  # doctest: +SKIP

    Until every share of solved restarts is known within a point:

    >>> point = runner.Until(success_rate=0.01)
    >>> study = runner.sweep("experiments/gates.toml", until=point)  # doctest: +SKIP
    """
    keywords = LooseKeywords(
        "runner.sweep", sweep, options, cluster=ClusterOptions, faults=FaultPolicy, until=Until
    )
    require_flags("runner.sweep", overwrite=overwrite, trust_model=trust_model)
    cluster = keywords.collected("cluster", ClusterOptions, cluster)
    faults = keywords.collected("faults", FaultPolicy, faults)
    until = keywords.collected("until", Until, until)
    require_place(out or "", StudyError)
    if not isinstance(experiment, Experiment):
        experiment = load_experiment(experiment)
    check(engine)
    plan = Plan(experiment, engine, batch_size, until=until.asked).trusting(trust_model)
    place = out or Path("results") / experiment.name
    with (
        workplace(place, overwrite=overwrite) as working,
        Connections(cluster, client) as connections,
        _shown(plan, progress, report) as report,
    ):
        store = Store(working.path)
        asked = store, plan, until, connections, faults, report
        sweep_plan(*asked, overwrite=overwrite, place=working)
    # not before: pandas takes as long to load as a kept function to start training
    from runner.study.study import Study

    # what workers have written into a store comes here when it is first read
    return Study(store.path, before=partial(readable, place) if store.waiting() else None)


def sweep_plan(
    store: Store,
    plan: Plan,
    until: Until,
    connections: Connections,
    faults: FaultPolicy,
    report: ProgressCallback | None = None,
    *,
    overwrite: bool = False,
    place: Workplace | None = None,
) -> None:
    """Train a plan into a study, as `sweep` does; what reads studies is loaded for ``until`` alone.

    Parameters
    ----------
    store : Store
    plan : Plan
        Its models are trusted, if it has any.
    until : Until
        How precise the study is to be, as the plan says too.
    connections, faults, report, overwrite
        As for `runner.dispatch.sweep.train`.
    place : Workplace, optional
        Whose folder the store is, if that is a copy.

    Raises
    ------
    RunnerError
        As `sweep` does.
    """
    try_models(plan)
    place = place or Workplace(store.path)
    if not until.asked:
        how = connections, faults, report
        train(store, plan, *how, overwrite=overwrite, stored=place.stored)
        return
    from runner.precision.rounds import Rounds

    Rounds(place, plan, until, connections, faults, report).run(overwrite)


def _shown(
    plan: Plan, progress: bool | None, report: ProgressCallback | None
) -> AbstractContextManager[ProgressCallback | None]:
    """Return the callback that shows progress, unless the caller has one or wants none."""
    terminal = sys.stderr is not None and sys.stderr.isatty()  # None: closed, as by `2>&-`
    seen = progress or terminal or "IPython" in sys.modules
    if report is not None or progress is False or not seen:
        return nullcontext(report)
    from runner.display.automatic_progress import automatic_progress

    return automatic_progress(plan, bool(progress))
