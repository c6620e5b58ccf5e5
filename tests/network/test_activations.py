"""Activations: graph, values in NumPy and stated symmetries are those of the formula."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from support.plain import squash

from runner.network.activations.registry import ACTIVATIONS

Z = np.linspace(-6.0, 6.0, 241)  # its middle is 0
NAMES = pytest.mark.parametrize("name", ACTIVATIONS)
OF_UNITS = pytest.mark.parametrize("name", [n for n, a in ACTIVATIONS.items() if a.elementwise])


@NAMES
@pytest.mark.parametrize(("dtype", "accuracy"), [("float64", 1e-15), ("float32", 1e-6)])
def test_graph_and_values_are_those_of_the_formula(name, dtype, accuracy) -> None:
    units = np.stack([Z, Z[::-1] / 2, np.full_like(Z, 0.3)])
    wanted = squash(name, units.T).T
    np.testing.assert_allclose(ACTIVATIONS[name].values(units), wanted, rtol=1e-14, atol=1e-15)
    rows = [pt.vector(f"z{i}", dtype=dtype) for i in range(len(units))]
    graph = ACTIVATIONS[name].graph(pt, rows, dtype)
    assert all(tensor.type.dtype == dtype for tensor in graph)
    built = pytensor.function(rows, graph, mode=Mode("py", None))(*units.astype(dtype))
    np.testing.assert_allclose(built, wanted, rtol=accuracy, atol=accuracy)


@OF_UNITS
def test_the_parity_is_true_and_none_is_left_out(name) -> None:
    activation = ACTIVATIONS[name]
    there, mirrored = activation.values(Z), activation.values(-Z)
    odd = np.allclose(mirrored, -there, atol=1e-15)
    complementary = np.allclose(mirrored, 1 - there, atol=1e-15)
    assert (odd, complementary) == (
        activation.parity == "odd",
        activation.parity == "complementary",
    )


@OF_UNITS
def test_only_homogeneous_ones_scale(name) -> None:
    activation = ACTIVATIONS[name]
    scales = np.allclose(activation.values(2.5 * Z), 2.5 * activation.values(Z), atol=1e-14)
    assert scales == activation.homogeneous


@OF_UNITS
def test_asymptotes_are_come_near_and_not_taken(name) -> None:
    activation = ACTIVATIONS[name]
    low, high = activation.asymptotes
    values = activation.values(Z)
    assert low < values.min()
    assert values.max() < high
    if np.isfinite(low):
        ends = activation.values(np.array([-30.0, 30.0]))
        np.testing.assert_allclose(ends, [low, high], atol=1e-12)


@OF_UNITS
def test_values_fill_their_range_and_do_not_leave_it(name) -> None:
    activation = ACTIVATIONS[name]
    low, high = activation.value_range
    values = activation.values(np.linspace(-40, 40, 4001))
    assert low <= values.min()
    assert values.max() <= high
    slope = {"leaky-relu": 0.01}.get(name, 1.0)  # below 0
    for end, reached, beyond in ((low, values.min(), -40 * slope), (high, values.max(), 40)):
        expected = end if np.isfinite(end) else beyond
        assert reached == pytest.approx(expected, abs=1e-12)
