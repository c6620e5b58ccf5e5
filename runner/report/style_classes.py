"""Styles of drawings as classes of the page, in colours of both themes."""

from __future__ import annotations

import re

from runner.report.colours import THEME, variable

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_FONT = re.compile(r"font: ([\d.]+)px [^;\"]*")


class StyleClasses:
    """The styles of a page's drawings, a class for each: a page's policy forbids any other way."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, style: str) -> str:
        """Return the class of a style, with the theme's colours."""
        style = _FONT.sub(r"font-size: \1px", style)
        style = _COLOUR.sub(_themed, style)
        return self._names.setdefault(style, f"s{len(self._names)}")

    def sheet(self) -> str:
        """Return the rules of all classes so far."""
        return "".join(f".{name}{{{style}}}\n" for style, name in self._names.items())


def _themed(found: re.Match[str]) -> str:
    colour = found[0]
    return f"var({variable(colour)})" if colour in THEME else colour
