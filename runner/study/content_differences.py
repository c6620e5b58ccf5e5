"""In what a user's tables, models and given starts are other ones than a study has, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.errors.messages import counted, listed, printable, shown

__all__ = ["content_differences"]


def content_differences(
    stored: Mapping[str, Any], plan: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield what of two plans' contents of files differs: where it stands in the plan, and words.

    Contents that only one of the plans has follow from a field that names them, or from how they
    are to be read.
    """
    kinds = {"tables": _table_text, "models": _model_text, "starts": _starts_text}
    for kind, text in kinds.items():
        old, new = (each.get(kind) or {} for each in (stored, plan))
        for name in old.keys() & new.keys():
            if old[name] != new[name]:
                yield f"plan.{kind}.{name}", text(name, old[name], new[name])


def _model_text(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    was, now = (str(each.get("sha256"))[:12] for each in (old, new))
    return f"{printable(name)}: the content of its file was {was!r} (of its SHA-256), now {now!r}"


def _starts_text(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    names = [column for column in new if column in old]
    if names != [*old] or len(names) != len(new):
        return f"{printable(name)}: its weights were {listed([*old][:8])}, now {listed([*new][:8])}"
    rows, others = (list(zip(*each.values(), strict=True)) for each in (old, new))
    return _rows_text(name, rows, others, names)


def _table_text(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say in what a table is another one: their numbers would fill pages."""
    names = [*new.get("input_names", []), *new.get("target_names", [])]
    before = [*old.get("input_names", []), *old.get("target_names", [])]
    file, (held_out, held_rows) = str(new["name"]), _held(key)
    trained, others = (_rows(each, "inputs", "targets") for each in (old, new))
    held, other_held = (_rows(each, "held_inputs", "held_targets") for each in (old, new))
    if held_out is not None and trained == others and held != other_held:
        return _rows_text(str(held_out), held, other_held, names)
    if held_out is None and held_rows:
        trained = _in_file(trained, held, held_rows)
        others = _in_file(others, other_held, held_rows)
    if trained != others:
        return _rows_text(file, trained, others, names)
    if names != before:
        return f"{printable(file)}: its columns were {listed(before[:8])}, now {listed(names[:8])}"
    changed = [field for field in new if old.get(field) != new[field]]
    changes = (f"its {f} were {shown(old.get(f))}, now {shown(new[f])}" for f in changed)
    return f"{printable(file)}: {'; '.join(changes)}"


def _held(key: str) -> tuple[Any, Any]:
    """Return what a table's key in a plan says of rows that are held out: a file, or rows."""
    try:
        held_out, rows = json.loads(key.rpartition("|")[2])
    except (TypeError, ValueError):  # of none, or of columns and a tolerance
        return None, None
    return held_out, rows


def _rows(table: Mapping[str, Any], inputs: str, targets: str) -> list[list[Any]]:
    pairs = zip(table.get(inputs, []), table.get(targets, []), strict=True)
    return [row + others for row, others in pairs]


def _in_file(trained: list[Any], held: list[Any], places: Sequence[int]) -> list[Any]:
    """Return all rows in the file's order; those at the places are held out, in its order too."""
    rows = list(trained)
    for place, row in zip(sorted(places), held, strict=False):
        rows.insert(place, row)
    return rows


def _rows_text(
    file: str, rows: Sequence[Sequence[Any]], others: Sequence[Sequence[Any]], names: Sequence[str]
) -> str:
    """Say how many rows differ, and the first number that does: long rows would be cut."""
    file = printable(file)
    if len(rows) != len(others):
        return f"{file} had {counted(len(rows), 'row')}, now {len(others):,}"
    if rows and len(rows[0]) != len(others[0]):
        return f"{file} had {counted(len(rows[0]), 'column')} that count, now {len(others[0]):,}"
    different = [n for n, pair in enumerate(zip(rows, others, strict=True)) if pair[0] != pair[1]]
    number = different[0]
    row, other = rows[number], others[number]
    place = next(p for p, (was, now) in enumerate(zip(row, other, strict=True)) if was != now)
    column = shown(names[place]) if names else f"{place + 1:,}"
    text = f"{file}: row {number + 1:,} of column {column} was {row[place]!r}, now {other[place]!r}"
    more = len(different) - 1
    return f"{text}, and {counted(more, 'more row differs', 'more rows differ')}" if more else text
