"""What `benchmarks/gpu.py` runs on a GPU, made on a CPU: kernels, what they are given, their bits.

    PYTHONPATH=. python benchmarks/gpu_cases.py benchmarks/gpu-cases.npz

Needs the runner's environment; the machine with the GPU needs neither PyTensor, Dask nor Arrow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from runner.engines.simd.artifact import Interface
from runner.network.signature import Signature

N = 1024
"""Restarts of a case; a GPU trains copies of them."""

STEPS = 400
"""Steps at most."""

PRODUCTS = 4 * 10**9
"""Weights times patterns of all steps of a case, at most: of large networks there are fewer."""

SOME = 64
"""Restarts of a case, at least: half of them hold a number that is hard on arithmetic."""

GIVEN = ("state", "steps", "limit", "hyper", "targets")

Settings = dict[str, object]
"""What an experiment sets, by dotted path."""

SETTINGS: dict[str, Settings] = {
    "AND": {"problem.gate": "AND", "network.hidden": []},
    "XOR": {},
    "XOR, stops when solved": {"training.stop_solved": True, "training.learning_rate": 2.0},
    "XOR, 3 hidden": {"network.hidden": [3]},
    "XOR, 4 hidden": {"network.hidden": [4]},
    "XOR, 6 hidden": {"network.hidden": [6]},
    "XOR, 8 hidden": {"network.hidden": [8]},
    "XOR, 16 hidden": {"network.hidden": [16]},
    "XOR, 64 hidden": {"network.hidden": [64]},
    "PARITY-8, 64 and 64 hidden": {"problem.gate": "PARITY-8", "network.hidden": [64, 64]},
    "momentum": {"training.optimizer": "momentum", "training.momentum": 0.9},
    "Adam": {"training.optimizer": "adam", "training.learning_rate": 0.05},
    "rprop, squared error": {
        "training.optimizer": "rprop",
        "training.learning_rate": 0.1,
        "loss.kind": "squared-error",
    },
    "tanh, skip": {"network.activation": "tanh", "network.skip": True},
    "relu": {"network.activation": "relu"},
    "mini-batches, shuffled": {
        "training.patterns_per_update": 2,
        "training.order": "shuffled",
    },
    "own model": {
        "problem.gate": "XOR",
        "network.model": "experiments/units.py:gaussian",
    },
}
"""What the experiments of the cases set; each is made in float32 and in float64."""


def signature(settings: Settings, dtype: str) -> Signature:
    """What is compiled for an experiment's only configuration."""
    from runner.experiment.experiment import load_experiment
    from runner.experiment.plan import Plan

    content: dict[str, object] = {"name": "gpu", "problem": {"gate": "XOR"}}
    for path, value in (settings | {"training.dtype": dtype}).items():
        section, _, field = path.partition(".")
        content.setdefault(section, {})[field] = value
    plan = Plan(load_experiment(content)).trusting(True)
    return plan.configurations[0].signature()


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of what training leaves behind; every NaN counts as the same one."""
    found = hashlib.sha256()
    for array in arrays:
        same = np.where(np.isnan(array), np.nan, array).astype(array.dtype)
        found.update(same.tobytes())
    return found.hexdigest()


def case(
    settings: dict[str, object], dtype: str
) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """One case: what is told of it, and its arrays."""
    from runner.engines import pytensor
    from runner.engines.gpu_kernel import tried
    from runner.engines.registry import compiled

    what = signature(settings, dtype)
    kernel = pytensor.kernel(what)
    functions = compiled("pytensor", what)
    most = PRODUCTS // (what.architecture.n_parameters * len(what.patterns))
    n = min(N, max(SOME, most // STEPS))
    arrays = dict(zip(GIVEN, tried(what, n, min(STEPS, max(1, most // n))), strict=True))
    with np.errstate(all="ignore"):
        ended = functions.advance(*arrays.values())
    told = {
        "code": kernel.code.decode(),
        "interface": dataclasses.asdict(kernel.interface),
        "sha256": digest(*ended),
    }
    return told, arrays


def interface(content: dict[str, object]) -> Interface:
    """An interface from what JSON makes of it."""
    runs = {name: tuple(map(tuple, content[name])) for name in ("inputs", "outputs")}
    return Interface(**content | runs)


def write(
    path: str | Path, settings: dict[str, dict[str, object]], dtypes: tuple[str, ...]
) -> None:
    """Write cases into a file."""
    told, arrays = {}, {}
    for name, each in settings.items():
        for dtype in dtypes:
            title = f"{name}, {dtype}"
            told[title], found = case(each, dtype)
            arrays |= {f"{title}/{key}": array for key, array in found.items()}
    np.savez_compressed(path, told=np.array(json.dumps(told)), **arrays)


def read(path: str | Path) -> dict[str, dict[str, object]]:
    """Read cases; each has its arrays under the names of `GIVEN`."""
    with np.load(path) as file:
        told = json.loads(str(file["told"]))
        return {
            title: each | {name: file[f"{title}/{name}"] for name in GIVEN}
            for title, each in told.items()
        }


if __name__ == "__main__":
    write(sys.argv[1], SETTINGS, ("float32", "float64"))
    print(f"{sys.argv[1]}: {2 * len(SETTINGS)} cases, made on a CPU")
