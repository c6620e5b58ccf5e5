"""A column of targets as it is read: numbers, or classes in words."""

from __future__ import annotations

import re
from array import array

import numpy as np

from runner.errors.messages import printable, shown
from runner.experiment.formats.base import MAX_CLASSES, TableProblems
from runner.experiment.formats.csv_hints import cell_hint, is_missing

__all__ = ["TargetCells", "finite_number"]


class TargetCells:
    """The cells of one target column; its first cell says which of the two kinds it is.

    Parameters
    ----------
    name : str
    problems : TableProblems
    """

    def __init__(self, name: str, problems: TableProblems) -> None:
        self._name = printable(name)
        self._problems = problems
        self._values = array("d")
        self._numbers: dict[str, int] = {}
        self._in_words: bool | None = None

    def add(self, line: int, cell: str) -> None:
        """Add a cell; what is wrong with it is added to the problems."""
        number, word = finite_number(cell), cell.strip()
        is_word = number is None and _is_class(word)
        if self._in_words is None and (is_word or number is not None):
            self._in_words = is_word
        if number is not None and not self._in_words:
            self._values.append(number)
        elif is_word and self._in_words:
            self._values.append(self._numbers.setdefault(word, len(self._numbers)))
            if len(self._numbers) == MAX_CLASSES + 1:
                rule = f"expected at most {MAX_CLASSES}"
                text = f"line {line}, column {self._name} begins the class {shown(word)}, number "
                raise self._problems.stop(f"{text}{MAX_CLASSES + 1}; {rule}.")
        else:
            state = f"is {shown(cell)}" if word else "is missing"
            rule = "a class, as above it" if self._in_words else "a finite number"
            text = f"line {line}, column {self._name} {state}; expected {rule}."
            self._problems.add(text, cell_hint(cell))
            self._values.append(np.nan)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in sorted order; none for numbers."""
        return tuple(sorted(self._numbers))

    @property
    def values(self) -> np.ndarray:
        """Numbers, or those of the classes in their sorted order; shape (n_rows,), float64."""
        values = np.array(self._values)
        if not self._numbers or not np.isfinite(values).all():
            return values
        order = {name: place for place, name in enumerate(self.classes)}
        places = np.array([order[name] for name in self._numbers], dtype=np.float64)
        return np.asarray(places[values.astype(np.int64)])


def finite_number(cell: str) -> float | None:
    """Return the finite number that a cell holds; Python's own `1_000` is not one."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if np.isfinite(number) and "_" not in cell and cell.isascii() else None


def _is_class(word: str) -> bool:
    """Return whether a word can be the name of a class: no number, nothing that is missing."""
    if is_missing(word) or not word.isprintable() or not re.search(r"[^\W\d_]", word):
        return False
    try:
        float(word)
    except ValueError:
        return not word.startswith("#")
    return False
