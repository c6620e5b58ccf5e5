"""Are restarts that are called stuck stuck? Prints the table of docs/labels.md.

python docs/labels.py [RESTARTS [WORD]], or make labels ARGS="RESTARTS WORD"
    of this many restarts (default 1000) of every configuration, or of those with this word

Every configuration is trained with its budget and again, from the same starts, with ten times that.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from runner.engines.registry import compiled
from runner.experiment.batches import Segment
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.labels import Label
from runner.training.lanes import train
from runner.training.rows import label_endpoints
from runner.training.stability import AHEAD
from runner.training.worker import Task, prepare

STUCK = (Label.PLATEAU, Label.SATURATED, Label.STATIONARY)

TANH = {
    "problem.inputs": [-1, 1],
    "problem.targets": [-1, 1],
    "network.activation": "tanh",
    "network.output": "tanh",
    "loss.kind": "squared-error",
}
SQUARED = {"loss.kind": "squared-error"}
CASES: dict[str, dict[str, object]] = {
    "XOR": {"training.max_steps": 1000},
    "XOR, 5,000 steps": {"training.max_steps": 5000},
    "XOR, rate 2, float32": {
        "training.max_steps": 3000,
        "training.learning_rate": 2,
        "training.dtype": "float32",
    },
    "XOR, glorot, rate 0.01": {
        "training.max_steps": 500,
        "init.distribution": "glorot-uniform",
        "training.learning_rate": 0.01,
    },
    "XOR, glorot, rate 0.1": {
        "training.max_steps": 2000,
        "init.distribution": "glorot-uniform",
        "training.learning_rate": 0.1,
    },
    "XOR, starts ±0.1": {"training.max_steps": 500, "init.scale": 0.1},
    "XOR, starts ±0.001": {"training.max_steps": 2000, "init.scale": 0.001},
    "XOR, starts ±10": {"training.max_steps": 1000, "init.scale": 10},
    "XOR, rate 1e-6, one step": {"training.max_steps": 1, "training.learning_rate": 1e-6},
    "XOR, l2 0.001": {"training.max_steps": 2000, "loss.l2": 0.001},
    "XOR, squared error": SQUARED | {"training.max_steps": 1000},
    "XOR, squared error, momentum 0.9": SQUARED
    | {
        "training.max_steps": 500,
        "loss.reduction": "half-sum",
        "training.optimizer": "momentum",
        "training.momentum": 0.9,
        "training.learning_rate": 0.5,
        "init.scale": 0.5,
    },
    "XOR, momentum 0.95": {
        "training.max_steps": 500,
        "training.optimizer": "momentum",
        "training.momentum": 0.95,
        "training.learning_rate": 0.2,
    },
    "XOR, tanh": TANH | {"training.max_steps": 1000, "training.learning_rate": 0.1},
    "XOR, tanh, targets ±0.8, starts ±3": TANH
    | {
        "training.max_steps": 1000,
        "training.learning_rate": 0.1,
        "problem.targets": [-0.8, 0.8],
        "init.scale": 3,
    },
    "XOR, relu": {
        "training.max_steps": 500,
        "network.activation": "relu",
        "training.learning_rate": 0.1,
    },
    "XOR, 4 relu, he": {
        "training.max_steps": 300,
        "network.activation": "relu",
        "network.hidden": [4],
        "init.distribution": "he-normal",
        "training.learning_rate": 0.1,
    },
    "XOR, relu, linear output": SQUARED
    | {
        "training.max_steps": 500,
        "network.activation": "relu",
        "network.output": "linear",
        "training.learning_rate": 0.05,
    },
    "XOR, rprop": {
        "training.max_steps": 100,
        "training.optimizer": "rprop",
        "training.learning_rate": 0.1,
    },
    "XOR, adam, rate 0.01": {
        "training.max_steps": 300,
        "training.optimizer": "adam",
        "training.learning_rate": 0.01,
    },
    "XOR, adam, rate 0.1": {
        "training.max_steps": 200,
        "training.optimizer": "adam",
        "training.learning_rate": 0.1,
    },
    "XOR, softmax": {"training.max_steps": 1000, "network.output": "softmax"},
    "XOR, 2-2 hidden": {"training.max_steps": 1000, "network.hidden": [2, 2]},
    "AND, no hidden layer": {
        "training.max_steps": 20,
        "problem.gate": "AND",
        "network.hidden": [],
    },
    "XOR, no hidden layer": {"training.max_steps": 200, "network.hidden": []},
    "majority of five, rate 0.1": {
        "training.max_steps": 100,
        "problem.gate": "MAJORITY-5",
        "training.learning_rate": 0.1,
    },
    "parity of three, 3-3 tanh": {
        "training.max_steps": 300,
        "problem.gate": "PARITY-3",
        "network.hidden": [3, 3],
        "network.activation": "tanh",
        "training.learning_rate": 0.2,
    },
    "parity of four, 4 hidden": {
        "training.max_steps": 1000,
        "problem.gate": "PARITY-4",
        "network.hidden": [4],
    },
    "parity of five, starts ±0.1": {
        "training.max_steps": 500,
        "problem.gate": "PARITY-5",
        "network.hidden": [5],
        "init.scale": 0.1,
        "training.learning_rate": 0.1,
    },
    "parity of seven, starts ±0.1": SQUARED
    | {
        "training.max_steps": 200,
        "problem.gate": "PARITY-7",
        "network.hidden": [4],
        "init.scale": 0.1,
        "training.learning_rate": 0.1,
    },
}


@dataclass(frozen=True)
class Outcome:
    """What became of one configuration's restarts."""

    name: str
    n: int
    solved: int
    """With the budget."""
    called_stuck: Counter[str]
    """Restarts by those labels that say stuck."""
    unstuck: int
    """How many of them are solved with ten times the budget."""


