"""``python -m runner slice``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.completion import complete_experiment
from runner.cli.console import teller
from runner.cli.options import (
    STUDY_PANEL,
    TRAINED_PANEL,
    Changes,
    Cluster,
    Overwrite,
    Quiet,
    TrustModel,
)
from runner.errors import StudyError
from runner.errors.paths import require_place


def slice_(
    *,
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT.toml", autocompletion=complete_experiment)
    ],
    x: Annotated[
        str,
        typer.Option(
            "--x",
            metavar="NAME=LOW:HIGH:N",
            rich_help_panel=TRAINED_PANEL,
            help="Weight to sweep.",
        ),
    ],
    y: Annotated[
        str,
        typer.Option(
            "--y",
            metavar="NAME=LOW:HIGH:N",
            rich_help_panel=TRAINED_PANEL,
            help="The other one.",
        ),
    ],
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            rich_help_panel=TRAINED_PANEL,
            help="A fixed weight; can be repeated. The others are those of restart 0.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|URL",
            rich_help_panel=STUDY_PANEL,
            help="Folder or URL of the study.",
            show_default="results/NAME-slice",
        ),
    ] = None,
    changes: Changes = None,
    trust_model: TrustModel = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    cluster: Cluster,
) -> None:
    r"""Sweep from a grid of starts over two weights, all others fixed; draw which lead where.

    Examples
    --------
    python -m runner slice experiments/slice.toml \
      --x 'W1[0,0]=-10:10:50' --y 'W1[0,1]=-10:10:50'
    """
    from runner.cluster.fork_server import stay_forkable

    stay_forkable()  # before NumPy is loaded
    from runner.cli.runs import run_sweep
    from runner.dispatch.fault_policy import FaultPolicy
    from runner.experiment.experiment import parse_change
    from runner.experiment.plan import Plan
    from runner.experiment.slice import sliced
    from runner.study.objects.url_copy import workplace

    require_place(out or "", StudyError)
    changed = dict(parse_change(text) for text in changes or [])
    plan = Plan(sliced(experiment, x, y, at or [], changed))
    place = out or Path("results") / plan.experiment.name
    with workplace(place, overwrite=overwrite, tell=teller(quiet)) as working:
        run_sweep(
            plan,
            working,
            cluster,
            FaultPolicy(),
            trust_model=trust_model,
            overwrite=overwrite,
            quiet=quiet,
            report=True,
        )
