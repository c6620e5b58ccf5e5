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
    from runner.study.export import json_text
    from runner.study.study import open_study

    study = open_study(folder)
    if format is Format.CSV:
        typer.echo(study.summary.to_csv(), nl=False)
    elif format is Format.JSON:
        typer.echo(json_text(study.summary.reset_index()), nl=False)
    else:
        from runner.cli.runs import print_summary

        print_summary(study)
    if text := unfinished_text(study.n_done, study.plan.n_restarts):
        print_message(text, wrap=True)
