"""What is round a drawing's marks: grid, ticks, their texts and the axes' names, as SVG.

Matplotlib makes several objects of each tick and measures every text more than once, which takes
longer than all the marks of a panel. A page's panels have fixed margins, so that nothing needs to
be measured: where ticks are and what they say is asked of the axes, and written down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba

from runner.report.colours import GRID, INK
from runner.report.style_classes import StyleClasses

# Points, as all lengths here.
_TICK = 2.5
_TICK_TEXT = 7.5
_LETTER = 4.2  # of a tick's text, on average
_BELOW = (11.0, 22.5)  # from the axes down to where a tick's text and the name stand
_BESIDE = 5.0  # from the axes left to where a tick's text ends
_NAME_LEFT = 9.0  # from the panel's edge to where the vertical axis' name stands
_HALF = 0.36  # of a text's size: from its middle down to where it stands


@dataclass(frozen=True)
class _Ticks:
    """The ticks of one axis that are in sight."""

    places: np.ndarray
    """(n,) float64, in points from the drawing's left or upper edge."""
    texts: list[str]
    """n texts; empty ones where there is no room."""
    name: str
    """Of the axis."""
    name_size: float
    """Of its letters."""
    grid: bool
    """Whether a line crosses the axes at each tick."""
    marked: bool
    """Whether each has a mark."""


def take_frame(axes: Axes, height: float, classes: StyleClasses) -> tuple[str, str]:
    """Take the frame off axes and what is inset in them; return what is below and above the marks.

    Parameters
    ----------
    axes : Axes
    height : float
        Of the drawing, points.
    classes : StyleClasses
        Gets the styles.
    """
    insets = [each for each in axes.child_axes if isinstance(each, Axes)]
    for each in (axes, *insets):
        each.apply_aspect()  # as drawing does, which moves the edges of a picture of square cells
    parts = [_frame(axes, height, classes, inset=False)]
    parts += [_frame(each, height, classes, inset=True) for each in insets]
    for each in (axes, *insets):
        each.set_axis_off()
        each.set_title("", y=1.0)  # a title without a place of its own asks for the ticks
    return "".join(below for below, _ in parts), "".join(above for _, above in parts)


def _frame(axes: Axes, height: float, classes: StyleClasses, inset: bool) -> tuple[str, str]:
    box = axes.bbox
    left, right, top, bottom = box.x0, box.x1, height - box.y1, height - box.y0
    x, y = _ticks(axes, "x", height), _ticks(axes, "y", height)
    grid = [f"M{place:.1f} {top:.1f}V{bottom:.1f}" for place in x.places if x.grid]
    grid += [f"M{left:.1f} {place:.1f}H{right:.1f}" for place in y.places if y.grid]
    lines = [] if inset else [f"M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}"]
    lines += [f"M{place:.1f} {bottom:.1f}v{_TICK}" for place in x.places if x.marked]
    lines += [f"M{left:.1f} {place:.1f}h-{_TICK}" for place in y.places if y.marked]

    small = f"font-size: {_TICK_TEXT}px; fill: {INK}; text-anchor"
    middle, end = (classes.name(f"{small}: {anchor}") for anchor in ("middle", "end"))
    texts = [
        _text(place, bottom + _BELOW[0], text, middle)
        for place, text in zip(x.places, x.texts, strict=True)
    ]
    texts += [
        _text(left - _BESIDE, place + _HALF * _TICK_TEXT, text, end)
        for place, text in zip(y.places, y.texts, strict=True)
    ]
    names = [
        classes.name(f"font-size: {each.name_size:g}px; fill: {INK}; text-anchor: middle")
        for each in (x, y)
    ]
    under = bottom + (_BELOW[1] if any(x.texts) else _TICK + x.name_size)
    texts.append(_text((left + right) / 2, under, x.name, names[0]))
    widest = _LETTER * max(map(len, y.texts), default=0)
    beside = min(_NAME_LEFT, left - _BESIDE - widest - 4)
    texts.append(_text(beside, (top + bottom) / 2, y.name, names[1], turned=True))
    below = _face(axes, height, classes) + _path(
        grid, classes.name(f"fill: none; stroke: {GRID}; stroke-width: 0.6")
    )
    above = _path(lines, classes.name(f"fill: none; stroke: {INK}; stroke-width: 0.7"))
    return below, above + "".join(texts)


def _ticks(axes: Axes, which: str, height: float) -> _Ticks:
    axis = axes.xaxis if which == "x" else axes.yaxis
    values = np.asarray(axis.get_majorticklocs(), np.float64)
    texts = axis.get_major_formatter().format_ticks(values.tolist())
    if which == "x":
        points = np.column_stack([values, np.zeros_like(values)])
        places = axes.get_xaxis_transform().transform(points)[:, 0]
        ends = axes.bbox.x0, axes.bbox.x1
    else:
        points = np.column_stack([np.zeros_like(values), values])
        places = height - axes.get_yaxis_transform().transform(points)[:, 1]
        ends = height - axes.bbox.y1, height - axes.bbox.y0
    inside = (places > ends[0] - 0.5) & (places < ends[1] + 0.5)
    factor = axis.get_major_formatter().get_offset()
    how = axis.get_tick_params()
    return _Ticks(
        places[inside],
        [text for text, kept in zip(texts, inside, strict=True) if kept],
        " ".join(filter(None, (axis.get_label_text(), factor))),
        float(axis.label.get_fontsize()),
        bool(how.get("gridOn")),
        bool(how.get("length", _TICK)),
    )


def _face(axes: Axes, height: float, classes: StyleClasses) -> str:
    if not axes.patch.get_visible() or to_rgba(axes.get_facecolor())[3] == 0:
        return ""
    box, style = axes.bbox, classes.name(f"fill: {to_hex(axes.get_facecolor())}")
    place = f'x="{box.x0:.1f}" y="{height - box.y1:.1f}"'
    return f'<rect class="{style}" {place} width="{box.width:.1f}" height="{box.height:.1f}"/>\n'


def _path(parts: list[str], style: str) -> str:
    return f'<path class="{style}" d="{"".join(parts)}"/>\n' if parts else ""


def _text(x: float, y: float, text: str, style: str, turned: bool = False) -> str:
    if not text:
        return ""
    place = f'x="{x:.1f}" y="{y:.1f}"'
    if turned:
        place += f' transform="rotate(-90 {x:.1f} {y:.1f})"'
    return f'<text class="{style}" {place}>{escape(text)}</text>\n'
