"""Drawings as SVG that stands in the page itself: text that can be searched, tips, both themes."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TypeAlias

from markupsafe import Markup, escape
from matplotlib.artist import Artist
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from runner.report.frame import take_frame
from runner.report.style_classes import StyleClasses

Tips: TypeAlias = dict[Artist, list[str]]
"""What is told of an artist's marks under the pointer: a text for each, or one for all."""

_TIP = "tips-"
_HEAD = re.compile(r".*?<svg [^>]*viewBox=\"([^\"]*)\"[^>]*>(.*)</svg>", re.DOTALL)
_DROPPED = re.compile(
    r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->"
    r"|(?<=<g) id=\"(?!tips-)[^\"]*\"",
    re.DOTALL,
)
_STYLE = re.compile(r" style=\"([^\"]*)\"")
_DIGITS = re.compile(r"(?<=\.\d)\d+")
_WHOLE = re.compile(r"(<text.*?</text>|matrix\([^)]*\)|scale\([^)]*\))", re.DOTALL)
_GROUP = re.compile(r"<g id=\"tips-(\d+)\">(.*?)</g>", re.DOTALL)
_MARK = re.compile(r"<defs>.*?</defs>|<(use|path)( [^>]*)/>", re.DOTALL)


def inline(
    figure: Figure, tips: Tips, alt: str, classes: StyleClasses, spare: float = 0.0
) -> Markup:
    """Return a drawing as an element of the page.

    Parameters
    ----------
    figure : Figure
        Its axes lose their frames.
    tips : mapping
    alt : str
        The drawing in words.
    classes : StyleClasses
        Gets the styles of the drawing.
    spare : float
        Inches at its foot that are cut off.
    """
    texts = list(tips.values())
    height, dpi = 72 * figure.get_figheight(), figure.dpi
    figure.set_dpi(72)  # so that places are in points, as in the drawing
    frames = [take_frame(axes, height, classes) for axes in figure.axes]
    figure.set_dpi(dpi)
    for k, artist in enumerate(tips):
        artist.set_gid(f"{_TIP}{k}")
    found = _HEAD.match(saved(figure, ""))
    if found is None:  # pragma: no cover
        raise AssertionError
    box, body = found.groups()
    left, top, width, tall = (float(part) for part in box.split())
    box = f"{left:g} {top:g} {width:g} {tall - 72 * spare:g}"
    body = _DROPPED.sub("", body)
    body = _STYLE.sub(lambda m: f' class="{classes.name(m[1])}"', body)
    parts = _WHOLE.split(body)  # the rest are places, in points
    parts[::2] = [_DIGITS.sub("", part) for part in parts[::2]]
    body = "".join(parts)
    body = _GROUP.sub(lambda m: _told(m[2], texts[int(m[1])]), body)
    body = re.sub(r"\n *", "\n", body)
    below, above = ("".join(parts) for parts in zip(*frames, strict=True))
    body = below + body + above
    return Markup(  # noqa: S704  Matplotlib has escaped the texts in it, and so has `take_frame`
        f'<svg viewBox="{box}" role="img" aria-label="{escape(alt)}">{body}</svg>'
    )


def saved(figure: Figure, title: str) -> str:
    """Return a figure as the text of an SVG file."""
    sink = io.StringIO()
    with warnings.catch_warnings():
        # a table's name may have characters that the font lacks; a browser's has them
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        metadata = {"Date": None, "Creator": None, "Title": title}
        FigureCanvasSVG(figure).print_svg(sink, metadata=metadata)  # type: ignore[no-untyped-call]
    return sink.getvalue()


def _told(group: str, texts: Sequence[str]) -> str:
    """Put texts under the marks of a group, in their order."""
    if len(texts) == 1:
        return f"<g><title>{escape(texts[0])}</title>{group}</g>"
    left = iter(texts)

    def told(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        text = next(left, None)
        if text is None:
            return found[0]
        return f"<{found[1]}{found[2]}><title>{escape(text)}</title></{found[1]}>"

    return f"<g>{_MARK.sub(told, group)}</g>"
