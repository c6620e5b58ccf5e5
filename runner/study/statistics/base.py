"""What statistics of a study have in common, and how to write one.

A statistic is a function of a `Plan` and of what a study has counted and sampled; it returns a
DataFrame. It never opens a study, so it can be called with restarts that come from anywhere. What
it takes says what has to be read for it:

``tallies`` (`runner.study.restart_tallies.Tally` by configuration)
    Every restart, counted by label and number of steps, in memory that does not grow with them.
``sample`` (DataFrame, as `runner.study.study.Study.sample`)
    The first restarts of each configuration, a row each, where a count is not enough.

To add one: a file here with the function, whose docstring says what each column is and where the
method is from; a cached property of `Study` that calls it; a test that has its values from another
library, a publication or a simulation. Configurations without a restart have no rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from runner.experiment.configuration import Configuration
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies, Tally

CONFIGURATION: Final = "configuration"
"""Name of the index that every statistic has."""

INTEGER, NUMBER, TRUTH, TEXT = "int64", "float64", "bool", "str"
"""Dtypes of columns."""

CONFIDENCE: Final = 0.95
"""Confidence level of every interval."""

# The standard library's: scipy.stats takes longer to load than a table to compute.
Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Half width of that interval of a standard normal variable: 1.96."""


STOPPED = (
    "A restart that is solved stops at once and keeps the loss of that moment: a high one is no "
    "failure of it, and would fall if training went on."
)
"""What the losses of restarts mean where `some_stopped`."""


def times_known(configuration: Configuration) -> bool:
    """Tell whether a solved restart's steps are its time to solution."""
    return configuration.settings.training.stop_solved


def some_stopped(plan: Plan, tallies: Tallies) -> bool:
    """Tell whether a restart has stopped because it was solved."""
    return any(times_known(c) and tally.n_solved for c, tally in counted(plan, tallies))


def counted(plan: Plan, tallies: Tallies) -> Iterator[tuple[Configuration, Tally]]:
    """Yield every configuration that has restarts, in the plan's order, with how they ended."""
    for index in sorted(tallies):
        yield plan.configurations[index], tallies[index]


def indexed(
    rows: Sequence[tuple[object, ...]], index: dict[str, str], columns: dict[str, str]
) -> pd.DataFrame:
    """Make a table of its rows, whose first cells are the index; a dtype for each, rows or not."""
    import pandas as pd  # not with this file, which a printed summary uses without it

    dtypes = index | columns
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes).set_index(list(index))


def group_quantiles(
    group: np.ndarray, values: np.ndarray, shares: Sequence[float], n_groups: int
) -> np.ndarray:
    """Return quantiles of groups of numbers, between two of them by linear interpolation.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
        From 0 to ``n_groups`` - 1.
    values : ndarray, shape (n,), float64
        What is no number is left out. Between two infinite ones a quantile is infinite.
    shares : sequence of float
        From 0 to 1.
    n_groups : int

    Returns
    -------
    ndarray, shape (n_groups, len(shares)), float64
        NaN where a group has no number.
    """
    size = np.bincount(group, minlength=n_groups)
    first = np.cumsum(size) - size
    if len(group) and size.max() * n_groups <= 2 * len(group):  # a row each, sorted on its own
        if (np.diff(group) < 0).any():
            order = np.argsort(group, kind="stable")
            group, values = group[order], values[order]
        rows = np.full((n_groups, size.max()), np.nan)
        rows[group, np.arange(len(group)) - first[group]] = values
        rows.sort(axis=1)
        numbers, first = rows.ravel(), np.arange(n_groups) * size.max()
    else:
        numbers = values[np.lexsort((values, group))]
    # NaN comes last in each group
    n = np.bincount(group, ~np.isnan(values), n_groups).astype(np.int64)
    found = np.full((n_groups, len(shares)), np.nan)
    some = np.flatnonzero(n)
    for column, share in enumerate(shares):
        place = (n[some] - 1) * share
        below = np.floor(place)
        low, high = (numbers[first[some] + at.astype(np.int64)] for at in (below, np.ceil(place)))
        with np.errstate(invalid="ignore"):
            between = low + (high - low) * (place - below)
        found[some, column] = np.where(low == high, low, between)
    return found
