"""Sweeps, analyses and maps as commands run them: with progress, a summary, and the report."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from runner.cli import interruption
from runner.cli.console import err_console, print_message, print_result, print_table
from runner.errors.messages import counted

if TYPE_CHECKING:
    from runner.cluster.options import ClusterOptions
    from runner.dispatch.fault_policy import FaultPolicy
    from runner.experiment.plan import Plan
    from runner.mapping.options import MapOptions
    from runner.mapping.progress import MapProgress
    from runner.precision.until import Until
    from runner.study.contents import StudyContents
    from runner.study.objects.url_copy import Workplace
    from runner.study.study import Study

FAILURES = 5
"""Exit code of a sweep that is done, but for restarts that could not be trained."""


def run_sweep(
    plan: Plan,
    place: Workplace,
    cluster: ClusterOptions,
    faults: FaultPolicy,
    until: Until | None = None,
    *,
    trust_model: bool,
    overwrite: bool,
    quiet: bool,
    report: bool,
) -> None:
    """Sweep a plan, print the summary, and write the report if asked to.

    Raises
    ------
    typer.Exit
        With `FAILURES`, if restarts could not be trained.
    """
    from runner.cluster.addresses import is_embedded
    from runner.cluster.fork_server import start_fork_server
    from runner.engines.compile_times import compile_note
    from runner.experiment.plan_notes import plan_notes
    from runner.study.store import Store

    folder = place.path
    whole, grows, finished = plan, False, False
    rounds = until is not None and until.asked
    if not overwrite and not rounds:
        whole, grows, finished = whole_plan(plan, folder, cluster)
    if not quiet:
        size = f"{counted(len(plan.configurations), 'configuration')} × "
        size += "up to " if rounds else ""
        size += counted(plan.experiment.restarts, "restart")
        print_message(f"{plan.experiment.name}: {size}, into {folder}")
        if grows:
            from runner.study.growth import added_text

            print_message(f"{folder} {added_text(whole)}", wrap=True)
        for note in plan_notes(plan.configurations):
            print_message(note, wrap=True)
        slow = compile_note(plan.engine, len(whole.rounds[-1].groups))
        if slow and not finished:
            print_message(slow, wrap=True)
    if not finished and is_embedded(cluster):
        # Workers are forked from a fork of this process, so what both need is loaded before.
        import runner.precision.sweep  # noqa: F401

        # What analyses loads pandas, by pyarrow; what trains does not.
        analyses = report or (until is not None and until.classes is not None)
        others = ["pandas"] if analyses else []
        interruption.remove_when_interrupted(start_fork_server(*others))
    plan = plan.trusting(trust_model)
    _sweep(plan, whole, place, cluster, faults, until, overwrite, quiet)
    if not quiet or report:
        place.bring_in()
    if not quiet:
        from runner.study.contents import StudyContents

        study = StudyContents(folder)
        if finished:
            print_result("Already finished: nothing was left to do.\n")
        print_summary(study)
        line = f'import runner; study = runner.open_study("{study.path.as_posix()}")'
        print_result(f"\nIn Python:\n  {line}")
        if faults.audit:
            print_result(f"\n{audit_text(study)}", wrap=True)
    if report:
        analysed = run_analysis(folder, cluster, trust_model=trust_model, quiet=quiet)
        from runner.report.writer import write_report

        path = write_report(analysed)
        if not quiet:
            print_result(f"report: {path}")
    if n_failed := sum(len(commit.failures) for commit in Store(folder).all_commits()):
        print_message(f"{counted(n_failed, 'restart')} could not be trained: see study.failures.")
        raise typer.Exit(FAILURES)


def run_analysis(
    folder: Path,
    cluster: ClusterOptions,
    *,
    trust_model: bool,
    quiet: bool,
    endpoints: int | None = None,
) -> Study:
    """Analyse a study; by default the usual number of endpoints."""
    from runner.display.progress import shown_analysis
    from runner.landscape.analysis import analyze
    from runner.landscape.options import AnalysisOptions

    with interruption.resumable(folder), shown_analysis(err_console, quiet) as report:
        return analyze(
            folder,
            analysis=AnalysisOptions(endpoints=endpoints) if endpoints else None,
            cluster=cluster,
            trust_model=trust_model,
            report=report,
        )


def run_map(
    folder: Path,
    cluster: ClusterOptions,
    options: MapOptions,
    for_s: float | None,
    *,
    trust_model: bool,
    overwrite: bool,
    quiet: bool,
) -> Study:
    """Map the loss surfaces of a study; say what is searched for once there is anything to do."""
    from runner.display.progress import shown_map
    from runner.mapping.landscape_map import map_landscape
    from runner.mapping.sentences import opening, replaced_basins
    from runner.study.study import open_study

    there = open_study(folder)
    replaced = [] if quiet else list(replaced_basins(there, options.basin_side))
    texts = iter(()) if quiet else chain(opening(there, options), replaced)
    with interruption.resumable(folder), shown_map(err_console, quiet) as report:

        def told(progress: MapProgress) -> None:
            for text in texts:  # at the first call alone
                print_message(text, wrap=True)
            report(progress)

        study = map_landscape(
            folder,
            options=options,
            cluster=cluster,
            for_s=for_s,
            trust_model=trust_model,
            overwrite=overwrite,
            report=told,
        )
    if replaced and next(texts, None) is not None:  # to look at no basin is no work to report
        print_message(*replaced, wrap=True)
    return study


def print_summary(study: StudyContents) -> None:
    """Print a study's summary, a row per configuration; without pandas, which takes to load."""
    from runner.cli.printed_tables import summary_table
    from runner.study.statistics.base import STOPPED, some_stopped
    from runner.study.statistics.summary import none_solved_text, summary

    plan, axes = study.plan, list(study.experiment.axes)
    always, texts = None, []
    if plan.until:
        from runner.precision.outcome import outcomes
        from runner.study.study import Study

        whole = Study(study.path)
        always, texts = whole.precision, outcomes(whole)
    points = {axis: [c.point[axis] for c in plan.configurations] for axis in axes}
    columns = summary(plan, study.overview)
    print_table(summary_table(points | columns, axes, always))
    if text := none_solved_text(plan, columns):
        print_message(text, wrap=True)
    for text in texts:
        print_result(text, wrap=True)
    if some_stopped(plan, study.overview.tallies):
        print_message(STOPPED, wrap=True)


