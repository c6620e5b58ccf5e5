"""What a table of a page is, for who adds one.

A table is a function from studies, by name and in the order in which the page names them, to
Markdown; it has a file here and a name in `registry.py`. Where a page has

    <!-- table: NAME studies/ONE studies/TWO -->
    <!-- end -->

`docs/studies.py` puts its text between the two lines. Every number of it comes from the studies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import statsmodels.api as sm

from runner.study.statistics.proportions import proportion
from runner.study.study import Study

Table = Callable[[Mapping[str, Study]], str]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [line(head), "|" + "---|" * len(head), *map(line, rows)]
    return "\n".join(lines)


def line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def interval(k: int, n: int) -> str:
    """Wilson's 95% interval of k of n, in percent."""
    _, low, high = proportion(k, n)
    return f"{100 * low:.1f}-{100 * high:.1f}"


def only(studies: Mapping[str, Study]) -> Study:
    """The study of a table of one."""
    (study,) = studies.values()
    return study


def cell(value: object) -> str:
    """A value of the grid: lists as in the experiment file."""
    return str(list(value) if isinstance(value, tuple) else value)


class Line(NamedTuple):
    """A line through points, by least squares."""

    start: float
    """Its value at 0."""
    slope: float
    """Its slope."""
    low: float
    """Lower end of the slope's 95% interval, which holds for any spread of the points (HC3)."""
    high: float
    """Its upper end."""


def line_fit(x: np.ndarray, y: np.ndarray) -> Line:
    """The line through points x and y (n,)."""
    fit = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3")
    low, high = fit.conf_int()[1]
    return Line(*fit.params, low, high)
