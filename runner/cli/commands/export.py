"""``python -m runner export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_result
from runner.cli.options import StudyFolder
from runner.errors.messages import counted, printable


def export(
    folder: StudyFolder,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A .csv or .parquet file.")],
) -> None:
    """Write every restart, with its final weights, to one file.

    Examples
    --------
    python -m runner export results/gates --to gates.csv
    python -m runner export results/gates --to gates.parquet
    """
    from runner.study.export import ENDINGS, export_restarts
    from runner.study.study import open_study

    if to.suffix not in ENDINGS:
        where = printable(str(to))
        message = f"--to is {where}; expected a name that ends in {' or '.join(ENDINGS)}."
        raise typer.BadParameter(message)
    n_restarts = export_restarts(open_study(folder), to)
    print_result(f"{counted(n_restarts, 'restart')} in {to}")
