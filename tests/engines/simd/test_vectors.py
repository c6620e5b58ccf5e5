"""Every vector operation against NumPy, and the functions that LLVM lacks against exact values."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runner.engines.simd.lowering import function as compiled

N = 64
EDGES = [
    0.0,
    -0.0,
    1e-300,
    -1e-30,
    1e-8,
    0.5,
    -1.0,
    17.9,
    18.1,
    -40.0,
    700.0,
    1e300,
    np.inf,
    -np.inf,
]


def vector(dtype: str):
    return pt.tensor("x", dtype=dtype, shape=(N,))


def applied(operation, *arguments: np.ndarray) -> np.ndarray:
    """What the compiled operation makes of vectors."""
    inputs = [vector(str(a.dtype)) for a in arguments]
    out = operation(*inputs)
    return compiled(inputs, [[out]])(*arguments)[0][0]


def spaced(low: float, high: float, dtype: str) -> np.ndarray:
    return np.linspace(low, high, 1000 * N).astype(dtype).reshape(-1, N)


def worst(operation, exact, low: float, high: float, dtype: str) -> float:
    """Largest relative error in units of the dtype's spacing at 1."""
    x = vector(dtype)
    function = compiled([x], [[operation(x)]])
    errors = []
    for row in spaced(low, high, dtype):
        ((found,),) = function(row)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = exact(row.astype(np.longdouble))
            errors.append(np.nanmax(np.abs(found / wanted - 1)))
    return float(max(errors)) / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("operation", "exact", "low", "high"),
    [
        (pt.tanh, np.tanh, -20, 20),
        (pt.tanh, np.tanh, -1e-3, 1e-3),
        (pt.exp, np.exp, -87, 88),
        (pt.log, np.log, 2, 50),
        (pt.log, np.log, 1e-3, 0.7),
        (pt.log1p, np.log1p, -0.5, 1),
        (pt.sqrt, np.sqrt, 1e-3, 9),
    ],
)
def test_functions_are_exact_to_a_few_units(dtype, operation, exact, low, high) -> None:
    assert worst(operation, exact, low, high, dtype) < 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logarithms_of_every_size(dtype) -> None:
    limits = np.finfo(dtype)
    powers = np.arange(limits.minexp - limits.nmant, limits.maxexp)  # subnormal ones, too
    mantissas = np.random.default_rng(0).uniform(1, 2, (9, len(powers)))
    near = 1 + np.random.default_rng(1).uniform(-1e-3, 1e-3, 10_000)
    x = np.concatenate([np.ldexp(mantissas, powers).ravel(), near]).astype(dtype)
    y = pt.tensor("y", dtype=dtype, shape=(N,))
    ((found,),) = compiled([y], [[pt.log(y)]])(x)
    wanted = np.log(x.astype(np.longdouble))
    assert (np.abs(found - wanted) <= np.abs(np.spacing(wanted.astype(dtype)))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tanh_never_leaves_its_range(dtype) -> None:
    around = np.linspace(7, 20, 1000 * N).astype(dtype).reshape(-1, N)
    x = vector(dtype)
    function = compiled([x], [[pt.tanh(x)]])
    for row in around:
        ((found,),) = function(row)
        assert (found <= 1).all()
        assert (found > 0.99999).all()


def test_functions_at_the_edges() -> None:
    x = np.resize(np.array([*EDGES, np.nan]), N)
    with np.errstate(all="ignore"):
        for operation, exact in (
            (pt.tanh, np.tanh),
            (pt.exp, np.exp),
            (pt.log, np.log),
            (pt.log1p, np.log1p),
        ):
            # exp gives 0 where the result would be subnormal
            np.testing.assert_allclose(applied(operation, x), exact(x), rtol=1e-14, atol=1e-300)


BINARY = {
    "add": (lambda a, b: a + b, np.add),
    "subtract": (lambda a, b: a - b, np.subtract),
    "multiply": (lambda a, b: a * b, np.multiply),
    "divide": (lambda a, b: a / b, np.divide),
    "maximum": (pt.maximum, np.maximum),
    "minimum": (pt.minimum, np.minimum),
    "less": (pt.lt, np.less),
    "greater": (pt.gt, np.greater),
    "at most": (pt.le, np.less_equal),
    "at least": (pt.ge, np.greater_equal),
    "equal": (pt.eq, np.equal),
    "different": (pt.neq, np.not_equal),
    "switch": (
        lambda a, b: pt.switch(pt.gt(a, b), a, b * 2),
        lambda a, b: np.where(a > b, a, b * 2),
    ),
    "and, or, not": (
        lambda a, b: pt.or_(pt.and_(pt.gt(a, 0), pt.gt(b, 0)), pt.invert(pt.lt(a, b))),
        lambda a, b: ((a > 0) & (b > 0)) | ~(a < b),
    ),
    "mixed dtypes": (
        lambda a, b: pt.cast(pt.gt(a, b), "float64") + pt.cast(a, "float32"),
        lambda a, b: (a > b) + a.astype("float32").astype("float64"),
    ),
    "unary": (
        lambda a, b: abs(a) + pt.sign(b) - pt.sqr(a) + (-b),
        lambda a, b: np.abs(a) + np.sign(b) - a * a + (-b),
    ),
}
NUMBERS = st.floats(-1e3, 1e3, width=32)


@pytest.mark.parametrize("name", BINARY)
def test_operations_are_those_of_numpy(name) -> None:
    operation, exact = BINARY[name]
    a, b = vector("float64"), vector("float64")
    function = compiled([a, b], [[operation(a, b)]])

    @given(arrays(np.float64, (2, N), elements=NUMBERS))
    def agrees(values) -> None:
        ((found,),) = function(*values)
        with np.errstate(all="ignore"):
            wanted = exact(*values)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)

    agrees()


def test_integers() -> None:
    steps = np.arange(N, dtype="int32")
    limit = np.full(N, 7, "int32")
    found = applied(lambda s, m: pt.switch(pt.ge(s, m), s, s + np.int32(1)), steps, limit)
    np.testing.assert_array_equal(found, np.where(steps >= 7, steps, steps + 1))
