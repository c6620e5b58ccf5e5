"""Where training leads, by the signs of the weights: Kolen and Pollack's control with OR."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from runner.study.study import Study
from study_tables.base import cell, markdown, percent

GATE, WIDTH = "problem.gate", "init.scale"


def signs_table(studies: Mapping[str, Study]) -> str:
    """Patterns of signs among starts and endpoints."""
    rows = []
    for study in studies.values():
        for number, point in study.configurations.iterrows():
            starts, ends = (counts(frame.loc[number]) for frame in (study.starts, study.weights))
            where = f"random, ±{cell(point[WIDTH])}" if WIDTH in point else "the plane"
            enough = int(np.searchsorted(ends.cumsum(), 0.9 * ends.sum())) + 1
            most = percent(ends[0] / ends.sum())
            solved = percent(study.restarts.loc[number, "solved"].mean())
            patterns = (f"{len(starts)}", f"{len(ends)}", most, f"{enough}")
            rows.append((str(point[GATE]), where, f"{ends.sum():,}", solved, *patterns))
    head = ("gate", "starts", "n", "solved", "patterns of the starts", "patterns of the endpoints")
    return markdown((*head, "in the most frequent", "that hold 90%"), rows)


def counts(weights: pd.DataFrame) -> np.ndarray:
    """How many rows have each pattern of signs that occurs, most frequent first."""
    signs = weights.to_numpy() > 0
    _, found = np.unique(signs, axis=0, return_counts=True)
    return np.sort(found)[::-1]
