"""Layers at a hypercube's corners: exact outputs, large weights, whole trainings beside NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.combinations import Combination, OfCube, check

from runner.engines.simd import loop_bodies
from runner.engines.simd.hypercube_layers import hypercube_of
from runner.engines.simd.lowering import function, loop
from runner.engines.simd.strip_mining import strip_mined
from runner.engines.vector_programs import loop_program

UNITS = 3
LEAST_LARGE = {"float32": 80, "float64": 690}
"""Sums of absolute weights from which on powers of two are apart."""
LEAST_HUGE = 8192
"""Those from which on outputs come from sums."""


def corners(n: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.array(list(itertools.product([low, high], repeat=n)))


def layer(x: np.ndarray, dtype: str):
    """Weights, biases, and the graph of what a sigmoid layer makes of patterns."""
    w, b = (pt.tensor(dtype=dtype, shape=shape) for shape in ((UNITS, x.shape[1]), (UNITS,)))
    half = pt.constant(np.full((1, 1), 0.5, dtype))
    z = b.dimshuffle("x", 0) + pt.dot(pt.constant(x.astype(dtype)), w.T)
    return w, b, half + half * pt.tanh(half * z)


def outputs(x: np.ndarray, weights: np.ndarray, places: np.ndarray, dtype: str) -> np.ndarray:
    """Outputs (lanes, units) of a loop, for one pattern of each lane."""
    w, b, y = layer(x, dtype)
    chosen, total = (pt.tensor(dtype=dtype, shape=shape) for shape in ((UNITS, 1), (UNITS,)))
    one_hot = pt.tensor(dtype=dtype, shape=(len(x), 1))
    sums = y.sum(axis=0, acc_dtype=dtype)  # so that the layer is not transposed
    halts, other = (pt.lt(pt.sum(v, acc_dtype=dtype), 0) for v in (chosen, total))
    carried = [w, b, chosen, total]
    run = loop(carried, [one_hot], [w, b, pt.dot(y.T, one_hot), sums], halts, [other], nested=True)
    n = weights.shape[1]
    state = np.concatenate([weights, np.zeros((2 * UNITS, n))]).astype(dtype)
    which = np.zeros((len(x), n), dtype)
    which[places, np.arange(n)] = 1
    run(state, np.zeros(n, np.int32), np.ones(n, np.int32), [which], [np.zeros(n, bool)])
    return state[-2 * UNITS : -UNITS].T


def summed(x: np.ndarray, weights: np.ndarray, places: np.ndarray, dtype: str) -> np.ndarray:
    """The same, computed from sums: what is no loop is not cut into strips."""
    w, b, y = layer(x, dtype)
    (every,) = function([w, b], [[y]], nested=True)(weights.astype(dtype))
    one_hot = np.arange(len(x))[:, np.newaxis, np.newaxis] == places
    return (every.reshape(len(x), UNITS, -1) * one_hot).sum(axis=0).T


def exact(x: np.ndarray, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The same in extended precision."""
    n = x.shape[1]
    w = weights[: UNITS * n].reshape(UNITS, n, -1).astype(np.longdouble)
    z = np.einsum("unl,ln->lu", w, x[places].astype(np.longdouble)) + weights[UNITS * n :].T
    return 1 / (1 + np.exp(-z))


