"""Commands whose files are loaded when they are called, not when all are listed.

To load the files of all commands and to read their options takes longer than the rest of what
``--help`` does here, and what is typed is one command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from runner.cli.option_groups import expand_groups
from runner.cli.usage_errors import Command

_EXAMPLES = "\n\nExamples\n--------\n"


def command_function(name: str) -> Callable[..., None]:
    """Return the function of a command; where Python has one of its name, with an underscore."""
    file = vars(import_module(f"runner.cli.commands.{name}"))
    function: Callable[..., None] = file[name] if name in file else file[f"{name}_"]
    return function


class DeferredCommand(Command):
    """A command known by its name and summary until anything else of it is needed.

    Parameters
    ----------
    name : str
    summary : str
        What the list of all commands says of it: the first paragraph of its function's docstring.
    wrap : callable
        Given the function with its groups of options expanded, returns what is called.
    """

    def __init__(
        self, name: str, summary: str, wrap: Callable[[Callable[..., None]], Callable[..., None]]
    ) -> None:
        super().__init__(name, short_help=summary)
        self._wrap = wrap
        for made in _MADE:
            delattr(self, made)  # `__getattr__` makes them

    def __getattr__(self, name: str) -> Any:
        if name not in _MADE:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(message)
        function = command_function(self.name or "")
        text, _, examples = inspect.cleandoc(function.__doc__ or "").partition(_EXAMPLES)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        register = alone.command(self.name, help=text, epilog=f"Examples:\n{examples}")
        register(self._wrap(expand_groups(function)))
        whole = typer.main.get_command(alone)
        vars(self).update({made: getattr(whole, made) for made in _MADE})
        return vars(self)[name]


_MADE = ("help", "epilog", "params", "callback")


def group_of(
    summaries: Mapping[str, str], wrap: Callable[[Callable[..., None]], Callable[..., None]]
) -> type[TyperGroup]:
    """Return the class of a group that has a `DeferredCommand` for each summary, by name."""

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            for name, summary in summaries.items():
                self.commands[name] = DeferredCommand(name, summary, wrap)

    return Group
