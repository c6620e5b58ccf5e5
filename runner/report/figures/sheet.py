"""All panels of a figure on one sheet, for files and for `study.plot`."""

from __future__ import annotations

import io
import warnings
from textwrap import shorten

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from runner.report.figures.base import Key, Picture
from runner.report.style import styled
from runner.report.svg import saved

_TITLE = 0.32  # inches: two lines over a panel
_LETTER = 0.06  # inches
_MARK = 0.5  # inches: a mark of the legend, with its room
_ROW = 0.18  # inches: a row of the legend


def sheet_size(picture: Picture) -> tuple[float, float]:
    """Return width and height of a figure's sheet, inches."""
    columns, rows = _grid(picture)
    width = columns * picture.shape.width
    return width, rows * _row_height(picture) + _legend_rows(picture)[1] * _ROW


def lay_out(figure: Figure, picture: Picture) -> list[Axes]:
    """Draw all panels and the legend on an empty figure; return the panels' axes.

    Every panel has the margins that it has in the report: Matplotlib's own layouts measure every
    text several times, which takes longer than to draw.
    """
    width, height = sheet_size(picture)
    shape, (columns, _) = picture.shape, _grid(picture)
    all_axes = []
    for k, panel in enumerate(picture.panels):
        bottom = height - (k // columns + 1) * _row_height(picture) + shape.bottom
        left = k % columns * shape.width + shape.left
        box = (shape.width - shape.left - shape.right, shape.height - shape.bottom - shape.top)
        axes = figure.add_axes((left / width, bottom / height, box[0] / width, box[1] / height))
        panel.draw(axes)
        letters = int(shape.width / _LETTER)
        lines = [shorten(text, letters, placeholder="…") for text in (panel.title, panel.note)]
        axes.set_title("\n".join(filter(None, lines)), pad=72 * max(shape.top - 0.08, 0.04))
        all_axes.append(axes)
    if picture.keys:
        handles = [_handle(key) for key in picture.keys]
        texts = [key.text for key in picture.keys]
        most = _legend_rows(picture)[0]
        figure.legend(handles, texts, loc="lower center", ncols=most, borderaxespad=0.2)
    return all_axes


def _grid(picture: Picture) -> tuple[int, int]:
    columns = min(picture.columns, len(picture.panels))
    return columns, -(-len(picture.panels) // columns)


def _row_height(picture: Picture) -> float:
    return picture.shape.height + (_TITLE if any(p.title for p in picture.panels) else 0.0)


def _legend_rows(picture: Picture) -> tuple[int, int]:
    """Return how many columns and rows the legend has."""
    if not picture.keys:
        return 0, 0
    widest = _MARK + _LETTER * max(len(key.text) for key in picture.keys)
    most = max(1, int(_grid(picture)[0] * picture.shape.width / widest))
    return most, -(-len(picture.keys) // most)


def file_of(picture: Picture, kind: str) -> bytes:
    """Return a figure as the bytes of a file of this kind, svg or png."""
    with styled(), warnings.catch_warnings():
        # a table's name may have characters that the font lacks; they become boxes
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure = Figure(figsize=sheet_size(picture))
        lay_out(figure, picture)
        if kind == "svg":
            return saved(figure, picture.title).encode()
        sink = io.BytesIO()
        metadata = {"Software": None, "Title": picture.title}
        FigureCanvasAgg(figure).print_png(sink, metadata=metadata)  # type: ignore[no-untyped-call]
        return sink.getvalue()


def _handle(key: Key) -> Patch | Line2D:
    if key.mark == "patch":
        return Patch(color=key.colour)
    if key.mark == "-":
        return Line2D([], [], color=key.colour)
    return Line2D(
        [], [], color=key.colour, marker=key.mark, markeredgecolor="black", linestyle="none"
    )
