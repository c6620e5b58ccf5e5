"""``python -m runner sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.completion import complete_axis, complete_experiment
from runner.cli.console import print_message, print_result, teller
from runner.cli.options import (
    STUDY_PANEL,
    TRAINED_PANEL,
    Changes,
    Cluster,
    Faults,
    Overwrite,
    Precision,
    Quiet,
    TrustModel,
)
from runner.errors import StudyError
from runner.errors.paths import require_place

if TYPE_CHECKING:
    from runner.cluster.options import ClusterOptions
    from runner.experiment.plan import Plan

DEFAULT_EXPERIMENT = Path("experiments/gates.toml")


def sweep(
    *,
    experiment: Annotated[
        Path | None,
        typer.Argument(
            metavar="EXPERIMENT.toml",
            autocompletion=complete_experiment,
            help=f"Default: {DEFAULT_EXPERIMENT}, if need be the runner's own.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|URL",
            rich_help_panel=STUDY_PANEL,
            help="Folder or URL of the study.",
            show_default="results/NAME",
        ),
    ] = None,
    changes: Changes = None,
    axes: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="a.b=V1,V2",
            autocompletion=complete_axis,
            rich_help_panel=TRAINED_PANEL,
            help="Cross over values; can be repeated.",
        ),
    ] = None,
    restarts: Annotated[
        int | None,
        typer.Option(
            metavar="N", rich_help_panel=TRAINED_PANEL, help="Restarts per configuration."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", rich_help_panel=TRAINED_PANEL, help="Root seed.")
    ] = None,
    trust_model: TrustModel = False,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=TRAINED_PANEL,
            help="pytensor, pytensor-jax, pytensor-numba or theano.",
        ),
    ] = "pytensor",
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            rich_help_panel=TRAINED_PANEL,
            help="Restarts per task and shard.",
            show_default="by a rule",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report", metavar="", rich_help_panel=STUDY_PANEL, help="Analyse and report too."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Only print what would be done.")
    ] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    cluster: Cluster,
    faults: Faults,
    until: Precision,
) -> None:
    """Train every restart of an experiment; continue where an earlier run stopped.

    Examples
    --------
    python -m runner sweep experiments/width.toml --dry-run
    python -m runner sweep --grid init.scale=1,2 --out wide
    python -m runner sweep --until success_rate=0.01 --report
    """
    from runner.cluster.fork_server import stay_forkable

    stay_forkable()  # before NumPy is loaded
    from runner.cli.printed_plans import print_plan
    from runner.cli.runs import run_sweep, whole_plan
    from runner.engines.registry import check
    from runner.experiment.experiment import load_experiment, parse_axis, parse_change
    from runner.experiment.plan import Plan
    from runner.study.objects.url_copy import readable, workplace

    check(engine)
    require_place(out or "", StudyError)
    changed = dict(parse_change(text) for text in changes or [])
    changed |= {} if restarts is None else {"restarts": restarts}
    changed |= {} if seed is None else {"seed": seed}
    grid = dict(parse_axis(text) for text in axes or [])
    loaded = load_experiment(experiment or _default(quiet), changes=changed, grid=grid)
    plan = Plan(loaded, engine, batch_size, until=until.asked)
    place = out or Path("results") / loaded.name
    if dry_run:
        folder = readable(place, required=False)
    if dry_run and until.asked:
        _print_rounds(plan, folder, cluster, trust_model, overwrite)
        return
    if dry_run:
        whole = plan if overwrite else whole_plan(plan, folder, cluster)[0]
        print_plan(whole, folder, cluster, overwrite=overwrite)
        return
    with workplace(place, overwrite=overwrite, tell=teller(quiet)) as working:
        run_sweep(
            plan,
            working,
            cluster,
            faults,
            until,
            trust_model=trust_model,
            overwrite=overwrite,
            quiet=quiet,
            report=report,
        )


def _default(quiet: bool) -> Path:
    from runner.experiment.example_experiments import example_experiment

    own = None if DEFAULT_EXPERIMENT.exists() else example_experiment(DEFAULT_EXPERIMENT.name)
    if own is None:
        return DEFAULT_EXPERIMENT
    if not quiet:
        print_message(f"There is no {DEFAULT_EXPERIMENT} here; this is the runner's own, {own}")
    return own


def _print_rounds(
    plan: Plan, folder: Path, cluster: ClusterOptions, trust_model: bool, overwrite: bool
) -> None:
    """Print what a sweep until a study is precise would do next."""
    from runner.cli.printed_plans import print_plan
    from runner.cluster.connections import Connections
    from runner.dispatch.fault_policy import FaultPolicy
    from runner.precision.rounds import Rounds
    from runner.precision.until import Until
    from runner.study.objects.url_copy import Workplace
    from runner.study.store import Store

    with Connections(cluster) as connections:
        asked = (plan.trusting(trust_model), Until.stored(plan.until), connections, FaultPolicy())
        store = Store(folder)
        rounds = Rounds(Workplace(folder), *asked)
        if store.exists and not overwrite:
            rounds.as_stored()  # what a sweep refuses ends here too
        print_result(rounds.rule, wrap=True)
        try:
            upcoming = rounds.upcoming(overwrite)
        except StudyError as error:  # it would be analysed first
            print_message(str(error))
            upcoming = rounds.upcoming(overwrite=True)
    if upcoming is None:
        print_result("No round would follow.")
    else:
        print_plan(upcoming, folder, cluster, overwrite=overwrite)
