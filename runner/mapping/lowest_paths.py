"""The lowest known way between two classes of minima, over saddles and down their paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from runner.mapping.transitions import SIDES

_LEVEL = 1e-9  # relative: losses that differ by less are one level, as in the tree


@dataclass(frozen=True)
class Leg:
    """One path of a way: up to a saddle, or down from it."""

    saddle: int
    """Class of the saddle."""
    side: str
    """Which of its two paths."""
    down: bool
    """Whether the way leads down from the saddle."""


def lowest_way(transitions: pd.DataFrame, one: int, other: int, level: float) -> list[Leg]:
    """Return the shortest of the ways between two minima that rise no higher than a level.

    Parameters
    ----------
    transitions : DataFrame
        As `runner.study.study.Study.transitions`, of one configuration.
    one, other : int
        Classes of minima.
    level : float
        Highest loss that is allowed: where the tree joins them, that of the lowest ways.

    Returns
    -------
    list of Leg
        In order; empty where no way is known.
    """
    edges = _edges(transitions, level + _LEVEL * max(abs(level), 1.0))
    if not {one, other} <= {*edges["saddle"], *edges["end"]}:
        return []
    n = int(edges[["saddle", "end"]].to_numpy().max()) + 1
    ends = (edges["saddle"].to_numpy(), edges["end"].to_numpy())
    graph = csr_array((edges["length"].to_numpy(), ends), shape=(n, n))
    _, before = dijkstra(graph, directed=False, indices=[one], return_predecessors=True)
    side = edges.set_index(["saddle", "end"])["side"].to_dict()
    legs: list[Leg] = []
    here = other
    while (previous := int(before[0, here])) >= 0:
        down = (previous, here) in side
        saddle, end = (previous, here) if down else (here, previous)
        legs.insert(0, Leg(saddle, side[saddle, end], down))
        here = previous
    return legs


def _edges(transitions: pd.DataFrame, highest: float) -> pd.DataFrame:
    """Return the paths that end at a point and begin low enough; of equal ends the shortest."""
    low = transitions[transitions["loss"] <= highest]
    sides = [
        pd.DataFrame(
            {
                "saddle": low["class"],
                "end": low[f"class_{side}"],
                "length": low[f"path_length_{side}"],
                "side": side,
            }
        )
        for side in SIDES
    ]
    edges = pd.concat(sides, ignore_index=True)
    edges = edges[(edges["end"] >= 0) & np.isfinite(edges["length"])]
    shortest = edges.sort_values("length", kind="stable").drop_duplicates(["saddle", "end"])
    return pd.DataFrame(shortest)
