"""``python -m runner compare``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.console import print_message, print_result, print_table
from runner.display.text import point_text
from runner.display.text_table import Column
from runner.errors.messages import counted, printable

if TYPE_CHECKING:
    import pandas as pd

    from runner.study.side_by_side import SideBySide
    from runner.study.study import Study


_STUDIES = {"a": "The first study", "b": "The second study"}
_REASONS = {
    "unmatched": "without the same settings in the other study",
    "untrained": "without trained restarts that could be compared with the other study's",
}
_MOST_NAMED = 3  # configurations in a message


class Format(StrEnum):
    """How the comparison is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="The first study's folder.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The second study's folder.")],
    starts: Annotated[
        bool,
        typer.Option(
            "--starts", metavar="", help="List the starts that one solves and the other does not."
        ),
    ] = False,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TABLE,
) -> None:
    """Compare two studies: start by start where they have the same starts.

    Examples
    --------
    python -m runner compare results/gates results/faster
    """
    from runner.study.export import json_text
    from runner.study.side_by_side import compare as side_by_side
    from runner.study.study import open_study

    studies = {"a": open_study(a), "b": open_study(b)}
    both = side_by_side(*studies.values())
    table = both.restarts if starts else both.configurations
    if format is Format.CSV:
        typer.echo(table.to_csv(index=False), nl=False)
    elif format is Format.JSON:
        typer.echo(json_text(table), nl=False)
    elif starts:
        print_table([Column(str(name), [*map(str, table[name])]) for name in table])
    else:
        _say(both)
        print_table(_columns(both))
    for text in _missing(both, studies):
        print_message(text, wrap=True)


def _say(both: SideBySide) -> None:
    """Say how the studies differ, and whether restarts are paired."""
    for field, row in both.settings.iterrows():
        ends = " and ".join(_values(row[name]) for name in ("a", "b"))
        note = "" if row["ignored"] else "; only what both have is compared"
        print_result(f"{field}: {printable(ends)}{note}", wrap=True)
    paired = both.configurations["paired"]
    if paired.all():
        text = "Same starts: restarts are compared in pairs, by number."
    elif not paired.any():
        text = "Other starts: restarts are compared as independent samples."
    else:
        text = f"Same starts in {counted(int(paired.sum()), 'row')}, where restarts are paired."
    print_result(text, wrap=True)
    if left_out := both.configurations.attrs["left_out"]:
        print_message(f"{counted(left_out, 'pair')} of configurations are left out.", wrap=True)


def _missing(both: SideBySide, studies: Mapping[str, Study]) -> Iterator[str]:
    """Say what of the studies is not compared: restarts to come, configurations without a row."""
    for name, row in both.trained.iterrows():
        if row["done"] < row["planned"]:
            yield (
                f"{_STUDIES[str(name)]} is unfinished: {row['done']:,} of {row['planned']:,} "
                "restarts are trained, and everything here is of these alone."
            )
    for key, rows in both.left_out.groupby(["study", "reason"], sort=False):
        name, reason = map(str, key)
        configurations = studies[name].plan.configurations
        points = [point_text(configurations[n].point) for n in rows["configuration"]]
        some = "; ".join(points[:_MOST_NAMED]) + ("; …" if len(points) > _MOST_NAMED else "")
        of = f"{counted(len(points), 'configuration')} of {_STUDIES[name].lower()} ({some})"
        yield f"Left out: {printable(of)}: {_REASONS[reason]}."


def _values(values: list[object]) -> str:
    from runner.study.differences import in_file

    return ", ".join(map(in_file, values[:8])) + (", …" if len(values) > 8 else "")


def _columns(both: SideBySide) -> list[Column]:
    from runner.cli.printed_tables import cells

    table = both.configurations
    names = [str(name) for name in table]
    point = names[2 : names.index("paired")]
    return [
        Column("a", [str(n) for n in table["a"]]),
        Column("b", [str(n) for n in table["b"]]),
        *(Column(name.rpartition(".")[2], cells(table[name]), True) for name in point),
        Column("n", [f"{n:,}" for n in table["n"]]),
        Column("solved by a", [f"{100 * share:.2f}%" for share in table["success_a"]]),
        Column("by b", [f"{100 * share:.2f}%" for share in table["success_b"]]),
        Column("difference", [f"{100 * d:+.2f}" for d in table["difference"]]),
        Column("95% interval", _intervals(table["ci_low"] * 100, table["ci_high"] * 100, "+.2f")),
        Column("only a", [_count(n) for n in table["only_a"].to_list()], left_out=1),
        Column("only b", [_count(n) for n in table["only_b"].to_list()], left_out=2),
        Column("p, Holm", [f"{p:.2g}" for p in table["p_holm"]], left_out=3),
        Column("steps", _shifts(table["steps_difference"]), left_out=5),
        Column(
            "95% interval of steps",
            _intervals(table["steps_low"], table["steps_high"], "+.4g"),
            left_out=6,
        ),
        Column("loss", _shifts(table["loss_difference"]), left_out=4),
        Column(
            "95% interval of loss",
            _intervals(table["loss_low"], table["loss_high"], "+.3g"),
            left_out=7,
        ),
    ]


def _count(n: object) -> str:
    return f"{n:,}" if isinstance(n, int) else ""


def _shifts(values: pd.Series[float]) -> list[str]:
    return ["" if math.isnan(x) else f"{x:+.4g}" for x in values]


def _intervals(low: pd.Series[float], high: pd.Series[float], form: str) -> list[str]:
    return [
        "" if math.isnan(x) or math.isnan(y) else f"{x:{form}} to {y:{form}}"
        for x, y in zip(low, high, strict=True)
    ]
