"""Schedules against their closed forms, and what a text may say."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode

from runner.network.schedules.registry import SCHEDULES, parse_schedule

STEPS = np.array([0, 1, 2, 99, 100, 101, 4999, 5000, 20000, 2**24 - 1], float)

CLOSED = {
    "step:0.5:100": lambda t: 0.5 ** (t // 100),
    "exponential:0.9999": lambda t: 0.9999**t,
    "inverse:0.01": lambda t: 1 / (1 + 0.01 * t),
    "cosine:0.1:5000": lambda t: 0.1 + 0.9 * (1 + np.cos(np.pi * np.minimum(t / 5000, 1))) / 2,
    "points:100=0.5,5000=2": lambda t: np.where(t >= 5000, 2.0, np.where(t >= 100, 0.5, 1.0)),
}


def test_every_schedule_has_a_closed_form_here() -> None:
    assert {text.split(":")[0] for text in CLOSED} == set(SCHEDULES)


@pytest.mark.parametrize("text", CLOSED)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-4)])
def test_factors_are_those_of_the_closed_form(text, dtype, tolerance) -> None:
    steps = pt.vector("steps", dtype=dtype)
    graph = parse_schedule(text).factor(pt, steps, dtype)
    graph = graph + pt.zeros_like(steps)
    assert graph.dtype == dtype
    found = pytensor.function([steps], graph, mode=Mode("py", None))(STEPS.astype(dtype))
    # exp of a rounded argument: relative errors grow with the exponent
    wanted = CLOSED[text](STEPS)
    seen = wanted > 1e-6
    np.testing.assert_allclose(found[seen], wanted[seen], rtol=tolerance * 20, atol=0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "linear:1",
        "step:0.5",
        "step:0.5:0",
        "step:2:100",
        "exponential:0",
        "exponential:nan",
        "inverse:-1",
        "cosine:0.1",
        "points:",
        "points:5=1,5=2",
        "points:9=1,3=2",
        "points:1.5=2",
        "points:0=1",
    ],
)
def test_other_texts_say_no_schedule(text) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_schedule(text)
