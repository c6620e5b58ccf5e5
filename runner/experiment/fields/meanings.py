"""What the fields of an experiment file mean and default to, as their declarations say."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from typing import Any, Final, get_args

from runner.experiment.fields.sections import CONSTANTS, Section
from runner.network.optimizers.registry import OPTIMIZERS

__all__ = ["default_in_words", "default_of", "meaning_of"]

_DEFAULT: Final = re.compile(r"; (?:no default|default (?P<value>(?:[^;.]|\.\d)*))(?=[;.:])")


@cache
def _docstrings(kind: type[Section]) -> dict[str, str]:
    """Return what the docstring below each field of a class says, on one line."""
    tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    (found,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind.__name__]
    texts: dict[str, str] = {}
    for field, below in zip(found.body, found.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            texts[field.target.id] = " ".join(str(below.value.value).split())
    return texts


def meaning_of(kind: type[Section], field: str) -> str:
    """Return what a field means, without its default and the full stop."""
    return _DEFAULT.sub("", _docstrings(kind)[field]).removesuffix("; required.").rstrip(".")


def default_in_words(kind: type[Section], field: str) -> str | None:
    """Return what a field's words call its default, where it has no value of its own."""
    found = _DEFAULT.search(_docstrings(kind)[field])
    value = found["value"] if found is not None else None
    return None if value == "none" else value


def default_of(kind: type[Section], field: str) -> Any:
    """Return a field's default as plain data; None where it has none.

    An optimizer's constant has that of the first optimizer that takes it.
    """
    value = kind.model_fields[field].get_default(call_default_factory=True)
    if field in CONSTANTS and field in kind.model_fields:
        value = next(o.constants[field] for o in OPTIMIZERS.values() if field in o.constants)
        if bool in _types(kind, field):
            value = bool(value)
    if kind.model_fields[field].is_required() or value in (None, (), {}):
        return None
    return list(value) if isinstance(value, tuple) else value


def _types(kind: type[Section], field: str) -> set[Any]:
    """Return the types that a field's annotation is made of."""
    annotation = kind.model_fields[field].annotation
    found: set[Any] = set()
    parts = [annotation]
    while parts:
        part = parts.pop()
        found.add(part)
        parts += get_args(part)
    return found
