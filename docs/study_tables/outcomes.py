"""How each configuration's restarts ended: the table that every study has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from runner.study.study import Study
from study_tables.base import cell, interval, markdown, percent


@dataclass(frozen=True)
class Outcome:
    """What became of one configuration's restarts."""

    experiment: str
    """The experiment's name."""
    configuration: str
    """The values of its grid, or nothing where it has none."""
    n: int
    """Restarts."""
    solved: int
    """How many of them are solved."""
    steps: float
    """Median steps of those that are solved; nan where steps do not tell when."""


def outcomes(study: Study) -> Iterator[Outcome]:
    """What became of each configuration."""
    rows = study.restarts
    points = study.experiment.points()
    for number, (values, settings) in enumerate(points):
        own = rows.loc[number]
        solved = own["solved"].to_numpy()
        told = solved.any() and (settings.training.stop_solved or settings.training.stop_loss > 0)
        steps = float(np.median(own["steps"].to_numpy()[solved])) if told else np.nan
        text = ", ".join(cell(value) for value in values.values())
        yield Outcome(study.experiment.name, text, len(own), int(solved.sum()), steps)


def outcomes_table(studies: Mapping[str, Study]) -> str:
    """Share solved and median steps of every configuration."""
    rows = []
    for study in studies.values():
        for o in outcomes(study):
            steps = "" if np.isnan(o.steps) else f"{o.steps:,.0f}"
            share, ci = percent(o.solved / o.n), interval(o.solved, o.n)
            rows.append((f"`{o.experiment}`", o.configuration, f"{o.n:,}", share, ci, steps))
    return markdown(("experiment", "", "n", "solved", "95% interval", "steps"), rows)
