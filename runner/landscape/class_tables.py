"""Inspected endpoints sorted into classes, configuration by configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from runner.experiment.configuration import Configuration
from runner.landscape import minima_rows
from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.endpoint_sample import Inspected
from runner.landscape.equivalence import Points, classes, kinds
from runner.landscape.worker import SPECTRUM
from runner.study.tables.analysis_tables import TABLES
from runner.training.shards import INDEX


@dataclass(frozen=True, eq=False)
class Classified:
    """The inspected endpoints of one configuration, and their classes."""

    configuration: Configuration
    """The configuration that they are restarts of."""
    group: int
    """Number of its group."""
    frame: pd.DataFrame
    """Its rows of the group's frame of inspected endpoints, with that frame's index."""
    member: np.ndarray
    """(n,) int: class of each row; -1 for none."""
    minima: list[minima_rows.Row]
    """A row per class, the largest first."""


def classify(plan: AnalysisPlan, inspected: Inspected) -> Mapping[int, Classified]:
    """Sort endpoints into classes; by number of the configuration, without those that have none."""
    classified = {}
    for number, group in enumerate(plan.sweep.groups):
        if number not in inspected:
            continue
        whole = inspected[number]
        places = whole.groupby("configuration").indices
        for configuration in group.configurations:
            own = places.get(configuration.index)
            if own is None:
                continue
            # one configuration at a time, and no copy of the only one: there may be a million rows
            frame = whole if len(own) == len(whole) else whole.iloc[own]
            points = _points(configuration, frame)
            kind = kinds(points)
            member = classes(points, kind, plan.options)
            rows = minima_rows.rows(points, kind, member, plan.options)
            classified[configuration.index] = Classified(configuration, number, frame, member, rows)
    return classified


def _points(configuration: Configuration, frame: pd.DataFrame) -> Points:
    names = list(configuration.architecture.parameter_names)
    return Points(
        configuration,
        frame["restart"].to_numpy(),
        _words(frame["label"]),
        _words(frame["critical"]),
        np.ascontiguousarray(frame[names].to_numpy(np.float64).T),
        frame[list(SPECTRUM)].to_numpy(np.float64).T,
        frame["loss"].to_numpy(),
        frame["accuracy"].to_numpy(),
        frame["level"].to_numpy(),
    )


def _words(column: pd.Series) -> np.ndarray:
    """Return a column of few words, (n,) object, with each word once in memory."""
    places, words = pd.factorize(column)
    return np.asarray(np.asarray(words, object)[places])


def class_tables(
    plan: AnalysisPlan, classified: Mapping[int, Classified]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables of curvature, classes, minima and unseen classes, by name."""
    ordered = [classified[index] for index in sorted(classified)]
    yield "curvature", _together([_curvature(c.frame) for c in ordered])
    yield "classes", _together([c.frame[INDEX].assign(**{"class": c.member}) for c in ordered])
    columns = [*TABLES["minima"], *plan.study.parameter_names]
    rows = [row for c in ordered for row in c.minima]
    yield "minima", pd.DataFrame(rows, columns=columns)
    member = {index: c.member for index, c in classified.items()}
    none = np.zeros(0, int)
    unseen = [
        minima_rows.unseen(c.index, member.get(c.index, none)) for c in plan.sweep.configurations
    ]
    yield "unseen", pd.DataFrame(unseen)


def _curvature(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the table of curvature."""
    stationary, none = frame["label"] == "stationary", frame["critical"] == "none"
    return frame.assign(
        label=frame["label"].where(~stationary | none, frame["critical"]),
        polished_loss=frame["loss"].mask(none),
        polish_distance=frame["moved"].mask(none),
        returned=frame["returned"].map({0.0: False, 1.0: True}).astype("boolean"),
    )[list(TABLES["curvature"])]


def _together(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=INDEX)
    return pd.concat(frames, ignore_index=True).sort_values(INDEX, ignore_index=True)
