"""What is said of a wrong value of an option: the value, and why, with any version of Typer.

Newer ones have pydantic check values, whose messages begin with ``Value error, ``, or speak of an
``Input`` that they do not show.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

from runner.errors.messages import shown


class Command(TyperCommand):
    """A command of Typer's whose messages name the wrong value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; see `typer.core.TyperCommand`."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = _with_value(error)
            raise


def _with_value(error: typer.BadParameter) -> str:
    text = error.message.removeprefix("Value error, ")
    problems: list[Any] = getattr(error.__cause__, "errors", list)()  # if pydantic has checked
    if not problems or not text.startswith("Input "):
        return text
    return f"{shown(problems[0]['input'])} {text.removeprefix('Input ')}"