# the largest error in epsilons by the weights' size; sums' are 0.45, 1.1 and, of 8 inputs, 160
LARGEST_ERROR = {0.01: 0.3, 0.1: 0.45, 1.0: 1.25, 5.0: 1.25, 40.0: 1.25, 700.0: 1.25}
# on inputs of -1 and 1 the first corner's own sum is rounded
LARGEST_ERROR_OF_SIGNS = {0.01: 0.3, 0.1: 0.6, 1.0: 2.0, 5.0: 9.0, 40.0: 60.0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [3, 8])
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_outputs_are_off_by_what_the_documents_say(low, n, dtype) -> None:
    rng = np.random.default_rng(n)
    x, lanes = corners(n, low), 4000
    largest_error = LARGEST_ERROR_OF_SIGNS if low else LARGEST_ERROR
    sizes = rng.choice([*largest_error], lanes)  # so that blocks have lanes of every form
    weights = (rng.uniform(-1, 1, (UNITS * (n + 1), lanes)) * sizes).astype(dtype)
    places = rng.integers(0, len(x), lanes)
    error = np.abs(outputs(x, weights, places, dtype) - exact(x, weights, places))
    for size, largest in largest_error.items():
        assert error[sizes == size].max() < largest * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_are_those_of_the_lane_alone(dtype) -> None:
    """Whatever forms the other lanes of its block take."""
    rng = np.random.default_rng(2)
    x, lanes = corners(5), 960
    weights = rng.uniform(-1, 1, (UNITS * 6, lanes)) * rng.choice([0.1, 1, 300, 1e5], lanes)
    places = rng.integers(0, len(x), lanes)
    together = outputs(x, weights, places, dtype)
    for part in (np.abs(weights).max(axis=0) < size for size in (1, 12, 320)):
        alone = outputs(x, weights[:, part], places[part], dtype)
        assert together[part].tobytes() == alone.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_that_cancel_lose_nothing(dtype) -> None:
    """Edges of 20 and more that lead back to a pre-activation between -1 and 1."""
    rng = np.random.default_rng(0)
    x, lanes = corners(3), 4000
    weights = rng.uniform(-20, 20, (4, UNITS, lanes))
    weights[2] = rng.uniform(-1, 1, (UNITS, lanes)) - weights[[0, 1, 3]].sum(axis=0)
    flat = np.concatenate([weights[:3].transpose(1, 0, 2).reshape(9, -1), weights[3]]).astype(dtype)
    inside = np.abs(weights).sum(axis=0).max(axis=0) < 70
    last = np.full(lanes, 7)
    right, eps = exact(x, flat, last), np.finfo(dtype).eps
    ours = np.abs(outputs(x, flat, last, dtype) - right)[inside].max()
    theirs = np.abs(summed(x, flat, last, dtype) - right)[inside].max()
    assert ours < 1.25 * eps < theirs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_weights_infinities_and_nan_give_the_bits_of_sums(dtype) -> None:
    rng = np.random.default_rng(1)
    x, lanes = corners(5), 640
    weights = rng.uniform(-1, 1, (UNITS * 6, lanes))
    hard = (np.nan, np.inf, -np.inf, 1e4, -1e4, 1e30, float(LEAST_HUGE))
    is_huge = np.arange(lanes) % 3 == 0  # so that other lanes of their blocks are not
    rows = rng.integers(0, len(weights), lanes)
    weights[rows, np.arange(lanes)] = np.where(is_huge, rng.choice(hard, lanes), 0.5)
    places = rng.integers(0, len(x), lanes)
    with np.errstate(invalid="ignore"):
        found = outputs(x, weights, places, dtype)
        wanted = summed(x, weights, places, dtype)
    np.testing.assert_array_equal(found[is_huge], wanted[is_huge])
    others = ~is_huge
    alone = outputs(x, weights[:, others], places[others], dtype)
    assert found[others].tobytes() == alone.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saturated_output_stops_short_of_its_asymptotes(dtype) -> None:
    """So that no unit's derivative is 0; see docs/engines.md on rprop."""
    x, size = corners(3), LEAST_LARGE[dtype] / 4.5
    weights = np.tile([-size, size], (UNITS * 4, 8))
    places = np.full(16, 7)
    found = outputs(x, weights, places, dtype)
    np.testing.assert_array_equal(found, summed(x, 2 * weights, places, dtype))
    stop = {"float32": 2.0**-23, "float64": 2.0**-53}[dtype]
    np.testing.assert_array_equal(found, np.where(weights[:UNITS].T > 0, 1 - stop, stop))


def of_cube(output="sigmoid", loss="cross-entropy", optimizer="momentum", **more) -> OfCube:
    dtype = more.pop("dtype", "float64")
    return OfCube("sigmoid", output, loss, optimizer, dtype, "stacked", **more)


STRIP_MINED = [
    of_cube(),
    of_cube(dtype="float32"),
    of_cube(gate="PARITY-3"),
    of_cube(gate="PARITY-4", levels=(-1.0, 1.0)),
    of_cube(levels=(0.1, 0.9), optimizer="adam"),
    of_cube(widths=(4, 3), levels=(1.0, -1.0)),
    of_cube("linear", "squared-error", "rmsprop", widths=(20,)),
    of_cube("tanh", "squared-error", "nesterov"),
]
# A second pass through the network, joint outputs, only two inputs.
NOT_STRIP_MINED = [
    of_cube(optimizer="lbfgs", gate="PARITY-3"),
    of_cube("softmax", gate="PARITY-3"),
    of_cube(gate="XOR"),
]


def is_strip_mined(combination: Combination, monkeypatch: pytest.MonkeyPatch) -> bool:
    found = []
    monkeypatch.setattr(
        loop_bodies, "strip_mined", lambda graph: found.append(strip_mined(graph)) or found[-1]
    )
    (configuration,) = combination.plan.configurations
    loop_program(configuration.signature())
    return any(strips is not None for strips in found)


@pytest.mark.parametrize("combination", STRIP_MINED, ids=str)
def test_restarts_are_trained_as_by_plain_numpy(combination, monkeypatch) -> None:
    assert is_strip_mined(combination, monkeypatch)
    check("pytensor", combination)


@pytest.mark.parametrize("combination", NOT_STRIP_MINED, ids=str)
def test_other_networks_are_computed_as_they_were(combination, monkeypatch) -> None:
    assert not is_strip_mined(combination, monkeypatch)


@given(st.integers(3, 6), st.floats(-3, 3), st.floats(-3, 3))
def test_a_cube_is_told_by_its_rows(n, low, high) -> None:
    rows = corners(n, low, high)
    hypercube = hypercube_of(rows)
    assert hypercube is not None
    assert (hypercube.low, hypercube.high) == ((low,) * n, (high,) * n)
    assert hypercube_of(rows[:-1]) is None
    if low != high:
        assert hypercube_of(rows[::-1][[1, 0, *range(2, len(rows))]]) is None
        rows[1, 0] += 1
        assert hypercube_of(rows) is None
