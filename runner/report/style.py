"""How figures look: colours that colour-blind readers can tell apart, sizes, panels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C00")
"""Okabe and Ito's colours (2008), the yellow darkened so that it shows on white."""

LABEL_COLOURS = {
    "solved": "#009E73",
    "cycling": "#8C8C00",
    "plateau": "#CC79A7",
    "saturated": "#D55E00",
    "descending": "#56B4E9",
    "oscillating": "#E69F00",
    "stationary": "#0072B2",
    "minimum": "#0072B2",
    "saddle": "#8C8C00",
    "indeterminate": "#999999",
    "diverged": "#000000",
}
"""One colour per label, in every figure."""

OTHER = "#999999"
"""Of what has no colour of its own."""

MOST_PANELS = 12
"""Panels of one figure."""

MOST_LINES = 8
"""Configurations that share one panel."""

MOST_CLASSES = 7
"""Classes of endpoints that have a colour of their own."""

_WIDTH = 9.0  # inches; the page shows it at 900 CSS pixels or less
_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "runner",
    "savefig.dpi": 150,
    "figure.dpi": 150,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's style, whatever the process's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def panels(
    n: int, *, columns: int = 3, height: float = 2.6, share: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of n panels in rows of at most ``columns``; ``height`` is a row's, inches."""
    columns = min(columns, n)
    rows = -(-n // columns)
    width = _WIDTH if columns > 1 or n == 1 else _WIDTH / 2
    # room for titles of two lines, which the default margin cuts off over squares
    layout = ConstrainedLayoutEngine(h_pad=0.1)
    figure = Figure(figsize=(width, height * rows + 0.5), layout=layout)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    axes = list(grid.ravel())
    for spare in axes[n:]:
        spare.remove()
    return figure, axes[:n]


def single(height: float = 4.0) -> tuple[Figure, Axes]:
    """Return a figure of one panel as wide as the page."""
    figure, (axes,) = panels(1, height=height)
    return figure, axes


def lines_of(n: int) -> list[tuple[str, str]]:
    """Return n colours and line styles, so that no two lines differ in colour alone."""
    styles = ("-", "--", "-.", ":")
    return [(PALETTE[i % len(PALETTE)], styles[i % len(styles)]) for i in range(n)]


def legend(figure: Figure, axes: Sequence[Axes], columns: int = 6) -> None:
    """Put one legend for all panels under the figure."""
    found: dict[str, Any] = {}
    for each in axes:
        handles, names = each.get_legend_handles_labels()
        found |= dict(zip(names, handles, strict=True))
    if found:
        entries = figure.legend(
            list(found.values()), list(found), loc="outside lower center", ncols=columns
        )
        for handle in entries.legend_handles:
            if handle is not None:
                handle.set_alpha(1)
            if isinstance(handle, Line2D):
                handle.set_linewidth(2)


def class_colours(classes: pd.DataFrame) -> dict[int, str]:
    """Return the colour of each of the largest classes, given them in that order."""
    return dict(zip(map(int, classes["class"].head(MOST_CLASSES)), PALETTE, strict=False))


def first(n: int, shown: int, what: str = "configurations") -> str:
    """Say which of n are drawn, as the end of a caption."""
    return f" The first {shown} of {n:,} {what} are shown." if shown < n else ""
