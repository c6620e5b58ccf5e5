"""Critical points by the number of hidden units and the L2 term, and those of smaller networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from runner.engines.registry import of_hessians
from runner.experiment.configuration import Configuration
from runner.landscape.worker import surfaces
from runner.network.alignment import align_by_assignment
from runner.study.study import Study
from study_tables.base import markdown, only

SAME_LOSS = 1e-8
SAME_POINT = 1e-4


class Counts(NamedTuple):
    """What a configuration's map has."""

    minima: int
    """Classes of minima."""
    transition_states: int
    """Classes of index 1."""
    whole: int
    """All classes, families included."""
    images_ratio: float
    """Transition states over minima, all images of both counted."""

    @property
    def ratio(self) -> str:
        """Transition states over minima."""
        return f"{self.transition_states / self.minima:.1f}"


def points_table(studies: Mapping[str, Study]) -> str:
    """A row per L2 factor and number of units: what was found, and how complete that may be."""
    study, rows = only(studies), []
    whole = study.completeness.query("index == -1").set_index("configuration")
    for (l2, units), c in _by_setting(study).items():
        counts, row = _counts(study, c), whole.loc[c.index]
        total = "" if np.isnan(row["euler"]) else f"{row['euler']:.0f}"
        rows.append(
            (
                f"{l2:g}",
                f"{units}",
                f"{counts.minima}",
                f"{counts.transition_states}",
                counts.ratio,
                f"{counts.whole}",
                f"{row['images']:,.0f}",
                f"{row['unchanged']:,}",
                f"{row['estimate']:.0f} ({row['ci_low']:.0f}-{row['ci_high']:.0f})",
                total,
            )
        )
    head = ("l2", "units", "minima", "transition states", "ratio", "critical points", "images")
    return markdown((*head, "searches since the last new one", "estimate", "sum of signs"), rows)


def points_by_units_table(studies: Mapping[str, Study]) -> str:
    """A row per L2 factor: how the numbers grow with the hidden units."""
    study, by = only(studies), _by_setting(only(studies))
    rows = []
    for l2 in dict.fromkeys(l2 for l2, _ in by):
        counts = [_counts(study, c) for (own, _), c in by.items() if own == l2]
        minima, states = [c.minima for c in counts], [c.transition_states for c in counts]
        ratios = ", ".join(c.ratio for c in counts)
        images = ", ".join(f"{c.images_ratio:.1f}" for c in counts)
        rows.append((f"{l2:g}", _list(minima), _list(states), ratios, images))
    head = ("l2", "minima, by units", "transition states", "ratio", "ratio of all images")
    return markdown(head, rows)


def points_by_l2_table(studies: Mapping[str, Study]) -> str:
    """A row per number of units: how the numbers fall with the L2 factor."""
    study, by = only(studies), _by_setting(only(studies))
    rows = []
    for units in dict.fromkeys(units for _, units in by):
        counts = [_counts(study, c) for (_, own), c in by.items() if own == units]
        minima, states = [c.minima for c in counts], [c.transition_states for c in counts]
        rows.append((f"{units}", _list(minima), _list(states)))
    head = ("units", "minima, by L2 term from the largest", "transition states")
    return markdown(head, rows)


def embedding_table(studies: Mapping[str, Study]) -> str:
    """Whether points of a network are points of that with one more unit, of weights 0."""
    study, by = only(studies), _by_setting(only(studies))
    rows = []
    for (l2, units), small in by.items():
        large = by.get((l2, units + 1))
        if large is None:
            continue
        points = _points(study, small)
        weights = _widened(points, small, large)
        surface = surfaces(
            (large,), np.zeros(len(points), int), of_hessians(study.plan.engine), "cpu"
        )
        gradient = np.abs(surface.values(weights).gradient).max()
        index = _indices(study, large, weights, points["loss"].to_numpy())
        minima = index[points["index"].to_numpy() == 0]
        known = f"{np.isfinite(index).sum()} of {len(points)}"
        stay = f"{(minima == 0).sum()} of {len(minima)}"
        rows.append((f"{l2:g}", f"{units} to {units + 1}", f"{gradient:.0e}", known, stay))
    head = ("l2", "units", "largest gradient", "known with one unit more", "minima that stay so")
    return markdown(head, rows)


def _by_setting(study: Study) -> dict[tuple[float, int], Configuration]:
    """Return the configurations by L2 factor and hidden units."""
    return {
        (c.settings.loss.l2, c.settings.network.hidden[0]): c for c in study.plan.configurations
    }


def _points(study: Study, c: Configuration) -> pd.DataFrame:
    table = study.critical_points
    return table[table["configuration"] == c.index]


def _counts(study: Study, c: Configuration) -> Counts:
    points = _points(study, c)
    kinds = points["kind"].value_counts()
    images = points.groupby("kind")["multiplicity"].sum()
    return Counts(
        int(kinds.get("minimum", 0)),
        int(kinds.get("transition state", 0)),
        len(points),
        float(images.get("transition state", 0) / images.get("minimum", np.nan)),
    )


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def _widened(points: pd.DataFrame, small: Configuration, large: Configuration) -> np.ndarray:
    """Return weights (n_parameters, n) of the larger network, with those of the new unit 0."""
    found = np.zeros((large.architecture.n_parameters, len(points)))
    places = {name: k for k, name in enumerate(large.architecture.parameter_names)}
    for name in small.architecture.parameter_names:
        found[places[name]] = points[name]
    return found


def _indices(study: Study, c: Configuration, weights: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return the index (n,) of the known point that each of some weights is an image of, or nan."""
    known, own = _points(study, c), c.symmetries
    places = known[list(c.architecture.parameter_names)].to_numpy()
    found = np.full(len(losses), np.nan)
    for k, loss in enumerate(losses):
        near = np.flatnonzero(np.abs(known["loss"] - loss) <= SAME_LOSS)
        point = weights[:, [k]]
        for position in near:
            image = align_by_assignment(own, point, places[position][:, None])
            if np.linalg.norm(image - point) <= SAME_POINT * max(np.abs(point).max(), 1.0):
                found[k] = known["index"].iloc[position]
                break
    return found
