"""``python -m runner analyze``."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import print_table, teller
from runner.cli.options import Cluster, Quiet, StudyFolder, TrustModel


def analyze(
    *,
    folder: StudyFolder,
    endpoints: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most endpoints to analyse.", show_default="100000"),
    ] = None,
    trust_model: TrustModel = False,
    quiet: Quiet = False,
    cluster: Cluster,
) -> None:
    """Add curvature, minima, barriers and verdicts to a study; continue where a run stopped.

    Examples
    --------
    python -m runner analyze results/gates
    python -m runner analyze results/gates --endpoints 2000
    """
    from runner.cli.printed_tables import verdict_table
    from runner.cli.runs import run_analysis
    from runner.study.objects.url_copy import changeable

    with changeable(folder, required=True, tell=teller(quiet)) as place:
        study = run_analysis(
            place, cluster, trust_model=trust_model, quiet=quiet, endpoints=endpoints
        )
    if not quiet:
        print_table(verdict_table(study))
