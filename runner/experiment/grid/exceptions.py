"""Cells of a grid that are left out, and single configurations beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from runner.errors.messages import shown
from runner.experiment.fields.sections import PATHS, SECTIONS
from runner.experiment.fields.wrong_fields import unknown_path, wrong_value
from runner.experiment.grid.grid import paths_of

__all__ = ["checked_cells", "misplaced_cells"]


def checked_cells(name: str, cells: object) -> tuple[tuple[dict[str, Any], ...], list[str]]:
    """Check `exclude` or `extra`: a list of tables of dotted path = value.

    Parameters
    ----------
    name : str
        Of the two.
    cells : object
        As it was read.

    Returns
    -------
    cells : tuple of dict
        The validated values, as those of a grid.
    problems : list of str
    """
    if not isinstance(cells, list | tuple):
        return (), [f"{name} is {shown(cells)}; expected tables, [[{name}]], of path = value."]
    checked: list[dict[str, Any]] = []
    problems: list[str] = []
    for cell in cells:
        if not isinstance(cell, Mapping) or not cell:
            problems.append(f"{name} is {shown(cell)}; expected a table of dotted path = value.")
            continue
        found = {}
        for path, value in cell.items():
            if path not in PATHS:
                hint = ' Write paths in quotes, as in "init.scale" = 1.' if path in SECTIONS else ""
                problems.append(f"{name} {unknown_path(path, PATHS)}{hint}")
                continue
            section, _, field = path.partition(".")
            try:
                found[path] = getattr(SECTIONS[section].model_validate({field: value}), field)
            except ValidationError:
                problems.append(f"{name} {wrong_value(path, value)}")
        checked.append(found)
    return tuple(checked), problems


def misplaced_cells(
    axes: Mapping[str, tuple[Any, ...]], exclude: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return where cells are left out that the grid does not have."""
    values = {path: column for key, axis in axes.items() for path, column in paths_of(key, axis)}
    problems = []
    for cell in exclude:
        for path, value in cell.items():
            if path not in values:
                problems.append(f"exclude {path} is no axis of the grid; expected one of its axes.")
            elif value not in values[path]:
                rule = "expected one of the grid's values"
                problems.append(f"exclude {path} is {shown(value)}; {rule}.")
    return problems
