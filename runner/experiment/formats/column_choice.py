"""Which columns of a table are inputs, which are targets, and which play no part."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from runner.errors.messages import nearest, printable, shown
from runner.experiment.formats.csv_hints import name_hint, target_hint

_TARGET: Final = re.compile(r"y(\d*|_.*)", re.ASCII)

__all__ = ["ColumnChoice", "in_words"]


@dataclass(frozen=True)
class ColumnChoice:
    """What `problem.target_columns` and `problem.ignored_columns` say."""

    targets: tuple[str, ...] = ()
    """Names of the targets; empty for the columns `y`, `y<digits>` and `y_<anything>`."""
    ignored: tuple[str, ...] = ()
    """Names of columns that are left out."""
    must_vary: bool = True
    """Whether a target that is the same in every row is wrong: what is learnt needs two."""

    def names_a_target(self, names: Sequence[str]) -> bool:
        """Return whether one of the names is that of a target."""
        return any(self._is_target(name) for name in names)

    def _is_target(self, name: str) -> bool:
        return name in self.targets if self.targets else _TARGET.fullmatch(name) is not None

    def positions(
        self, names: Sequence[str], *, by_place: bool = False
    ) -> tuple[list[int], list[int]]:
        """Return where inputs and targets are, both in the order of the file.

        Parameters
        ----------
        names : sequence of str
            Of all columns.
        by_place : bool
            The names are places, as of a file without a header: without a choice, the last of
            the columns is the target.
        """
        kept = [i for i, name in enumerate(names) if name not in self.ignored]
        if by_place and not self.targets:
            return kept[:-1], kept[-1:]
        targets = [i for i in kept if self._is_target(names[i])]
        return [i for i in kept if i not in targets], targets

    def problems(
        self, names: Sequence[str], place: str, *, by_place: bool = False
    ) -> list[tuple[str, str]]:
        """Return what is wrong with the columns: messages, each with a hint.

        Parameters
        ----------
        names : sequence of str
        place : str
            Where the names stand: ``line 1``.
        by_place : bool
        """
        found = []
        for position, name in enumerate(names, start=1):
            if not name and name not in self.ignored:
                hint = name_hint(position, len(names))
                found.append((f"{place}, column {position} has no name; expected one.", hint))
        for name, count in Counter(filter(None, names)).items():
            if count > 1 and name not in self.ignored:
                text = f"{place} names column {shown(name)} {count} times; expected once."
                found.append((text, ""))
        columns = f"{place} names the columns {in_words(names)}"
        for field, chosen in (("target", self.targets), ("ignored", self.ignored)):
            for name in chosen:
                if name not in names:
                    text = f"{columns}; expected {shown(name)}, of problem.{field}_columns."
                    found.append((text, nearest(name, names)))
        for name in sorted(set(self.targets) & set(self.ignored)):
            text = f"column {shown(name)} is in problem.target_columns and in "
            found.append((f"{text}problem.ignored_columns; expected one of the two.", ""))
        inputs, targets = self.positions(names, by_place=by_place)
        if not targets and not self.targets:
            rule = "expected a target column named y, y<digits> or y_<name>"
            kept = [name for name in names if name not in self.ignored]
            found.append((f"{columns}; {rule}.", target_hint(kept)))
        if not inputs:
            if self.targets or by_place:
                rule = "expected an input column beside the targets"
            else:
                rule = "expected an input column, with a name not of the form y, y<digits>, "
                rule += "y_<name>"
            found.append((f"{columns}; {rule}.", ""))
        return found


def in_words(names: Sequence[str]) -> str:
    """Return up to eight names, each up to 40 characters long."""
    shown_names = [printable(name[:40]) for name in names[:8]]
    return ", ".join(shown_names) + (", ..." if len(names) > 8 else "")
