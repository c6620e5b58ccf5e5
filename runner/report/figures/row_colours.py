"""Colours of critical points by how many rows of the table they answer right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from runner.report.colours import LABEL_COLOURS, OTHER, RAMP, ramp
from runner.report.figures.base import Key
from runner.report.landscape_tables import weights
from runner.study.row_judge import rows_right

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration


@dataclass(frozen=True)
class Answered:
    """Rows right of a critical point."""

    right: int
    """How many; -1 where a report cannot know, as it executes no user's code."""
    rows: int
    """Of how many."""
    solved: bool
    """Whether an endpoint there would be labelled solved."""

    @property
    def share(self) -> float:
        """As a share of all rows."""
        return self.right / self.rows

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"{self.right:,} of {self.rows:,} rows right" if self.right >= 0 else "rows not known"
        )


def answered(configuration: Configuration, points: pd.DataFrame) -> dict[int, Answered]:
    """Return the rows right of critical points, by class.

    Parameters
    ----------
    configuration : Configuration
    points : DataFrame
        Rows of `Study.critical_points`, of this configuration.
    """
    n, numbers = configuration.table.n_patterns, points["class"].tolist()
    if configuration.architecture.as_layers is None:
        return {number: Answered(-1, n, solved=False) for number in numbers}
    counts = rows_right(configuration, weights(points, configuration).T).tolist()
    row_by_row = configuration.settings.solved_by != "loss"
    return {
        number: Answered(count, n, row_by_row and count == n)
        for number, count in zip(numbers, counts, strict=True)
    }


def row_keys(found: Iterable[Answered]) -> dict[Answered, Key]:
    """Return what each is drawn in, the best first: solved in its hue, others from light to dark.

    Of more kinds than there are colours those of one eighth of all rows have one.
    """
    kinds = sorted(set(found), key=lambda a: (a.solved, a.share), reverse=True)
    between = [each for each in kinds if each.right >= 0 and not each.solved]
    colours = dict(zip(between[::-1], ramp(len(between)), strict=False))
    keys = {}
    for each in kinds:
        if each.right < 0:
            keys[each] = Key(each.text, OTHER, "o")
        elif each.solved:
            keys[each] = Key(f"solved: {each.text}", LABEL_COLOURS["solved"], "o")
        elif len(between) <= len(RAMP):
            keys[each] = Key(each.text, colours[each], "o")
        else:
            k = min(int(len(RAMP) * each.share), len(RAMP) - 1)
            ends = [f"{100 * end / len(RAMP):g}%" for end in (k, k + 1)]
            keys[each] = Key(f"{ends[0]} to {ends[1]} of rows right", RAMP[k], "o")
    return keys
