"""``python -m runner report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_result
from runner.cli.options import StudyFolder


def report(
    folder: StudyFolder,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The HTML file.", show_default="DIR/report.html"),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for every figure as SVG and PNG.")
    ] = None,
) -> None:
    """Write a study's report, one HTML file with figures and tables.

    Examples
    --------
    python -m runner report results/gates
    python -m runner report results/gates --figures figures
    """
    from runner.report.writer import write_report
    from runner.study.objects.url_copy import changeable
    from runner.study.study import open_study

    if out is not None:
        print_result(f"report: {write_report(open_study(folder), out, figures)}")
        return
    with changeable(folder, required=True) as place:
        print_result(f"report: {write_report(open_study(place), None, figures)}")
