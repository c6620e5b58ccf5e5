"""``python -m runner export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_message, print_result
from runner.cli.options import StudyFolder
from runner.errors.messages import counted, listed, nearest, printable, shown


class Format(StrEnum):
    """How a table, or arrays, are written: `runner.study.export.FORMATS`."""

    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    LATEX = "latex"
    PARQUET = "parquet"
    NETCDF = "netcdf"
    ZARR = "zarr"


def export(
    folder: StudyFolder,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FILE",
            help="A .csv, .json, .md, .tex, .parquet or .nc file, or a .zarr folder; "
            "- for standard output.",
        ),
    ],
    table: Annotated[
        str, typer.Option(metavar="NAME", help="Any table of a study, such as summary.")
    ] = "restarts",
    format: Annotated[
        Format | None,
        typer.Option(help="How to write it.", show_default="by the file's ending"),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A.B=VALUE", help="Only configurations with this value; may be repeated."
        ),
    ] = None,
) -> None:
    """Write a table to one file: by default every restart, with its final weights.

    Examples
    --------
    python -m runner export results/gates --to gates.csv
    python -m runner export results/gates --to gates.nc
    python -m runner export results/gates --to - --format csv
    """
    from runner.display.text import unfinished_text
    from runner.experiment.grid.overrides import parse_change
    from runner.study.array_files import FORMATS as ARRAY_FORMATS
    from runner.study.export import ENDINGS, export_table
    from runner.study.matching import chosen
    from runner.study.study import open_study
    from runner.study.tables.table_names import TABLES

    if table not in TABLES:
        message = f"--table is {shown(table)}; expected one of {listed(TABLES)}."
        raise typer.BadParameter(f"{message}{nearest(table, TABLES)}")
    if to == "-" and format in (None, Format.ZARR):
        message = f"--format is {format or 'missing'}; expected that of one file, as csv or json is"
        raise typer.BadParameter(f"{message}, with --to -.")
    if format is None and Path(to).suffix not in ENDINGS:
        message = f"--to is {printable(to)}; expected a name that ends in {' or '.join(ENDINGS)}."
        raise typer.BadParameter(message)
    arrays = format in ARRAY_FORMATS if format else Path(to).suffix in ARRAY_FORMATS.values()
    if arrays and table != "restarts":
        message = (
            f"--table is {shown(table)}; expected restarts as netCDF or Zarr, or another file."
        )
        raise typer.BadParameter(message)
    conditions = [parse_change(text, "--where") for text in where or ()]
    study = open_study(folder)
    only = chosen(study.plan, conditions) if conditions else None
    file = typer.get_binary_stream("stdout") if to == "-" else Path(to)
    n_rows = export_table(study, file, table, format and format.value, only)
    if to != "-":
        noun = "restart" if table == "restarts" else "row"
        print_result(f"{counted(n_rows, noun)} in {printable(to)}")
    if text := unfinished_text(study.n_done, study.plan.n_restarts):
        print_message(text, wrap=True)
