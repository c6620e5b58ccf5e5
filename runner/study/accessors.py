"""Properties of a study that rooms above this one make: registered by name, as those of pandas.

The package's door registers them, so that every study has them and no file here imports what draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_MAKERS: dict[str, Callable[[Any], Any]] = {}


def register_accessor(name: str, make: Callable[[Any], Any]) -> None:
    """Name what makes the property ``name`` of a `runner.study.study.Study`, from the study."""
    _MAKERS[name] = make


def accessor(name: str, study: object) -> Any:
    """Return what is registered under a name, made of this study."""
    return _MAKERS[name](study)
