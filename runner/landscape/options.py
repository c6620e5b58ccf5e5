"""What an analysis inspects, how far it searches, and what it counts as equal, in one object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, TypedDict

from runner.errors import ExperimentError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_LEAST = {"pairs": 0, "representatives": 0, "max_parameters": 0, "alignments": 0, "path_points": 3}
"""Least value of the counts that may be something else than 1 or more."""


def require_values(
    options: DataclassInstance, least: Mapping[str, int], odd: Sequence[str] = ()
) -> None:
    """Raise ExperimentError for the first option that is out of range.

    Counts, which are integers by default, are at least 1, or what ``least`` says, and odd where
    ``odd`` names them; all others are finite numbers above 0.
    """
    for field in fields(options):
        value, rule = getattr(options, field.name), ""
        if isinstance(field.default, int):
            lowest, parity = least.get(field.name, 1), "odd " if field.name in odd else ""
            if type(value) is not int or value < lowest or (parity and value % 2 == 0):
                rule = f"an {parity}integer >= {lowest}"
        elif type(value) not in (int, float) or not 0 < value < math.inf:
            rule = "a finite number > 0"
        if rule:
            name = type(options).__name__
            raise ExperimentError(f"{name}: {field.name} is {value!r}; expected {rule}.")


@dataclass(frozen=True)
class AnalysisOptions:
    """What an analysis inspects, how far it searches, and what it counts as equal.

    All of them change what the tables say, so every table's ``attrs`` hold them, and tables that
    were made with others are made anew. "Relative to the weights" means to their Euclidean length,
    or to 1 where that is less.

    Raises
    ------
    ExperimentError
        If a value is out of range.

    Examples
    --------
    >>> AnalysisOptions(pairs=1000).endpoints
    100000
    >>> AnalysisOptions(path_points=32)
    Traceback (most recent call last):
    runner.errors.exceptions.ExperimentError: AnalysisOptions: path_points is 32; \
expected an odd integer >= 3.
    """

    endpoints: int = 100_000
    """Most endpoints of a study that are analysed: the first restarts of each configuration, which
    are as random as any, the same number of each."""
    pairs: int = 200
    """Sampled pairs of endpoints per configuration between which paths are evaluated. If no path
    of 200 rises, with 95% confidence fewer than 1.5% of all do."""
    study_pairs: int = 20_000
    """Sampled pairs of a whole study: with more than a hundred configurations each has fewer than
    ``pairs``, but at least one, so that large grids are analysed in minutes too."""
    representatives: int = 12
    """Largest classes of a configuration between whose representatives all paths are evaluated: 66
    pairs, which still fit a table that people read."""
    max_parameters: int = 200
    """Weights and biases up to which exact Hessians are computed. Their number of entries grows
    with the square, and the cost of their eigenvalues with the cube."""
    null_tolerance: float = 1e-7
    """Eigenvalues within this share of the largest absolute one count as 0: above what rounding
    leaves of a zero eigenvalue, about 1e-14 of the largest where the gradient is exact, and of a
    search that stops at ``step_tolerance``."""
    search_radius: float = 0.1
    """Distance, relative to the weights, up to which a critical point is nearby an endpoint."""
    search_steps: int = 60
    """Most Newton steps of a search. Near a critical point every step squares the error, so that
    most of them are for the way there."""
    step_tolerance: float = 1e-8
    """Newton step, relative to the weights, at which a search has arrived: the square root of
    float64's precision, as one more such step would change nothing."""
    halvings: int = 12
    """How often a Newton step that does not help is halved before it is made all the same."""
    perturbation: float = 0.01
    """Length, relative to the weights, of the push that a minimum must come back from. A tenth of
    ``search_radius``, so that other critical points are rarely that near."""
    return_tolerance: float = 1e-5
    """Distance, relative to the weights, within which a search has come back to a minimum."""
    class_tolerance: float = 1e-4
    """Distance between points of one class, relative to the largest weight or to 1: far above the
    1e-8 to which searches arrive."""
    alignments: int = 20_000
    """Most pairs of classes of equal loss that are compared once more by aligning them; with more
    pairs none is, as the time grows with their number."""
    path_points: int = 33
    """Equally spaced points of a path at which the loss is evaluated, both ends included; odd, so
    that the point half way is one of them."""
    rise_tolerance: float = 1e-9
    """Rise above the straight line between a path's ends, relative to the loss at the higher end
    or to 1, that counts as one. Rounding raises a loss by some 1e-15."""
    curve_steps: int = 400
    """Steps of Adam on the bend of a curve."""
    curve_rate: float = 0.1
    """Adam's first step size on the bend, relative to the root mean square of the ends' weights
    or to 1 where that is less; it falls to 0 along a straight line."""
    curve_products: int = 4_000_000_000
    """Most products of a weight and a pattern in the training of a configuration's curves, about
    15 seconds of one core. Pairs beyond, those of the smallest classes, have no curve; one pair
    always has. Of a network like XOR's all 66 pairs take a hundredth of that."""

    def __post_init__(self) -> None:
        """Raise ExperimentError for the first value that is out of range."""
        require_values(self, _LEAST, odd=("path_points",))

    @property
    def changed(self) -> dict[str, int | float]:
        """The options that have another value than by default."""
        default = asdict(DEFAULTS)
        return {name: value for name, value in asdict(self).items() if value != default[name]}


DEFAULTS = AnalysisOptions()


class AnalysisKeywords(TypedDict, total=False):
    """The fields of `AnalysisOptions` as loose keywords of a public function."""

    endpoints: int
    pairs: int
    study_pairs: int
    representatives: int
    max_parameters: int
    null_tolerance: float
    search_radius: float
    search_steps: int
    step_tolerance: float
    halvings: int
    perturbation: float
    return_tolerance: float
    class_tolerance: float
    alignments: int
    path_points: int
    rise_tolerance: float
    curve_steps: int
    curve_rate: float
    curve_products: int
