"""Train small networks from many random starts and see how non-convex the problem is.

>>> import runner
>>> study = runner.sweep("experiments/gates.toml")      # doctest: +SKIP
>>> study.summary                                       # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import (
    ClusterError,
    ExperimentError,
    FailuresError,
    RunnerError,
    StudyError,
)

if TYPE_CHECKING:
    from runner.analysis import analyze as analyze
    from runner.experiment import Experiment as Experiment
    from runner.experiment import load_experiment as load_experiment
    from runner.references import reference as reference
    from runner.report import write_report as write_report
    from runner.run import sweep as sweep
    from runner.tables import Study as Study
    from runner.tables import open_study as open_study

__version__ = "0.1.0"

# Loaded on first use: pandas, pyarrow and Dask take longer to import than `--help` should.
_LAZY = {
    "Experiment": "runner.experiment",
    "Study": "runner.tables",
    "analyze": "runner.analysis",
    "load_experiment": "runner.experiment",
    "open_study": "runner.tables",
    "reference": "runner.references",
    "sweep": "runner.run",
    "write_report": "runner.report",
}

__all__ = [
    "ClusterError",
    "Experiment",
    "ExperimentError",
    "FailuresError",
    "RunnerError",
    "Study",
    "StudyError",
    "analyze",
    "load_experiment",
    "open_study",
    "reference",
    "sweep",
    "write_report",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LAZY:
        message = f"module 'runner' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
