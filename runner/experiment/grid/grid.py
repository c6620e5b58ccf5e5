"""The grid of an experiment: axes checked value by value, then crossed into settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from runner.errors.messages import shown
from runner.experiment.fields.sections import PATHS, SECTIONS, Problem, Section
from runner.experiment.fields.wrong_fields import unknown_path, wrong_value
from runner.experiment.grid.ranges import expanded
from runner.experiment.settings import Settings

__all__ = [
    "ALTERNATIVES",
    "MAX_CONFIGURATIONS",
    "WHOLE",
    "checked_axes",
    "crossed",
    "paths_of",
    "split_paths",
]

MAX_CONFIGURATIONS: Final = 100_000
"""Largest number of configurations of one experiment."""

WHOLE: Final = ("name", "seed", "restarts", "curves", "like")
"""Fields above all sections: one value for all configurations."""

_AT_MOST: Final = f"expected at most {MAX_CONFIGURATIONS:,}"

ALTERNATIVES: Final = MappingProxyType(
    {"problem.gate": "problem.table", "problem.table": "problem.gate"}
)
"""Only one of the two can be given: one that is set takes the place of the other."""


def checked_axes(grid: object) -> tuple[dict[str, tuple[Any, ...]], list[tuple[str, str]]]:
    """Check every axis of a grid by itself, and the number of configurations.

    Parameters
    ----------
    grid : object
        As it was read: right if it is a mapping of dotted paths to sequences of values, in which
        there may be ranges. Axes that vary together have their paths in one key, with commas
        between, and a list of values for each point.

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
    for path, written in grid.items():
        try:
            values = expanded(path, written, MAX_CONFIGURATIONS)
        except ValueError as error:
            problems.append((path, f"grid {path} is {error}."))
            continue
        if path in WHOLE:
            text = f"grid {path} is one value for all configurations; expected a field of a section"
            problems.append((path, f"{text}. Run a sweep for each."))
        elif path in SECTIONS:
            within = list(values) if isinstance(values, Mapping) else []
            field = next((name for name in within if f"{path}.{name}" in PATHS), None)
            example = f'"{path}.{field or next(iter(SECTIONS[path].model_fields))}"'
            text = f"grid {path} is {shown(values)}; expected a quoted path, as {example} = [...]."
            problems.append((path, text))
        elif path not in PATHS and ("," not in path or _unknown(path)):
            names = _unknown(path) if "," in path else [path]
            problems += [(path, f"grid {unknown_path(name, PATHS)}") for name in names]
        elif not isinstance(values, list | tuple) or not values:
            text = f"grid {path} is {shown(values)}; expected a list of one value or more."
            problems.append((path, text))
        elif len(values) > MAX_CONFIGURATIONS:
            text = f"grid {path} has {len(values):,} values; {_AT_MOST}."
            problems.append((path, text))
        else:
            check = _checked_values if path in PATHS else _checked_together
            axes[path], texts = check(path, values)
            problems += [(path, text) for text in texts]
    names = [name for key in axes for name in split_paths(key)]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        problems.append((name, f"grid {name} is in more than one axis; expected one."))
    n_configurations = math.prod(map(len, axes.values()))
    if n_configurations > MAX_CONFIGURATIONS:
        problems.append(("", f"grid has {n_configurations:,} configurations; {_AT_MOST}."))
    return axes, problems


def split_paths(key: str) -> list[str]:
    """Return the dotted paths of an axis: one, or those that vary together."""
    return [path.strip() for path in key.split(",")]


def paths_of(key: str, values: Sequence[Any]) -> list[tuple[str, tuple[Any, ...]]]:
    """Return each path of a checked axis with its values."""
    paths = split_paths(key)
    columns = list(zip(*values, strict=True)) if len(paths) > 1 else [tuple(values)]
    return list(zip(paths, columns, strict=True))


def _unknown(key: str) -> list[str]:
    return [path for path in split_paths(key) if path not in PATHS]


def _checked_together(key: str, rows: list[Any] | tuple[Any, ...]) -> tuple[Any, list[str]]:
    """Check the values of axes that vary together, a list for each point."""
    paths = split_paths(key)
    columns: list[list[Any]] = [[] for _ in paths]
    for row in rows:
        if not isinstance(row, list | tuple) or len(row) != len(paths):
            rule = f"expected lists of {len(paths)} values, one for each of {', '.join(paths)}"
            return (), [f"grid {key} is {shown(row)}; {rule}."]
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    problems: list[str] = []
    checked: list[list[Any]] = []
    for path, column in zip(paths, columns, strict=True):
        single = [_checked_values(path, [value]) for value in column]
        problems += dict.fromkeys(text for _, texts in single for text in texts)
        checked.append([values[0] if values else None for values, _ in single])
    together = tuple(zip(*checked, strict=True))
    if not problems and len(set(together)) < len(together):
        problems.append(f"grid {key} has a point twice; expected different points.")
    return together, problems


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
    defaults: Mapping[str, Section],
    axes: Mapping[str, tuple[Any, ...]],
    exclude: Sequence[Mapping[str, Any]] = (),
    extra: Sequence[Mapping[str, Any]] = (),
) -> Iterator[tuple[dict[str, Any], Settings]]:
    """Cross the axes, the last one fastest; then come the extra configurations.

    Parameters
    ----------
    defaults : mapping of str to Section
        By name of the section.
    axes : mapping of str to tuple
        From `checked_axes`.
    exclude, extra : sequence of mappings
        Points that are left out, by some of their values; and single ones, by what they change.

    Yields
    ------
    point : dict
        One value for each axis, and each field of an extra configuration, by dotted path.
    settings : Settings
        Checked field by field, but not between fields: see `Settings.conflicts`.
    """
    columns = [path for key in axes for path in split_paths(key)]
    columns += dict.fromkeys(path for cell in extra for path in cell if path not in columns)
    parts = {path: path.split(".") for path in columns}
    built: dict[tuple[Any, ...], Section] = {}
    usual: dict[str, Any] = {name: _with(section, {}) for name, section in defaults.items()}
    whole = Settings.model_construct(**usual)
    for cell in itertools.chain(_product(axes), extra):
        if _left_out(cell, exclude):
            continue
        changes: dict[str, dict[str, Any]] = {}
        for path, value in cell.items():
            section, field = parts[path]
            changes.setdefault(section, {})[field] = value
        sections = dict(usual)
        for name, fields in changes.items():
            key = (name, *fields.items())
            if key not in built:
                built[key] = _with(defaults[name], fields)
            sections[name] = built[key]
        point = {path: getattr(sections[part], field) for path, (part, field) in parts.items()}
        yield point, whole.model_copy(update=sections)


def _product(axes: Mapping[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    paths = [split_paths(key) for key in axes]
    for values in itertools.product(*axes.values()):
        cell: dict[str, Any] = {}
        for names, value in zip(paths, values, strict=True):
            cell |= zip(names, value, strict=True) if len(names) > 1 else {names[0]: value}
        yield cell


def _left_out(cell: Mapping[str, Any], exclude: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        all(path in cell and cell[path] == value for path, value in each.items())
        for each in exclude
    )


def _with(section: Section, changes: Mapping[str, Any]) -> Section:
    """Return the section with other values for some fields."""
    fields = {field: getattr(section, field) for field in section.model_fields_set}
    if isinstance(section, Problem) and len({"gate", "table"} & changes.keys()) == 1:
        fields.pop("gate", None)
        fields.pop("table", None)
    return type(section).model_validate(fields | dict(changes))
