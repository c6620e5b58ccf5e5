"""tanh, exp, log and log(1 + x) of vectors against extended precision, to the last place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytensor.tensor as pt
import pytest

from runner.engines.simd.lowering import function as compiled

N = 64
DTYPES = ("float32", "float64")
DOCUMENT = Path(__file__).parents[3] / "docs" / "engines.md"
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

Exact = Callable[[np.ndarray], np.ndarray]
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Exact]] = {
    "tanh": (pt.tanh, np.tanh),
    "exp": (pt.exp, np.exp),
    "log": (pt.log, np.log),
    "log(1 + x)": (pt.log1p, np.log1p),
    "square root": (pt.sqrt, np.sqrt),
}

# Where each is tried: evenly spaced from one number to another, or spread over their magnitudes.
EVENLY = {
    "tanh": [(-20, 20), (-1e-3, 1e-3)],
    "exp": [(-87, 88), (-708, 709), (-1, 1)],
    "log": [(2, 50), (1e-3, 0.7), (0.5, 2)],
    "log(1 + x)": [(-0.999999, 1), (-0.5, 1)],
    "square root": [(1e-3, 9)],
}
MAGNITUDES = {
    "tanh": [(1e-30, 20)],
    "exp": [(1e-10, 80)],
    "log": [(1e-37, 1e37)],
    "log(1 + x)": [(1e-30, 1e30), (-0.999, -1e-30)],
    "square root": [(1e-30, 1e30)],
}
COUNT = 2**17
"""Numbers that are tried in each place."""


def vector(dtype: str) -> Any:
    return pt.tensor("x", dtype=dtype, shape=(N,))


def applied(operation, *arguments: np.ndarray) -> np.ndarray:
    """What the compiled operation makes of vectors."""
    inputs = [vector(str(a.dtype)) for a in arguments]
    return compiled(inputs, [[operation(*inputs)]])(*arguments)[0][0]


def samples(name: str, dtype: str) -> Iterator[np.ndarray]:
    """Arguments at which a function is finite."""
    random = np.random.default_rng(0)
    for low, high in EVENLY[name]:
        if not (name == "exp" and dtype == "float32" and high > 88):
            yield np.linspace(low, high, COUNT).astype(dtype)
    for low, high in MAGNITUDES[name]:
        ends = np.sort(np.log(np.abs([low, high])))
        yield (np.sign(high) * np.exp(random.uniform(*ends, COUNT))).astype(dtype)


def units(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Errors in units in the last place of the exact value."""
    assert np.finfo(np.longdouble).nmant > np.finfo(found.dtype).nmant + 8
    _, exponent = np.frexp(exact)
    unit = np.ldexp(np.longdouble(1), exponent - 1 - np.finfo(found.dtype).nmant)
    return np.abs(found - exact) / unit


def worst(name: str, dtype: str) -> float:
    """The largest error of a function, in units in the last place."""
    operation, exact = FUNCTIONS[name]
    x = vector(dtype)
    function = compiled([x], [[operation(x)]])
    errors = []
    for x in samples(name, dtype):
        wanted = exact(x.astype(np.longdouble))
        ((found,),) = function(x)
        some = wanted != 0
        errors.append(units(found[some], wanted[some]).max())
    return float(max(errors))


def documented() -> dict[tuple[str, str], float]:
    """The table of docs/engines.md: the largest error of each function by dtype."""
    row = r"^\| ([^|]+?) \| ([\d.]+) \| ([\d.]+) \|$"
    found = re.findall(row, DOCUMENT.read_text(), re.MULTILINE)
    return {
        (name, d): float(v) for name, *values in found for d, v in zip(DTYPES, values, strict=True)
    }


def test_every_function_is_documented() -> None:
    assert documented().keys() == {(name, dtype) for name in FUNCTIONS for dtype in DTYPES}


@pytest.mark.parametrize(("name", "dtype"), [(n, d) for n in FUNCTIONS for d in DTYPES])
def test_errors_are_as_documented(name, dtype) -> None:
    """No larger, and not so much smaller that the document would say little."""
    claim = documented()[name, dtype]
    assert 0.75 * claim < worst(name, dtype) <= claim


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_relative_errors_are_a_few_roundings(name, dtype) -> None:
    operation, exact = FUNCTIONS[name]
    for low, high in [pair for pair in EVENLY[name] if pair not in ((-708, 709), (-0.999999, 1))]:
        x = np.linspace(low, high, 1000 * N).astype(dtype)
        found, wanted = applied(operation, x), exact(x.astype(np.longdouble))
        some = wanted != 0
        assert np.abs(found[some] / wanted[some] - 1).max() < 5 * np.finfo(dtype).eps


@pytest.mark.parametrize(("dtype", "bound", "below"), [("float32", 8, 4), ("float64", 18, 2)])
def test_tanh_stops_below_1(dtype, bound, below) -> None:
    x = np.resize(np.array([bound, bound + 0.5, 30, 1e30, np.inf], dtype), N)
    unit = np.finfo(dtype).epsneg
    np.testing.assert_array_equal(applied(pt.tanh, x), np.dtype(dtype).type(1 - below * unit))
    np.testing.assert_array_equal(applied(pt.tanh, -x), -np.dtype(dtype).type(1 - below * unit))


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
        for operation, exact in FUNCTIONS.values():
            # exp gives 0 where the result would be subnormal
            np.testing.assert_allclose(applied(operation, x), exact(x), rtol=1e-14, atol=1e-300)