def audit_text(study: StudyContents) -> str:
    """Return how many batches were trained a second time, and where, as a sentence."""
    from runner.study.store import Store

    audits = Store(study.path).audits()
    alike = [audit for audit in audits if audit["alike"]]
    parts = [
        f"Audited: {len(alike):,} of {counted(study.plan.n_batches, 'batch', 'batches')} gave the "
        "same bits again"
    ]
    if same := sum(audit["other_worker"] is False for audit in alike):
        parts.append(f", {same:,} of them on the same worker, as there was no other")
    if unknown := sum(audit["other_worker"] is None for audit in alike):
        parts.append(f", {unknown:,} of them of an earlier run, whose original worker is unknown")
    if skipped := [audit for audit in audits if audit["alike"] is None]:
        parts.append(f"; {len(skipped):,} could not be audited: {skipped[-1]['reason']}")
    return f"{''.join(parts)}."


def whole_plan(plan: Plan, folder: Path, cluster: ClusterOptions) -> tuple[Plan, bool, bool]:
    """Return what the study is to do in all, whether that is more than before, and if it is done.

    Raises
    ------
    StudyError
        If the folder has a study to which the plan cannot be added, or that cannot go on here.
    """
    from runner.study.store import Store

    store = Store(folder)
    if not store.exists:
        return plan, False, False
    from runner.dispatch.sweep import device_of
    from runner.study.growth import planned, require_same_code

    whole = planned(store, plan, device_of(plan, cluster))
    grows = len(whole.rounds) > store.n_rounds
    left = store.remaining(whole)
    if left:
        require_same_code(store, whole)
    return whole, grows, not grows and not left


def _sweep(
    plan: Plan,
    whole: Plan,
    place: Workplace,
    cluster: ClusterOptions,
    faults: FaultPolicy,
    until: Until | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    from runner.cluster.connections import Connections
    from runner.display.progress import shown_progress
    from runner.precision.sweep import sweep_plan
    from runner.precision.until import Until
    from runner.study.store import Store

    with (
        interruption.resumable(place.path),
        Connections(cluster) as connections,
        shown_progress(err_console, whole, quiet) as report,
    ):
        sweep_plan(
            *(Store(place.path), plan, until or Until(), connections, faults, report),
            overwrite=overwrite,
            place=place,
        )
