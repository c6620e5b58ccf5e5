"""Colours: each has one meaning in the whole report, and a partner for dark pages.

A hue stands for a label, or for the kind of a class of endpoints. Values of an ordered axis, steps
and losses go from light to dark in violet, a hue that no label has. All else is ink and grey.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

INK = "#1a1a1a"
"""Of text, axes and lines without a meaning of their own."""

GRID = "#e3e3e3"
"""Of grid lines, and of what stands behind for comparison."""

OTHER = "#999999"
"""Of what has no colour of its own."""

HEAT = "#2fb38a"
"""Of the cells of a heat map: the hue of solved restarts, in a tone that text stands on."""

UNSOLVED = "#c9c9c9"
"""Behind a picture of the solved starts of a slice."""

LABEL_COLOURS = {
    "solved": "#009e73",
    "cycling": "#8c8c00",
    "plateau": "#cc79a7",
    "saturated": "#d55e00",
    "descending": "#56b4e9",
    "oscillating": "#e69f00",
    "stationary": "#0072b2",
    "minimum": "#0072b2",
    "saddle": "#8c8c00",
    "indeterminate": OTHER,
    "diverged": "#000000",
}
"""One colour per label or kind of class: Okabe and Ito's (2008), the yellow darkened."""

RAMP = (
    *("#b9a7e8", "#a48cdd", "#8f72d1", "#7b5ac3"),
    *("#6745b1", "#54339a", "#412480", "#2e1763"),
)
"""Of ordered values, from the lowest to the highest."""

_RAMP_ON_DARK = (
    *("#6d56b3", "#7d67c0", "#8d79cc", "#9e8cd7"),
    *("#b0a0e1", "#c2b5ea", "#d5cbf3", "#e9e3fb"),
)

_PARTNERS = {
    INK: "#e6e6e6",
    GRID: "#3d3f42",
    OTHER: "#a3a3a3",
    HEAT: "#00694c",
    UNSOLVED: "#6a6d72",
    "#009e73": "#35c49a",
    "#cc79a7": "#e29cc3",
    "#d55e00": "#ff8f45",
    "#56b4e9": "#7cc8f2",
    "#e69f00": "#ffbf3f",
    "#0072b2": "#58aee3",
    "#8c8c00": "#c2c24a",
    "#000000": "#ffffff",
    **dict(zip(RAMP, _RAMP_ON_DARK, strict=True)),
}

ORDERED_MAP = LinearSegmentedColormap.from_list("ordered", ["#f3f0fb", RAMP[0], RAMP[3], RAMP[7]])
"""Of steps and losses in pictures, from low to high."""

MOST_CLASSES = 7
"""Classes of endpoints that have a colour of their own."""

_SHADES = (0.0, 0.45, -0.3, 0.7, -0.45, 0.25, -0.15)  # towards white, or below 0 towards black


def _shade(colour: str, share: float) -> str:
    end = 1.0 if share > 0 else 0.0
    red, green, blue = (c + (end - c) * abs(share) for c in to_rgb(colour))
    return to_hex((red, green, blue))


THEME: Mapping[str, str] = {
    **{
        _shade(colour, share): _shade(_PARTNERS[colour], share)
        for colour in dict.fromkeys(LABEL_COLOURS.values())
        for share in _SHADES
    },
    **_PARTNERS,
}
"""What each colour is on a dark page."""


def ramp(n: int) -> list[str]:
    """Return the colours of n ordered values, n up to `RAMP`'s length."""
    if n == 1:
        return [RAMP[-1]]
    return [RAMP[round(k * (len(RAMP) - 1) / (n - 1))] for k in range(n)]


def class_colours(classes: pd.DataFrame) -> dict[int, str]:
    """Return the colour of each of the largest classes, given them in that order.

    A class has the hue of its kind, and classes of one kind differ in shade.
    """
    colours: dict[int, str] = {}
    seen: dict[str, int] = {}
    for _, row in classes.head(MOST_CLASSES).iterrows():
        kind = str(row["kind"])
        shade = _SHADES[seen.setdefault(kind, 0)]
        seen[kind] += 1
        colours[int(row["class"])] = _shade(LABEL_COLOURS.get(kind, OTHER), shade)
    return colours


def style_sheet() -> str:
    """Return the values of every colour's variable, on light and on dark pages."""
    light = "".join(f"{variable(colour)}:{colour};" for colour in THEME)
    dark = "".join(f"{variable(colour)}:{other};" for colour, other in THEME.items())
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"


def variable(colour: str) -> str:
    """Return the name of a colour's CSS variable."""
    return f"--c{colour[1:]}"
