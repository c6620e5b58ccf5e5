"""The lowest way: where its numbers stand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from runner.report.figures.path import number_places, spread


@pytest.mark.parametrize("top", [1, 2, 10, 30, 38, 39])
@pytest.mark.parametrize("steep", [1.0, 4.0])
def test_the_numbers_of_the_places_on_a_way_overlap_neither_each_other_nor_it(top, steep) -> None:
    distance = np.linspace(0, 5, 41)
    sides = np.minimum(distance / distance[top], (5 - distance) / (5 - distance[top]))
    loss = 1 - (1 - sides) ** steep
    axes = Figure(figsize=(3.8, 3.0)).subplots()
    (line,) = axes.plot(distance, loss)
    axes.set_ylim(-0.08, 1.8)
    number_places(axes, distance, loss, spread(distance, top))
    assert ", ".join(text.get_text() for text in axes.texts) == "1, 2, 3, 4, 5"
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    way = line.get_path().transformed(axes.transData)
    assert not any(way.intersects_bbox(box, filled=False) for box in boxes)
    assert all(axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 for box in boxes)
