"""What a table of a page is, for who adds one.

A table is a function from studies, by name and in the order in which the page names them, to
Markdown; it has a file here and a name in `registry.py`. Where a page has

    <!-- table: NAME studies/ONE studies/TWO -->
    <!-- end -->

`docs/studies.py` puts its text between the two lines. Every number of it comes from the studies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

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
