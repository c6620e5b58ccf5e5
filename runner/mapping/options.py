"""How a map is searched for, when the search ends, and what it counts as equal, in one object."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from runner.landscape.options import require_values

_LEAST = {"endpoints": 0, "highest_index": -1, "stations": 2, "basin_side": 0}
"""Least value of the counts that may be something else than 1 or more."""


@dataclass(frozen=True)
class MapOptions:
    """How a map is searched for, when the search ends, and what it counts as equal.

    "Relative" means to the Euclidean length of the weights, or to 1 where that is less.

    Raises
    ------
    ExperimentError
        If a value is out of range.

    Examples
    --------
    >>> MapOptions(searches=5000).round_searches
    2000
    >>> MapOptions(searches=0)
    Traceback (most recent call last):
    runner.errors.exceptions.ExperimentError: MapOptions: searches is 0; expected an integer >= 1.
    """

    searches: int = 200_000
    """Most searches of each configuration."""
    unchanged: int = 10_000
    """Searches in a row without a new critical point after which a configuration is done."""
    round_searches: int = 2_000
    """Searches of each configuration between two looks at what is known: what a search round
    finds is where later ones start from."""
    endpoints: int = 2_000
    """Most endpoints of each configuration, its first ones, that searches start from."""
    highest_index: int = -1
    """Highest index that is searched for; -1 for all. What other searches come to counts too."""
    max_parameters: int = 200
    """Weights and biases up to which a network is mapped: every step needs all eigenvectors of
    the Hessian, whose cost grows with the cube."""
    search_steps: int = 100
    """Most steps of a search."""
    longest_step: float = 0.3
    """Relative length of a search's longest step."""
    step_tolerance: float = 1e-9
    """Relative Newton step at which a search has arrived."""
    null_tolerance: float = 1e-7
    """Eigenvalues within this share of the largest absolute one count as 0."""
    class_tolerance: float = 1e-4
    """Distance between images of one critical point, relative to the largest weight or to 1."""
    reach: float = 1000.0
    """Largest weight of a search or a path: what goes beyond has left for infinity."""
    displacement: float = 1e-3
    """Relative distance from a saddle, along its lowest eigenvector, at which its paths begin."""
    path_tolerance: float = 0.05
    """How much one step of a path may be corrected, relative to its length."""
    path_steps: int = 4_000
    """Most steps of a path."""
    stations: int = 32
    """Most points of a path that are kept between its saddle and its end."""
    basin_side: int = 33
    """Starts along one side of the square whose basins are looked at, 0 for none; fewer of large
    networks."""

    def __post_init__(self) -> None:
        """Raise ExperimentError for the first value that is out of range."""
        require_values(self, _LEAST)

    @property
    def lasting(self) -> dict[str, Any]:
        """The options that decide what a search finds, not when searching ends or what follows.

        What may be mapped decides nothing either, but its default is in the keys of maps.
        """
        found = asdict(self) | {"max_parameters": MapOptions.max_parameters}
        others = ("searches", "unchanged", "basin_side")
        return {k: v for k, v in found.items() if k not in others}


class MapKeywords(TypedDict, total=False):
    """The fields of `MapOptions` as loose keywords of a public function."""

    searches: int
    unchanged: int
    round_searches: int
    endpoints: int
    highest_index: int
    max_parameters: int
    search_steps: int
    longest_step: float
    step_tolerance: float
    null_tolerance: float
    class_tolerance: float
    reach: float
    displacement: float
    path_tolerance: float
    path_steps: int
    stations: int
    basin_side: int
