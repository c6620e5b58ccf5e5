"""Analyse a study: curvature, classes of endpoints, barriers and verdicts, as tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from runner.cluster.options import ClusterKeywords, ClusterOptions
from runner.errors.keywords import LooseKeywords, require_flags
from runner.experiment.content_hash import digest
from runner.landscape import table_files
from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.checkpoints import Checkpoints
from runner.landscape.class_tables import class_tables, classify
from runner.landscape.endpoint_pairs import (
    choose_pairs,
    kept_paths,
    known_paths,
    new_pairs,
    pair_stage,
    read_paths,
)
from runner.landscape.endpoint_sample import (
    endpoint_stage,
    kept_endpoints,
    known_endpoints,
    new_endpoints,
    read_inspected,
    read_samples,
)
from runner.landscape.inspections import Inspections
from runner.landscape.options import AnalysisKeywords, AnalysisOptions
from runner.landscape.progress import AnalysisProgressCallback
from runner.landscape.stage import Stage, stages
from runner.landscape.verdict_tables import verdict_tables
from runner.study.objects.url_copy import changeable
from runner.study.store import Store
from runner.study.study import Study


class AnalyzeKeywords(AnalysisKeywords, ClusterKeywords, total=False):
    """The loose keywords of `analyze`."""


def analyze(
    study: Study | str | Path,
    client: Any = None,
    *,
    trust_model: bool = False,
    report: AnalysisProgressCallback | None = None,
    analysis: AnalysisOptions | None = None,
    cluster: ClusterOptions | None = None,
    **options: Unpack[AnalyzeKeywords],
) -> Study:
    """Add the tables of the landscape to a study's folder.

    Parameters
    ----------
    study : Study, str or Path
        Finished or not; what is committed is analysed. The URL of a study in an object store is
        one too: its copy on this machine is analysed, and pushed.
    client : distributed.Client, optional
        Where to run; by default what ``cluster`` says.
    trust_model : bool
        Whether the study's own model may be executed, where it has one.
    report : callable, optional
        Called with an `AnalysisProgress` now and then.
    analysis : AnalysisOptions, optional
        How many endpoints and pairs to analyse, and which tolerances to use.
    cluster : ClusterOptions, optional
        Which scheduler or how many processes of this machine, and which kind of device.
    **options
        Fields of `AnalysisOptions` (``endpoints``, ``pairs``, ...) and of `ClusterOptions`
        (``scheduler``, ``scheduler_file``, ``workers``, ``device``, ``wait_s``, ``insecure``), in
        place of these objects.

    Returns
    -------
    Study
        Opened anew, with the tables `curvature`, `classes`, `minima`, `unseen`, `barriers` and
        `verdicts`.

    Raises
    ------
    ExperimentError
        If an option is unknown or out of range, or the study has a model and ``trust_model`` is
        false.
    StudyError
        If there is no study, it is damaged, or its folder is in use.
    ClusterError
        If there is nothing to run on, or it is lost on the way.

    Notes
    -----
    An interrupted analysis continues from its checkpoints, and one whose tables are up to date is
    not repeated: see `runner.landscape.checkpoints.Checkpoints`. Of a study that has grown only the
    new restarts are inspected: see `runner.landscape.inspections`.

    Examples
    --------
    More pairs than by default, on four processes of this machine:

    >>> import runner
    >>> study = runner.analyze("results/gates", pairs=1000, workers=4)  # doctest: +SKIP
    >>> study.verdicts  # doctest: +SKIP
    """
    keywords = LooseKeywords(
        "runner.analyze", analyze, options, analysis=AnalysisOptions, cluster=ClusterOptions
    )
    require_flags("runner.analyze", trust_model=trust_model)
    analysis = keywords.collected("analysis", AnalysisOptions, analysis)
    cluster = keywords.collected("cluster", ClusterOptions, cluster)
    path = study.path if isinstance(study, Study) else study
    with changeable(path, required=True) as folder:
        return _analysed(Store(folder), client, analysis, cluster, report or _ignore, trust_model)


def _analysed(
    store: Store,
    client: Any,
    analysis: AnalysisOptions,
    cluster: ClusterOptions,
    report: AnalysisProgressCallback,
    trust_model: bool,
) -> Study:
    """Write the tables; return the study, opened anew."""
    sweep = Study(store.path).plan.trusting(trust_model)
    with store.locked() as lock:
        plan = AnalysisPlan(Study(store.path), sweep, analysis)

        @cache
        def inspections(device: str) -> Inspections:
            return Inspections(store, lock, plan, device)

        def checkpoints_of(device: str) -> Checkpoints:
            # which batches there are depends on what is kept
            return Checkpoints(store, lock, digest([plan.key(device), inspections(device).state]))

        if not table_files.up_to_date(store, plan, cluster.device):
            with stages(client, cluster, plan.engine, checkpoints_of, report) as run:
                tables = _tables(plan, run.checkpoints, inspections(run.kind), run)
            table_files.write(store, lock, plan, run.kind, tables)
        checkpoints_of("cpu").remove()  # which are all, of whatever device
    return Study(store.path)


def _tables(
    plan: AnalysisPlan,
    checkpoints: Checkpoints,
    inspections: Inspections,
    run: Callable[[Stage], None],
) -> dict[str, pd.DataFrame]:
    """Return the tables of an analysis, by name; ``run`` has a stage done on the cluster."""
    samples = read_samples(plan)
    known = known_endpoints(samples, inspections)
    stage = endpoint_stage(plan, new_endpoints(samples, known))
    run(stage)
    inspected = read_inspected(samples, known, stage, checkpoints)
    del samples, known, stage  # all of it is in the frames: of a million endpoints a quarter GiB
    classified = classify(plan, inspected)
    pairs = choose_pairs(plan, classified)
    walked = known_paths(pairs, inspections)
    stage = pair_stage(plan, inspected, new_pairs(pairs, walked))
    run(stage)
    paths = read_paths(pairs, walked, stage, checkpoints)
    inspections.keep([*kept_endpoints(plan, inspected), *kept_paths(paths)])
    return dict(class_tables(plan, classified)) | dict(verdict_tables(plan, classified, paths))


def _ignore(_: object) -> None:
    """Report progress to nobody."""
