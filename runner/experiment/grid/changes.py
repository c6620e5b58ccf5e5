"""What `--set` and `--grid` change of an experiment, before it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.fields.sections import PATHS, SECTIONS
from runner.experiment.fields.wrong_fields import meant_fields, unknown_path
from runner.experiment.grid.grid import ALTERNATIVES, WHOLE, split_paths

__all__ = ["merge_changes", "require_mapping", "take_out"]

SCALARS: Final = WHOLE
_WHOLE: Final = (*SECTIONS, "grid", "exclude", "extra")
_KEYS: Final = (*SCALARS, *_WHOLE)


def merge_changes(
    raw: dict[str, Any], changes: dict[str, Any], grid: dict[str, Any], where: str
) -> tuple[list[str], dict[str, str]]:
    """Put changes and axes into raw; return the problems, and where a changed path is from."""
    problems: list[str] = []
    origins = {f"grid {path}": f"{where} with grid (--grid)" for path in grid}
    axes = raw.setdefault("grid", {})
    for path, value in changes.items():
        section, _, field = path.partition(".")
        origins[path] = f"{where} with changes (--set)"
        if path in SCALARS:
            raw[path] = value
        elif path in _WHOLE:
            problems.append(f"{origins[path]}: {_whole(path, value)}")
        elif path not in PATHS:
            problems.append(f"{origins[path]}: {unknown_path(path, (*SCALARS, *PATHS))}")
        elif isinstance(fields := raw.setdefault(section, {}), dict):
            fields[field] = value
            _take_out_axis(axes, path)
    if isinstance(axes, dict):
        for key in grid.keys() - axes.keys():
            for path in split_paths(key):
                _take_out_axis(axes, path)
        axes |= grid
    given = {path for path, value in (changes | grid).items() if value is not None}
    for path, other in ALTERNATIVES.items():
        if path in given and other not in given:
            _take_out_axis(axes, other)
            take_out(raw.get("problem"), other.partition(".")[2])
    for key in [key for key in raw if key not in _KEYS]:
        problems.append(f"{where}: {unknown_path(key, _KEYS)}")
        del raw[key]
    return problems, origins


def require_mapping(name: str, given: object, example: str) -> None:
    """Raise ExperimentError if a keyword of `load_experiment` maps no paths to values."""
    if not isinstance(given, Mapping):
        message = f"{name} is {shown(given)}; expected a mapping of dotted paths, as in {example}."
        raise ExperimentError(message)


def _whole(name: str, value: object) -> str:
    """Say that a change cannot be of a whole section, and which fields it has."""
    state = f"{name} is {shown(value)}; expected"
    if name == "grid":
        return f"{state} axes as grid (--grid), as in init.scale=1,2."
    if name not in SECTIONS:
        return f"{state} [[{name}]] in the experiment file, which is not changed from outside."
    fields = ", ".join(SECTIONS[name].model_fields)
    return f"{state} one of its fields, as {name}.FIELD: {fields}.{meant_fields(name, value)}"


def take_out(table: object, key: str) -> None:
    """Take a key out of what may be a table."""
    if isinstance(table, dict):
        table.pop(key, None)


def _take_out_axis(axes: object, path: str) -> None:
    """Take a path out of a grid as it was read, also from among those that vary together."""
    if not isinstance(axes, dict):
        return
    for key in [key for key in axes if path in split_paths(key)]:
        values = axes.pop(key)
        kept = [i for i, name in enumerate(split_paths(key)) if name != path]
        if kept and isinstance(values, list):
            rows = [[row[i] for i in kept] for row in values if isinstance(row, list)]
            rows = rows if len(kept) > 1 else [value for (value,) in rows]
            names = [split_paths(key)[i] for i in kept]
            axes[",".join(names)] = [v for i, v in enumerate(rows) if v not in rows[:i]]
