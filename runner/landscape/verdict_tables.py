"""The tables of barriers and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.class_tables import Classified
from runner.landscape.convexity import verdict
from runner.study.tables.analysis_tables import TABLES


def verdict_tables(
    plan: AnalysisPlan, classified: Mapping[int, Classified], paths: pd.DataFrame
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables of barriers and verdicts, by name.

    Parameters
    ----------
    plan : AnalysisPlan
    classified : mapping of int to Classified
        By number of the configuration.
    paths : DataFrame
        As `runner.landscape.endpoint_pairs.read_paths` returns it.
    """
    yield "barriers", paths[list(TABLES["barriers"])]
    by_configuration = dict(list(paths.groupby("configuration"))) if len(paths) else {}
    nothing = pd.DataFrame(columns=["restart", "loss", "swap_excess"], dtype=float)
    rows = []
    for configuration in plan.sweep.configurations:
        inspected, index = nothing, configuration.index
        if index in classified:
            frame = classified[index].frame
            inspected = frame[["restart", "swap_excess"]].assign(loss=frame["end_loss"])
        own = by_configuration.get(index, paths.iloc[:0])
        rows.append(verdict(configuration, inspected, own, plan.options.rise_tolerance))
    yield "verdicts", pd.DataFrame(rows)
