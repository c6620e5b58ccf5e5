"""``python -m runner summary``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from runner.cli.console import print_message
from runner.cli.options import StudyFolder


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def summary(
    folder: StudyFolder,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TABLE,
) -> None:
    """Print a study's summary, a row per configuration.

    Examples
    --------
    python -m runner summary results/gates
    python -m runner summary results/gates --format csv
    """
    from runner.display.text import unfinished_text
    from runner.study.contents import StudyContents
    from runner.study.objects.url_copy import readable

    place = readable(folder)
    study = StudyContents(place)
    _ = study.plan  # or say that there is none
    if format is Format.TABLE:
        from runner.cli.runs import print_summary

        print_summary(study)
    else:
        from runner.study.export import json_text
        from runner.study.study import open_study

        table = open_study(place).summary
        if format is Format.CSV:
            typer.echo(table.to_csv(), nl=False)
        else:
            typer.echo(json_text(table.reset_index()), nl=False)
    if text := unfinished_text(study.n_done, study.plan.n_restarts):
        print_message(text, wrap=True)
