"""``python -m runner list``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.console import print_result, print_table
from runner.display.text_table import Column
from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import store_url

if TYPE_CHECKING:
    from runner.study.catalogue import Entry


class Format(StrEnum):
    """How the list is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def list_(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="[FOLDER]", help="Searched to any depth; or a URL: s3://bucket/prefix."
        ),
    ] = Path("results"),
    solved: Annotated[
        bool,
        typer.Option("--solved", metavar="", help="Count what is solved, from every shard."),
    ] = False,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TABLE,
) -> None:
    """List the studies below a folder, as their plans and logs tell.

    Examples
    --------
    python -m runner list
    python -m runner list results --solved
    python -m runner list results --format json
    """
    import csv
    from dataclasses import asdict, fields

    from runner.study.catalogue import Entry, catalogue

    entries = catalogue(folder, solved=solved)
    if format is Format.JSON:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=1))
    elif format is Format.CSV:
        names = [field.name for field in fields(Entry)]
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(entry) for entry in entries)
    elif entries:
        print_table(_columns(entries, solved))
    else:
        print_result(f"{printable(store_url(folder, StudyError) or str(folder))}: no studies.")


def _columns(entries: list[Entry], solved: bool) -> list[Column]:
    share = Column("solved", [_solved(entry) for entry in entries])
    return [
        Column("study", [entry.path for entry in entries], True),
        Column("experiment", [entry.name for entry in entries], True, left_out=1),
        Column("state", [str(entry.state) for entry in entries], True),
        Column("done", [_share(entry) for entry in entries]),
        Column("configurations", [_number(entry.configurations) for entry in entries], left_out=2),
        Column("restarts", [_number(entry.restarts) for entry in entries]),
        *([share] if solved else []),
        Column("failed", [_number(entry.failed) for entry in entries], left_out=4),
        Column("MB", [_megabytes(entry) for entry in entries], left_out=3),
        Column("changed (UTC)", [_moment(entry) for entry in entries], left_out=5),
    ]


def _number(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def _share(entry: Entry) -> str:
    """Return the share that is done, rounded down: 100% is all."""
    if entry.done is None or not entry.restarts:
        return ""
    return f"{100 * entry.done // entry.restarts}%"


def _solved(entry: Entry) -> str:
    """Return the share of trained restarts that is solved."""
    trained = (entry.done or 0) - (entry.failed or 0)
    return f"{100 * entry.solved / trained:.2f}%" if trained and entry.solved is not None else ""


def _megabytes(entry: Entry) -> str:
    return "" if entry.size is None else f"{entry.size / 1e6:,.1f}"


def _moment(entry: Entry) -> str:
    return entry.changed[:16].replace("T", " ")
