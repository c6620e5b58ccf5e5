"""Trains what others reported, from experiments/reports/, and prints the table of docs/reports.md.

python docs/reports.py [RESTARTS [WORD]]
    of this many restarts (default 1000) of every experiment, or of those with this word
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np

from runner.engines.registry import compiled
from runner.experiment.batches import Segment
from runner.experiment.configuration import Configuration
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.statistics.proportions import proportion
from runner.training.lanes import train
from runner.training.worker import Task, prepare

FOLDER = ROOT / "experiments" / "reports"


@dataclass(frozen=True)
class Outcome:
    """What became of one configuration's restarts."""

    experiment: str
    """The file's name."""
    cell: str
    """The values of its grid, or nothing where it has none."""
    n: int
    solved: int
    steps: float
    """Median steps of those that are solved; nan where steps do not tell when."""


def outcomes(restarts: int, word: str = "") -> Iterator[Outcome]:
    """Train; yield what became of each configuration."""
    for path in sorted(FOLDER.glob("*.toml")):
        if word in path.stem:
            experiment = load_experiment(path, changes={"restarts": restarts})
            for (cell, _), c in zip(
                experiment.points(), Plan(experiment).configurations, strict=True
            ):
                values = ", ".join(str(_plain(value)) for value in cell.values())
                solved, steps = trained(c, restarts, experiment.seed)
                training = c.settings.training
                told = solved.any() and (training.stop_solved or training.stop_loss > 0)
                median = float(np.median(steps[solved])) if told else np.nan
                yield Outcome(path.stem, values, restarts, int(solved.sum()), median)


def trained(c: Configuration, restarts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which restarts of a configuration (n,) are solved, and after how many steps."""
    task = Task((Segment(c, 0, restarts),), seed, "pytensor", 0)
    ended = train(compiled("pytensor", c.signature()), prepare(task))
    return ended.solved, ended.steps


def table(found: list[Outcome]) -> str:
    """The table as Markdown."""
    lines = ["| experiment | | n | solved | 95% interval | steps |", "|---|---|---|---|---|---|"]
    for o in found:
        share, low, high = (100 * value for value in proportion(o.solved, o.n))
        steps = "" if np.isnan(o.steps) else f"{o.steps:,.0f}"
        interval = f"{low:.1f}-{high:.1f}"
        cells = (f"`{o.experiment}`", o.cell, f"{o.n:,}", f"{share:.1f}%", interval, steps)
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


if __name__ == "__main__":
    print(table(list(outcomes(int((sys.argv[1:] or ["1000"])[0]), *sys.argv[2:3]))))
