"""Exact Hessians: against finite differences of a gradient that the runner had no hand in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from support.steps import ACTIVATIONS, LOSSES, net_of

from runner.engines.pytensor import gradient
from runner.engines.registry import measured
from runner.landscape.loss_surface import LossSurface
from runner.network.lane import Lane
from runner.network.signature import HYPERPARAMETERS
from runner.network.step import Step

SHAPES = [((2,), False), ((3, 2), True), ((), False)]


def differences(net, theta, h=1e-5):
    basis = np.eye(len(theta)) * h
    return np.array([(net.gradient(theta + e) - net.gradient(theta - e)) / (2 * h) for e in basis])


def interpreted_product(signature):
    """The graph of the Hessian's product, run node by node in Python."""
    step = Step(pt, gradient, signature)
    n = signature.n_lanes
    shapes = {"state": signature.n_rows, "directions": signature.n_rows}
    shapes |= {"hyper": len(HYPERPARAMETERS), "targets": signature.n_targets}
    state, directions, hyper, targets = (
        pt.tensor(name, dtype="float64", shape=(rows, n)) for name, rows in shapes.items()
    )
    rows = [hyper[i] for i in range(len(HYPERPARAMETERS))]
    lane = Lane(rows, step.packed_layout.unpack_targets(pt, targets))
    product = step.product(step.unpack(state), step.packed_layout.unpack(pt, directions), lane)
    return pytensor.function(
        [state, directions, hyper, targets],
        step.packed_layout.pack(pt, product),
        mode=Mode("py", None),
        on_unused_input="ignore",
    )


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_product_is_that_of_finite_differences(xor, restarts, activation, layout) -> None:
    place = ACTIVATIONS.index(activation)
    for (hidden, skip), (loss, output) in zip(
        SHAPES, (LOSSES * 2)[place : place + len(SHAPES)], strict=True
    ):
        signature = xor(
            hidden=hidden,
            skip=skip,
            activation=activation,
            output=output,
            loss=loss,
            layout=layout,
            regularised=True,
            optimizer="adam",
            n_lanes=3,
        ).measured
        n = signature.architecture.n_parameters
        # every column of three Hessians at once: a lane for each
        product = interpreted_product(replace(signature, n_lanes=3 * n))
        net = net_of(signature, 0.01)
        work = restarts(signature, n=3, l2=0.01)
        targets = np.repeat(work.targets.T, 3 * n, axis=1)
        starts, hyper = (np.tile(rows, n) for rows in (work.starts, work.hyper))
        columns = product(starts, np.repeat(np.eye(n), 3, axis=1), hyper, targets)
        exact = np.stack([differences(net, theta) for theta in work.starts.T], axis=-1)
        np.testing.assert_allclose(columns, exact.reshape(n, 3 * n), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
def test_surfaces_of_any_number_have_the_values_of_plain_numpy(xor, restarts, layout) -> None:
    signature = xor(activation="tanh", layout=layout, regularised=True, dtype="float32").measured
    assert signature.dtype == "float64"
    work = restarts(signature, n=19, l2=0.02)  # two calls of eight lanes and a part of one
    targets = np.repeat(work.targets.T, 19, axis=1)
    surface = LossSurface(measured("pytensor", signature), work.hyper, targets)
    values = surface.values(work.starts)
    hessian = surface.hessian(work.starts)
    net = net_of(signature, 0.02)
    assert len(surface) == 19
    for k, theta in enumerate(work.starts.T):
        assert values.loss[k] == pytest.approx(net.loss(theta), rel=1e-12)
        np.testing.assert_allclose(values.gradient[:, k], net.gradient(theta), atol=1e-13)
        np.testing.assert_allclose(values.outputs[:, k], net.outputs(theta).ravel(), atol=1e-13)
        np.testing.assert_allclose(hessian[:, :, k], differences(net, theta), rtol=1e-6, atol=1e-8)
    assert (hessian == hessian.swapaxes(0, 1)).all()
    some = surface[np.array([4, 4, 1])]
    np.testing.assert_array_equal(some.loss(work.starts[:, [4, 4, 1]]), values.loss[[4, 4, 1]])
