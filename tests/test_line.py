"""Operations in one line: what comes from a tanh carries its powers of two along, to the bit."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engines.graphs import function as compiled
from runner.engines.graphs import rewritten
from runner.engines.line import Line
from runner.engines.loops import once

NAMES = ("x", "y", "z")
POWERS = (0.0625, 0.25, 0.5, 2.0, 4.0)

leaves = st.one_of(
    st.sampled_from(NAMES).map(lambda name: ("input", name)),
    st.sampled_from((*POWERS, 0.3, -1.5, 1.0)).map(lambda number: ("constant", number)),
)
expressions = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.tuples(st.just("tanh"), parts),
        st.tuples(st.just("square"), parts),
        st.tuples(st.just("absolute"), parts),
        st.tuples(st.just("power"), st.sampled_from(POWERS), parts),
        st.tuples(st.sampled_from(("add", "multiply")), parts, parts, parts),
        st.tuples(st.sampled_from(("subtract", "greater")), parts, parts),
    ),
    max_leaves=25,
)


def built(expression, inputs, T):
    """An expression in a namespace: PyTensor's or NumPy's."""
    kind, *parts = expression
    if kind == "input":
        return inputs[parts[0]]
    if kind == "constant":
        return np.float64(parts[0])
    if kind == "power":
        return np.float64(parts[0]) * built(parts[1], inputs, T)
    values = [built(part, inputs, T) for part in parts]
    if kind in ("tanh", "square"):
        return getattr(T, kind)(values[0])
    if kind == "absolute":
        return abs(values[0])
    if kind == "greater":
        return T.where(T.gt(*values) if T is pt else np.greater(*values), values[0], 0.5)
    return reduce(
        {
            "add": lambda a, b: a + b,
            "multiply": lambda a, b: a * b,
            "subtract": lambda a, b: a - b,
        }[kind],
        values,
    )


@settings(max_examples=150, deadline=None)
@given(expressions, st.integers(0, 2**32 - 1))
def test_any_expression_is_that_of_numpy(expression, seed) -> None:
    inputs = {name: pt.tensor(name, dtype="float64", shape=(8,)) for name in NAMES}
    kept = sum(v * 0 for v in inputs.values())  # an expression may need none of them
    function = compiled([*inputs.values()], [[built(expression, inputs, pt) + kept]])
    numbers = np.random.default_rng(seed).normal(size=(3, 8))
    ((found,),) = function(numbers)
    wanted = built(expression, dict(zip(NAMES, numbers, strict=True)), np)
    scale = 1 + np.abs(wanted).max()
    if not isinstance(scale, float) or scale < 1e100:
        np.testing.assert_allclose(found, np.broadcast_to(wanted, 8), rtol=1e-9, atol=1e-9 * scale)


def logistic(z, half: float):
    return half + half * pt.tanh(half * z)


def test_powers_of_two_cost_no_multiplication() -> None:
    """Those of a logistic unit, its derivative's and those of a mean."""
    x, w, t = (pt.tensor(name, dtype="float32", shape=(8,)) for name in ("x", "w", "t"))
    counts = []
    for half in (1.0, 0.5):
        constant = np.float32(half)
        error = logistic(w * logistic(x, constant), constant) - t
        graph = rewritten([x, w, t], [constant * error * w, constant * constant * error * error])
        text = once(graph)
        counts.append(text.count("fmul <") + text.count("@llvm.fmuladd.v16f32(<"))
    without, powers = counts
    # what remains: x times a half, which nothing uses; the target; and both outputs
    assert powers == without + 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_carried_powers_change_no_bit(dtype, monkeypatch) -> None:
    x, w, t = (pt.tensor(name, dtype=dtype, shape=(8,)) for name in ("x", "w", "t"))
    half, quarter = (np.dtype(dtype).type(number) for number in (0.5, 0.25))
    hidden = logistic(x, half)
    error = logistic(w * hidden + x, half) - t
    outputs = [w - t * (quarter * error * hidden), quarter * error * w * (1 - hidden**2) + x]
    numbers = np.random.default_rng(0).normal(size=(3, 4000)).astype(dtype)
    (carried,) = compiled([x, w, t], [outputs])(numbers)
    # nothing is known to come from a tanh: every factor is multiplied where it stands
    monkeypatch.setattr(Line, "_write", multiplied_at_once)
    (at_once,) = compiled([x, w, t], [outputs])(numbers)
    np.testing.assert_array_equal(carried, at_once)


def multiplied_at_once(line, node, out, write=Line._write) -> None:
    write(line, node, out)
    line._bounded.clear()
