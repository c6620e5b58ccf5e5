"""The grid of an experiment: axes checked value by value, then crossed into settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from runner.errors.messages import shown
from runner.experiment.sections import (
    Init,
    Loss,
    Network,
    Problem,
    Section,
    Training,
    choices_of,
    rule_of,
)
from runner.experiment.settings import Settings
from runner.experiment.synonyms import field_hint, value_hint

__all__ = [
    "ALTERNATIVES",
    "MAX_CONFIGURATIONS",
    "PATHS",
    "SECTIONS",
    "checked_axes",
    "crossed",
    "unknown_path",
    "wrong_value",
]

MAX_CONFIGURATIONS: Final = 100_000
"""Largest number of configurations of one experiment."""

_AT_MOST: Final = f"expected at most {MAX_CONFIGURATIONS:,}"

SECTIONS: Final[Mapping[str, type[Section]]] = MappingProxyType(
    {"problem": Problem, "network": Network, "loss": Loss, "init": Init, "training": Training}
)
"""The sections by name."""

PATHS: Final = tuple(f"{name}.{f}" for name, kind in SECTIONS.items() for f in kind.model_fields)
"""The dotted paths of all fields."""

ALTERNATIVES: Final = MappingProxyType(
    {"problem.gate": "problem.table", "problem.table": "problem.gate"}
)
"""Only one of the two can be given: one that is set takes the place of the other."""


def unknown_path(path: str, names: tuple[str, ...]) -> str:
    """Say that a path is none of `names`."""
    section = path.partition(".")[0]
    # Within a known section its own fields are enough of a list.
    near = tuple(name for name in names if name.startswith(f"{section}."))
    # Without one, where to look: all fields of all sections would fill a screen.
    if not near:
        parts = (name.partition(".") for name in names)
        near = tuple(dict.fromkeys(first + (dot and ".FIELD") for first, dot, _ in parts))
    # Without quotes, as in the messages about known fields, but escaped and cut in the same way.
    word = shown(path)[1:-1] or "''"
    hint = field_hint(path, names, (*PATHS, "seed", "restarts"))
    return f"{word} is unknown; expected one of {', '.join(near)}.{hint}"


def wrong_value(path: str, value: object) -> str:
    """Say that a field of a section cannot have this value."""
    section, _, field = path.partition(".")
    kind = SECTIONS[section]
    hint = value_hint(path, value, choices_of(kind, field))
    return f"{path} is {shown(value)}; expected {rule_of(kind, field)}.{hint}"


def checked_axes(grid: object) -> tuple[dict[str, tuple[Any, ...]], list[tuple[str, str]]]:
    """Check every axis of a grid by itself, and the number of configurations.

    Parameters
    ----------
    grid : object
        As it was read: right if it is a mapping of dotted paths to sequences of values.

    Returns
    -------
    axes : dict of str to tuple
        The validated values: numbers as float where the field is one, lists as tuples.
    problems : list of (str, str)
        The axis, or `""` for the grid as a whole, and what is wrong with it.
    """
    if not isinstance(grid, Mapping):
        return {}, [("", f"grid is {shown(grid)}; expected a table of dotted path = list.")]
    axes: dict[str, tuple[Any, ...]] = {}
    problems: list[tuple[str, str]] = []
    for path, values in grid.items():
        if path in SECTIONS:
            example = f'"{path}.{next(iter(SECTIONS[path].model_fields))}"'
            text = f"grid {path} is {shown(values)}; expected a quoted path, as {example} = [...]."
            problems.append((path, text))
        elif path not in PATHS:
            problems.append((path, f"grid {unknown_path(path, PATHS)}"))
        elif not isinstance(values, list | tuple) or not values:
            text = f"grid {path} is {shown(values)}; expected a list of one value or more."
            problems.append((path, text))
        elif len(values) > MAX_CONFIGURATIONS:
            text = f"grid {path} has {len(values):,} values; {_AT_MOST}."
            problems.append((path, text))
        else:
            axes[path], texts = _checked_values(path, values)
            problems += [(path, text) for text in texts]
    n_configurations = math.prod(map(len, axes.values()))
    if n_configurations > MAX_CONFIGURATIONS:
        problems.append(("", f"grid has {n_configurations:,} configurations; {_AT_MOST}."))
    return axes, problems


def _checked_values(path: str, values: list[Any] | tuple[Any, ...]) -> tuple[Any, list[str]]:
    section, _, field = path.partition(".")
    checked: dict[Any, None] = {}
    problems: list[str] = []
    for value in values:
        try:
            settings = SECTIONS[section].model_validate({field: value})
        except ValidationError:
            problems.append(f"grid {wrong_value(path, value)}")
            continue
        got = getattr(settings, field)
        if got is None:
            problems.append(f"grid {wrong_value(path, value)}")
        elif got in checked:
            problems.append(f"grid {path} is {shown(value)} twice; expected different values.")
        checked[got] = None
    return tuple(checked), problems


def crossed(
    defaults: Mapping[str, Section], axes: Mapping[str, tuple[Any, ...]]
) -> Iterator[tuple[dict[str, Any], Settings]]:
    """Cross the axes, the last one fastest.

    Parameters
    ----------
    defaults : mapping of str to Section
        By name of the section.
    axes : mapping of str to tuple
        From `checked_axes`.

    Yields
    ------
    point : dict
        One value for each axis, by dotted path.
    settings : Settings
        Checked field by field, but not between fields: see `Settings.conflicts`.
    """
    split = [path.split(".") for path in axes]
    own = {
        name: [(i, field) for i, (section, field) in enumerate(split) if section == name]
        for name in defaults
    }
    built: dict[tuple[Any, ...], Section] = {}
    for values in itertools.product(*axes.values()):
        sections: dict[str, Any] = {}
        for name, fields in own.items():
            key = (name, *(values[i] for i, _ in fields))
            if key not in built:
                built[key] = _with(defaults[name], {field: values[i] for i, field in fields})
            sections[name] = built[key]
        yield dict(zip(axes, values, strict=True)), Settings.model_construct(**sections)


def _with(section: Section, changes: Mapping[str, Any]) -> Section:
    """Return the section with other values for some fields."""
    fields = {field: getattr(section, field) for field in section.model_fields_set}
    if isinstance(section, Problem) and len({"gate", "table"} & changes.keys()) == 1:
        fields.pop("gate", None)
        fields.pop("table", None)
    return type(section).model_validate(fields | dict(changes))
