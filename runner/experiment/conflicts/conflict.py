"""A conflict: a rule between fields that one configuration breaks."""

from __future__ import annotations

from dataclasses import dataclass

from runner.errors.messages import shown

__all__ = ["Conflict", "conflict"]


@dataclass(frozen=True)
class Conflict:
    """A rule between fields that one configuration breaks."""

    text: str
    """`<field> is <value>; expected <rule>.`"""
    fields: frozenset[str]
    """Dotted paths of the fields that play a part."""


def conflict(field: str, value: object, rule: str, *others: str, step: str = "") -> Conflict:
    """Return the conflict of a field, whose value is to keep a rule, with other fields.

    Parameters
    ----------
    field : str
        Its dotted path.
    value : object
    rule : str
        What is expected.
    *others : str
        Dotted paths of the other fields that play a part.
    step : str
        What to do next: sentences with a space before them.
    """
    text = f"{field} is {shown(value)}; expected {rule}.{step}"
    return Conflict(text, frozenset((field, *others)))
