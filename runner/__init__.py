"""Train small networks from many random starts and see how non-convex the problem is.

>>> import runner
>>> study = runner.sweep("experiments/gates.toml")      # doctest: +SKIP
>>> study.summary                                       # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.lazy import attach, register_accessor

if TYPE_CHECKING:
    from runner.cluster.options import ClusterOptions as ClusterOptions
    from runner.dispatch.fault_policy import FaultPolicy as FaultPolicy
    from runner.errors import ClusterError as ClusterError
    from runner.errors import CompileError as CompileError
    from runner.errors import ExperimentError as ExperimentError
    from runner.errors import FailuresError as FailuresError
    from runner.errors import RunnerError as RunnerError
    from runner.errors import StudyError as StudyError
    from runner.experiment.experiment import Experiment as Experiment
    from runner.experiment.experiment import load_experiment as load_experiment
    from runner.landscape.analysis import analyze as analyze
    from runner.landscape.options import AnalysisOptions as AnalysisOptions
    from runner.landscape.references import reference as reference
    from runner.mapping.landscape_map import map_landscape as map_landscape
    from runner.mapping.options import MapOptions as MapOptions
    from runner.precision.sweep import sweep as sweep
    from runner.precision.until import Until as Until
    from runner.report.writer import write_report as write_report
    from runner.study.concatenation import Studies as Studies
    from runner.study.concatenation import concat as concat
    from runner.study.objects.copy import pull as pull
    from runner.study.objects.copy import push as push
    from runner.study.objects.copy import release as release
    from runner.study.side_by_side import SideBySide as SideBySide
    from runner.study.side_by_side import compare as compare
    from runner.study.study import Study as Study
    from runner.study.study import open_study as open_study
    from runner.training.column_names import plain_name as plain_name
    from runner.version import __version__ as __version__

_load, _lazy = attach(
    __name__,
    {
        "AnalysisOptions": "runner.landscape.options",
        "ClusterError": "runner.errors",
        "ClusterOptions": "runner.cluster.options",
        "CompileError": "runner.errors",
        "Experiment": "runner.experiment.experiment",
        "ExperimentError": "runner.errors",
        "FailuresError": "runner.errors",
        "FaultPolicy": "runner.dispatch.fault_policy",
        "MapOptions": "runner.mapping.options",
        "RunnerError": "runner.errors",
        "SideBySide": "runner.study.side_by_side",
        "Studies": "runner.study.concatenation",
        "Study": "runner.study.study",
        "StudyError": "runner.errors",
        "Until": "runner.precision.until",
        "__version__": "runner.version",
        "analyze": "runner.landscape.analysis",
        "compare": "runner.study.side_by_side",
        "concat": "runner.study.concatenation",
        "load_experiment": "runner.experiment.experiment",
        "map_landscape": "runner.mapping.landscape_map",
        "open_study": "runner.study.study",
        "plain_name": "runner.training.column_names",
        "pull": "runner.study.objects.copy",
        "push": "runner.study.objects.copy",
        "reference": "runner.landscape.references",
        "release": "runner.study.objects.copy",
        "sweep": "runner.precision.sweep",
        "write_report": "runner.report.writer",
    },
)

__all__ = [
    "AnalysisOptions",
    "ClusterError",
    "ClusterOptions",
    "CompileError",
    "Experiment",
    "ExperimentError",
    "FailuresError",
    "FaultPolicy",
    "RunnerError",
    "SideBySide",
    "Studies",
    "Study",
    "StudyError",
    "Until",
    "analyze",
    "compare",
    "concat",
    "load_experiment",
    "map_landscape",
    "open_study",
    "plain_name",
    "pull",
    "push",
    "reference",
    "release",
    "sweep",
    "write_report",
]


register_accessor("plot", "runner.report.plots", "Plots")


def __getattr__(name: str) -> Any:
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_lazy})
