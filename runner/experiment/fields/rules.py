"""What the values of a field of an experiment file must be, in words and as names."""

from __future__ import annotations

from typing import get_args

from runner.errors.messages import listed
from runner.experiment.fields.sections import Problem, Rule, Section
from runner.experiment.truth_tables.gates import GATES

__all__ = ["choices_of", "own_rule", "rule_of"]


def rule_of(section: type[Section], field: str) -> str:
    """Return what the values of a field must be, in words."""
    rule = own_rule(section, field)
    names = () if (section, field) == (Problem, "gate") else choices_of(section, field)
    if not names:
        return str(rule)
    return f"one of {listed(names)}" + (f", or {rule}" if rule else "")


def own_rule(section: type[Section], field: str) -> str | None:
    """Return the rule that a field's type carries, beside names that it takes."""
    info = section.model_fields[field]
    annotations = [info.annotation, *get_args(info.annotation)]
    for source in (info.metadata, *(getattr(a, "__metadata__", ()) for a in annotations)):
        for item in source:
            if isinstance(item, Rule):
                return item.text
    return None


def choices_of(section: type[Section], field: str) -> tuple[str, ...]:
    """Return the valid names of a field that takes one of a few; empty for other fields."""
    if section is Problem and field == "gate":
        return tuple(GATES)
    annotation = section.model_fields[field].annotation
    # Of an optional field, the choices are one level deeper.
    found = [a for part in (annotation, *get_args(annotation)) for a in get_args(part)]
    return tuple(dict.fromkeys(a for a in found if isinstance(a, str)))
