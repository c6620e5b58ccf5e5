"""What is said of fields that are unknown or have wrong values, with what was probably meant."""

from __future__ import annotations

from collections.abc import Mapping

from runner.errors.messages import shown
from runner.experiment.fields.rules import choices_of, rule_of
from runner.experiment.fields.sections import PATHS, SECTIONS
from runner.experiment.fields.synonyms import field_hint, value_hint

__all__ = ["meant_fields", "unknown_path", "whole_section", "wrong_value"]


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
    # All fields of a section would bury the hint.
    rule = (
        f"a field of [{section}]" if hint and section in SECTIONS else f"one of {', '.join(near)}"
    )
    return f"{word} is unknown; expected {rule}.{hint}"


def wrong_value(path: str, value: object) -> str:
    """Say that a field of a section cannot have this value."""
    section, _, field = path.partition(".")
    kind = SECTIONS[section]
    hint = value_hint(path, value, choices_of(kind, field))
    return f"{path} is {shown(value)}; expected {rule_of(kind, field)}.{hint}"


def whole_section(name: str, value: object) -> str:
    """Say that a section is a table, and which of its fields a value may be meant for."""
    return f"{name} is {shown(value)}; expected a table, [{name}].{meant_fields(name, value)}"


def meant_fields(section: str, value: object) -> str:
    """Return a hint at the fields of a section that a value, put in its place, may be meant for.

    Those that a mapping names, or that take a text as one of a few names, if need be another one
    for the same.
    """
    kind = SECTIONS[section]
    if isinstance(value, Mapping):
        near = [f"{section}.{field}" for field in value if field in kind.model_fields]
    else:
        near = [
            f"{section}.{field}" for field in kind.model_fields if _takes(section, field, value)
        ]
    return f" Did you mean {' and '.join(near)}?" if near else ""


def _takes(section: str, field: str, value: object) -> bool:
    names = choices_of(SECTIONS[section], field)
    if not isinstance(value, str) or not names:
        return False
    return value in names or "mean" in value_hint(f"{section}.{field}", value, names)
