"""``python -m runner map``."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import print_result, print_table, teller
from runner.cli.options import Cluster, Quiet, StudyFolder, TrustModel

_MOST_TEXTS = 12  # configurations of which more than a row is printed


def map_(
    *,
    folder: StudyFolder,
    searches: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Most searches of each configuration, to the end of a search round.",
            show_default="200000",
        ),
    ] = None,
    unchanged: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="End after so many searches in a row that found nothing new.",
            show_default="10000",
        ),
    ] = None,
    index: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Highest index that is searched for: 1 for minima and transition states.",
            show_default="all",
        ),
    ] = None,
    max_parameters: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Largest network, in weights and biases: a step costs the cube of that.",
            show_default="200",
        ),
    ] = None,
    round_searches: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Searches of each configuration in a search round, which is always made whole.",
            show_default="2000",
        ),
    ] = None,
    basin_side: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Starts along one side of the square of basins, 0 for none.",
            show_default="33",
        ),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="TIME", help="No new search round after this time, as in 90s, 10m, 2h."
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", metavar="", help="Replace a map that was made with other options."
        ),
    ] = False,
    trust_model: TrustModel = False,
    quiet: Quiet = False,
    cluster: Cluster,
) -> None:
    """Search for all minima and saddles of a study's loss, and for what joins them.

    Examples
    --------
    python -m runner map results/gates
    python -m runner map results/gates --index 1 --for 10m
    """
    from runner.cli.printed_tables import map_table
    from runner.cli.runs import run_map
    from runner.display.text import point_text
    from runner.mapping.options import MapOptions
    from runner.mapping.sentences import sentences
    from runner.precision.texts import parse_time
    from runner.study.objects.url_copy import changeable

    given = {
        "searches": searches,
        "unchanged": unchanged,
        "highest_index": index,
        "max_parameters": max_parameters,
        "round_searches": round_searches,
        "basin_side": basin_side,
    }
    options = MapOptions(**{name: value for name, value in given.items() if value is not None})
    for_s = None if for_ is None else parse_time(for_)
    with changeable(folder, required=True, tell=teller(quiet)) as place:
        study = run_map(
            *(place, cluster, options, for_s),
            trust_model=trust_model,
            overwrite=overwrite,
            quiet=quiet,
        )
    if quiet:
        return
    print_table(map_table(study))
    shown = study.plan.configurations[:_MOST_TEXTS]
    for configuration in shown:
        head = f"{point_text(configuration.point)}: " if configuration.point else ""
        print_result(f"\n{head}{' '.join(sentences(study, configuration))}", wrap=True)
    if len(shown) < len(study.plan.configurations):
        print_result(f"\n(And so on: of the first {_MOST_TEXTS} configurations only.)")
