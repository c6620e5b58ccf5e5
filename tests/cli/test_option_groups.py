"""Options that are declared once and reach several commands as one object."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from runner.cli.deferred_command import command_function
from runner.cli.option_groups import OptionGroup, expand_groups
from runner.cli.options import cluster_options


@dataclass(frozen=True)
class Box:
    width: int
    deep: bool


def box_options(
    width: Annotated[int, typer.Option(min=1)] = 3,
    deep: Annotated[bool, typer.Option("--deep")] = False,
) -> Box:
    return Box(width, deep)


def pack(
    what: Annotated[str, typer.Argument()],
    *,
    box: Annotated[Box, OptionGroup(box_options)],
    label: Annotated[str, typer.Option()] = "none",
) -> None:
    """Put something into a box."""
    typer.echo(f"{what} {box} {label}")


app = typer.Typer()
app.command()(expand_groups(pack))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], f"tea {Box(3, False)} none"),
        (["--width", "7"], f"tea {Box(7, False)} none"),
        (["--label", "fragile", "--deep"], f"tea {Box(3, True)} fragile"),
    ],
)
def test_a_command_gets_one_object_for_a_group_of_options(arguments, text) -> None:
    done = CliRunner().invoke(app, ["tea", *arguments])
    assert (done.exit_code, done.stdout.strip()) == (0, text)


def test_the_rules_and_the_help_of_the_options_are_those_of_the_group() -> None:
    assert CliRunner().invoke(app, ["tea", "--width", "0"]).exit_code == 2
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert "Put something into a box." in text
    assert "--width" in text
    assert "--box" not in text


@pytest.mark.parametrize("name", ["sweep", "slice", "analyze", "verify"])
def test_every_command_that_runs_on_a_cluster_has_the_same_options_for_it(name) -> None:
    shared = signature(cluster_options, eval_str=True).parameters
    parameters = signature(expand_groups(command_function(name))).parameters
    assert set(shared) == {
        "workers", "scheduler", "scheduler_file", "device", "wait", "insecure", "shared"
    }  # fmt: skip
    for option, parameter in shared.items():
        assert parameters[option].default == parameter.default
        (own,), (declared,) = (
            each.annotation.__metadata__ for each in (parameters[option], parameter)
        )
        assert own.help == declared.help
        assert own.metavar == declared.metavar