def outcomes(restarts: int, word: str = "") -> Iterator[Outcome]:
    """Train and label; yield what became of each configuration."""
    for name, changes in CASES.items():
        if word in name:
            labels, _ = trained(name, changes, restarts, 1)
            _, later = trained(name, changes, restarts, AHEAD)
            stuck = np.isin(labels, STUCK)
            yield Outcome(
                name,
                restarts,
                int((labels == Label.SOLVED).sum()),
                Counter(labels[stuck].tolist()),
                int(later[stuck].sum()),
            )


def trained(
    name: str, changes: Mapping[str, object], restarts: int, budgets: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,), and which are solved, after this many budgets."""
    content = {"name": "labels", "restarts": restarts, "problem": {"gate": "XOR"}}
    max_steps = int(str(changes["training.max_steps"])) * budgets
    experiment = load_experiment(content, changes=dict(changes) | {"training.max_steps": max_steps})
    (configuration,) = Plan(experiment).configurations
    task = Task((Segment(configuration, 0, restarts),), experiment.seed, "pytensor", 0)
    functions = compiled("pytensor", configuration.signature())
    starts = prepare(task)
    ended = train(functions, starts)
    return label_endpoints(functions, starts, ended).label, ended.solved


def table(found: list[Outcome]) -> str:
    """The table as Markdown."""
    header = "| configuration | n | solved | plateau | saturated | stationary | solved later |"
    lines = [header, "|---|---|---|---|---|---|---|"]
    for outcome in found:
        counts = [f"{outcome.called_stuck[label]:,}" for label in STUCK]
        cells = [outcome.name, f"{outcome.n:,}", f"{outcome.solved:,}", *counts]
        lines.append(f"| {' | '.join(cells)} | {outcome.unstuck:,} |")
    n, stuck = sum(o.n for o in found), sum(o.called_stuck.total() for o in found)
    later = sum(o.unstuck for o in found)
    lines.append(f"| all | {n:,} | {sum(o.solved for o in found):,} | | {stuck:,} | | {later:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(list(outcomes(int((sys.argv[1:] or ["1000"])[0]), *sys.argv[2:3]))))
