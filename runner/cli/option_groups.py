"""Options that several commands share, declared once and handed to a command as one object.

A command asks for the object, as with the dependencies of FastAPI:

>>> def options(workers: int = 2) -> list[int]:
...     return [workers]
>>> def command(cluster: Annotated[list[int], OptionGroup(options)]) -> list[int]:
...     return cluster
>>> expand_groups(command)(workers=3)
[3]

Typer itself reads one parameter per option only. So what it is given is `expand_groups(command)`:
a function with the group's parameters in place of the object.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_origin


@dataclass(frozen=True)
class OptionGroup:
    """Marks a command's parameter, in `Annotated`, as made of several options."""

    build: Callable[..., Any]
    """Makes the object; its parameters are the options."""


def expand_groups(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command whose groups are replaced by their options, in the same place."""
    groups: dict[str, OptionGroup] = {}
    options: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        group = _group_of(parameter)
        if group is None:
            options.append(parameter)
        else:
            groups[parameter.name] = group
            options += inspect.signature(group.build, eval_str=True).parameters.values()

    @functools.wraps(command)
    def expanded(**values: Any) -> Any:
        for name, group in groups.items():
            names = inspect.signature(group.build).parameters
            values[name] = group.build(**{option: values.pop(option) for option in names})
        return command(**values)

    # Typer looks at both; keyword-only parameters may follow one another in any order.
    options = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
    expanded.__annotations__ = {option.name: option.annotation for option in options}
    vars(expanded)["__signature__"] = inspect.Signature(options)
    return expanded


def _group_of(parameter: inspect.Parameter) -> OptionGroup | None:
    if get_origin(parameter.annotation) is not Annotated:
        return None
    metadata = parameter.annotation.__metadata__
    return next((item for item in metadata if isinstance(item, OptionGroup)), None)
