"""Do the engines agree? Trains the same starts on each and prints the table of docs/engines.md.

python docs/agreement.py run ENGINE FILE.npz [RESTARTS [WORD]]
    measure one engine, on all networks or those with this word in their name
python docs/agreement.py compare FILE.npz FILE.npz...
    compare with the first
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from scipy.stats import fisher_exact

from runner.engines.registry import compiled
from runner.experiment.batches import Segment
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.evaluation import evaluate
from runner.training.lanes import train
from runner.training.rows import label_endpoints
from runner.training.worker import Task, prepare

CASES = {
    "2-2-1 sigmoid, cross-entropy": {
        "problem": {"gate": "XOR"},
        "training": {"learning_rate": 2.0, "max_steps": 2000},
    },
    "2-3-1 tanh, squared error, momentum": {
        "problem": {"gate": "XOR"},
        "network": {"hidden": [3], "activation": "tanh"},
        "loss": {"kind": "squared-error"},
        "training": {
            "optimizer": "momentum",
            "momentum": 0.5,
            "learning_rate": 0.5,
            "max_steps": 2000,
        },
    },
    "2-4-1 relu, cross-entropy, adam": {
        "problem": {"gate": "XOR"},
        "network": {"hidden": [4], "activation": "relu"},
        "training": {"optimizer": "adam", "learning_rate": 0.01, "max_steps": 500},
    },
    "4-8-1 tanh, parity of four bits": {
        "problem": {"gate": "PARITY-4"},
        "network": {"hidden": [8], "activation": "tanh"},
        "training": {"learning_rate": 0.5, "max_steps": 1000},
    },
    "2-2 softmax, normal starts": {
        "problem": {"gate": "AND"},
        "network": {"hidden": [], "output": "softmax"},
        "init": {"distribution": "normal", "scale": 0.01},
        "training": {"max_steps": 100},
    },
}


def run(engine: str, path: Path, restarts: int, word: str = "") -> None:
    found = {}
    for name, experiment in CASES.items():
        if word not in name:
            continue
        loaded = load_experiment({"name": "agreement", "restarts": restarts, **experiment})
        (configuration,) = Plan(loaded, engine).configurations
        signature = replace(configuration.signature(), n_lanes=min(256, restarts))
        functions = compiled(engine, signature)
        work = prepare(Task((Segment(configuration, 0, restarts),), loaded.seed, engine, 0))
        at_start = evaluate(functions, signature.state.start(work.starts, work.hyper[0]), work)
        few = replace(work, max_steps=np.full(restarts, 100, np.int32))
        n = signature.architecture.n_parameters
        ended = train(functions, work)
        verdict = label_endpoints(functions, work, ended)
        found |= {
            f"{name}|loss": at_start.loss,
            f"{name}|gradient": at_start.gradient,
            f"{name}|weights": train(functions, few).state[:n],
            f"{name}|solved": ended.solved,
            f"{name}|label": verdict.label.astype(str),
        }
    np.savez(path, **found)


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference, relative to the largest component of each restart."""
    a, b = np.atleast_2d(a), np.atleast_2d(b)
    return float((abs(a - b).max(axis=0) / abs(b).max(axis=0)).max())


def compare(paths: list[Path]) -> list[list[object]]:
    """Rows: network, engine, loss, gradient, weights, solved, those of the first, p, labels."""
    first = np.load(paths[0])
    rows: list[list[object]] = []
    for name in dict.fromkeys(key.partition("|")[0] for key in first):
        for path in paths[1:]:
            other = np.load(path)
            solved, base = (int(f[f"{name}|solved"].sum()) for f in (other, first))
            n = len(first[f"{name}|solved"])
            _, p = fisher_exact([[solved, n - solved], [base, n - base]])
            rows.append(
                [
                    name,
                    path.stem,
                    *(
                        relative(other[f"{name}|{what}"], first[f"{name}|{what}"])
                        for what in ("loss", "gradient", "weights")
                    ),
                    solved,
                    base,
                    float(p),
                    int((other[f"{name}|label"] != first[f"{name}|label"]).sum()),
                ]
            )
    return rows


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["run"]:
        restarts = int(arguments[3]) if len(arguments) > 3 else 2000
        run(arguments[1], Path(arguments[2]), restarts, *arguments[4:])
        return
    print("| network | engine | loss | gradient | weights, 100 steps | solved | p | other labels |")
    print("|---|---|---|---|---|---|---|---|")
    for name, engine, loss, gradient, weights, solved, base, p, labels in compare(
        [Path(path) for path in arguments[1:]]
    ):
        print(
            f"| {name} | {engine} | {loss:.0e} | {gradient:.0e} | {weights:.0e} | "
            f"{solved} and {base} | {p:.2f} | {labels} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
