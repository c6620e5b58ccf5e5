"""Frames of drawings, held against those that Matplotlib draws itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from runner.report.frame import take_frame
from runner.report.style import logarithmic, put_ticks, styled
from runner.report.style_classes import StyleClasses
from runner.report.svg import inline, saved


def _figure() -> Figure:
    figure = Figure(figsize=(3.2, 2.2))
    axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
    axes.set(xscale="log", xlim=(0.5, 2000), ylim=(-3, 7), xlabel="steps < n", ylabel="index")
    logarithmic(axes.xaxis, 1, 1000)
    put_ticks(axes.yaxis, [-2, 0, 5], ["low", "none", "high"])
    return figure


def _texts(drawing: str) -> dict[str, tuple[float, float]]:
    found = re.findall(r'<text[^>]* x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)<', drawing)
    return {text: (float(x), float(y)) for x, y, text in found}


def test_ticks_and_names_are_where_matplotlib_puts_them() -> None:
    with styled():
        expected = _texts(saved(_figure(), ""))
        figure = _figure()
        figure.set_dpi(72)
        found = _texts("".join(take_frame(figure.axes[0], 72 * 2.2, StyleClasses())))
    assert found.keys() == expected.keys()
    for text, (x, y) in found.items():
        tick_of_x = text.replace(",", "").isdigit()
        if tick_of_x or text == "steps &lt; n":
            assert x == pytest.approx(expected[text][0], abs=0.1)
        # letters are as high as they are in this font, more or less
        assert y == pytest.approx(expected[text][1], abs=4)


def test_axes_without_their_frame_draw_no_tick() -> None:
    with styled():
        drawing = inline(_figure(), {}, "a drawing", StyleClasses())
    assert len(re.findall("<text", drawing)) == len(_texts(drawing))
    assert list(_texts(drawing)).count("index") == 1


def test_a_picture_is_as_large_as_its_axes() -> None:
    with styled():
        figure = Figure(figsize=(3.2, 2.2))
        axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
        axes.imshow(np.eye(97), aspect="auto", interpolation="none")
        drawing = inline(figure, {}, "a picture", StyleClasses())
    factors = re.search(r'<image[^>]*transform="matrix\(([^)]*)\)"', drawing)
    assert factors is not None
    across, _, _, down = (float(x) for x in factors[1].replace(",", " ").split()[:4])
    assert 97 * across == pytest.approx(0.7 * 3.2 * 72, rel=0.01)
    assert 97 * abs(down) == pytest.approx(0.7 * 2.2 * 72, rel=0.01)
