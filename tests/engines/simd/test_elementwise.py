"""Operations in one line: what comes from a tanh carries its powers of two along, to the bit."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engines.simd import exponents
from runner.engines.simd.control_flow import once
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.lowering import function as compiled
from runner.engines.simd.lowering import loop, rewritten

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
    """By itself, and as what a step moves x by, in which y and z are fixed."""
    inputs = {name: pt.tensor(name, dtype="float64", shape=(8,)) for name in NAMES}
    x, y, z = inputs.values()
    value = built(expression, inputs, pt) + (x + y + z) * 0  # it may need none of them
    numbers = np.random.default_rng(seed).normal(size=(3, 8))
    ((found,),) = compiled([x, y, z], [[value]])(numbers)
    moved, steps, told = numbers[:1].copy(), np.zeros(8, np.int32), np.empty(8)
    step = loop([x], [y, z], [value], pt.lt(x, -np.inf), [value])
    step(moved, steps, np.ones(8, np.int32), [numbers[1], numbers[2]], [told])
    assert (steps == 1).all()
    wanted = built(expression, dict(zip(NAMES, numbers, strict=True)), np)
    scale = 1 + np.abs(wanted).max()
    if scale < 1e100:
        for one in (found, moved[0], told):
            np.testing.assert_allclose(
                one, np.broadcast_to(wanted, 8), rtol=1e-9, atol=1e-9 * scale
            )


def bool_as_number(y, t):
    return pt.gt(t, 0.5) * (1 - y) * (1 - y) + pt.le(t, 0.5) * y * y


def difference_of_products(y, t):
    return (t * (1 - t) - y * (1 - y)) ** 2


@pytest.mark.parametrize("make", [bool_as_number, difference_of_products])
def test_what_is_fixed_meets_what_comes_from_a_tanh(make) -> None:
    x, t = (pt.tensor(name, dtype="float64", shape=(8,)) for name in "xt")
    value = make(0.5 + 0.5 * pt.tanh(0.5 * x), t)
    numbers = np.random.default_rng(1).uniform(0, 1, (2, 8))
    moved, steps, told = numbers[:1].copy(), np.zeros(8, np.int32), np.empty(8)
    limits = np.ones(8, np.int32)
    loop([x], [t], [value], pt.gt(x, 9.0), [value])(moved, steps, limits, [numbers[1]], [told])
    sigmoid = 1 / (1 + np.exp(-numbers[0]))
    wanted = {
        bool_as_number: np.where(numbers[1] > 0.5, (1 - sigmoid) ** 2, sigmoid**2),
        difference_of_products: (numbers[1] * (1 - numbers[1]) - sigmoid * (1 - sigmoid)) ** 2,
    }[make]
    np.testing.assert_allclose(moved[0], wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: pt.switch(1 * pt.gt(x, 0), x, 7.0),
        lambda x: pt.switch(x, x, 7.0),
        lambda x: pt.cast(pt.gt(x, 0), "int64") * x,
        lambda x: pt.cast(pt.gt(x, 0), "uint8") * x,
    ],
)
def test_what_has_no_vector_code_is_refused(make) -> None:
    x = pt.tensor("x", dtype="float64", shape=(8,))
    with pytest.raises(UnknownOperation):
        compiled([x], [[make(x)]])


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
        text = once(graph).text
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
    monkeypatch.setattr(exponents, "_carries", lambda op, inputs_carry: False)
    (at_once,) = compiled([x, w, t], [outputs])(numbers)
    np.testing.assert_array_equal(carried, at_once)
