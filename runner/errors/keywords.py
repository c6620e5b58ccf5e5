"""Loose keywords of public functions, checked as the fields of an experiment file are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, TypeVar

from runner.errors.exceptions import ExperimentError
from runner.errors.messages import listed, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["LooseKeywords", "is_integer", "is_number", "require_flags"]

Options = TypeVar("Options", bound="DataclassInstance")


def is_integer(value: object) -> bool:
    """Whether a value is an integer of Python or NumPy, which ``True`` is not meant to be."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether a value is a real number of Python or NumPy, likewise."""
    return isinstance(value, Real) and not isinstance(value, bool)


def require_flags(where: str, **flags: object) -> None:
    """Raise ExperimentError if a keyword is not True or False: the text ``"no"`` would be true."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            message = f"{where}: {name} is {value!r}; expected True or False."
            raise ExperimentError(message)


class LooseKeywords:
    """Sorts the loose keywords of one call into options objects.

    Parameters
    ----------
    name : str
        The function as users know it, for messages.
    function : callable
        It; its own keywords are among what a misspelt one may mean.
    keywords : mapping
        The keywords that its signature does not name.
    **kinds : type
        Dataclasses whose fields may be given, by the parameter that takes such an object whole.

    Raises
    ------
    ExperimentError
        If a keyword is of none of them.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Size:
    ...     width: int = 1
    ...     height: int = 1
    >>> def draw(size: Size | None = None, **keywords: int) -> Size:
    ...     return LooseKeywords("draw", draw, keywords, size=Size).collected("size", Size, size)
    >>> draw(height=3) == draw(size=Size(height=3)) == Size(1, 3)
    True
    >>> draw(heigth=3)
    Traceback (most recent call last):
    runner.errors.exceptions.ExperimentError: draw: 'heigth' is not an option; \
expected one of 'size', 'width', 'height'. Did you mean 'height'?
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        keywords: Mapping[str, object],
        **kinds: type[DataclassInstance],
    ) -> None:
        self._name = name
        self._keywords = keywords
        known = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        known += [field.name for kind in kinds.values() for field in fields(kind)]
        for keyword in keywords:
            if keyword not in known:
                message = (
                    f"{name}: {keyword!r} is not an option; expected one of {listed(known)}."
                    f"{nearest(keyword, known)}"
                )
                raise ExperimentError(message)

    def collected(self, parameter: str, kind: type[Options], given: Options | None) -> Options:
        """Return the object that was given whole, or else one of the loose keywords.

        Raises
        ------
        ExperimentError
            If both were given, or a value is out of range.
        """
        names = [field.name for field in fields(kind)]
        loose = {n: v for n, v in self._keywords.items() if n in names}
        if given is None:
            return kind(**loose)
        if loose:
            message = (
                f"{self._name}: {listed(loose)} and {parameter} are both given; expected one of "
                f"them. Say it in {parameter}={kind.__name__}(...)."
            )
            raise ExperimentError(message)
        if not isinstance(given, kind):
            message = f"{self._name}: {parameter} is {given!r}; expected a {kind.__name__}."
            raise ExperimentError(message)
        return given
