"""Every scalar operation, applied to vectors, against NumPy."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runner.engines.simd.lowering import function as compiled

N = 64


def vector(dtype: str):
    return pt.tensor("x", dtype=dtype, shape=(N,))


def applied(operation, *arguments: np.ndarray) -> np.ndarray:
    """What the compiled operation makes of vectors."""
    inputs = [vector(str(a.dtype)) for a in arguments]
    out = operation(*inputs)
    return compiled(inputs, [[out]])(*arguments)[0][0]


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
