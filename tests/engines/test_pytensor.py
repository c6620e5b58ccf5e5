"""What PyTensor makes of a step: its dtype, relu at 0, one-hot rows, and nothing on a screen."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from support.plain import Net, Rule, train

from runner.engines.pytensor import without_vector_code
from runner.engines.registry import compiled, measured
from runner.network.custom.source import make_model

ENGINES = ["pytensor", "pytensor-jax"]  # Numba compiles the same graphs, but for minutes

RELU = """PARAMETERS = {"w": 2, "b": 1}
def loss(T, parameters, inputs, targets):
    w, b = parameters["w"], parameters["b"][0]
    z = [b + w @ x for x in inputs]
    y = [[T.switch(T.gt(each, 0), each, 0)] for each in z]
    return sum((o - t) ** 2 for (o,), (t,) in zip(y, targets)), y
"""

ROWS = {
    "identity": np.eye(6),
    "permuted": np.eye(6)[[3, 1, 5, 0, 2, 4]],
    "repeated": np.eye(3)[[0, 1, 2, 0, 1, 2]],
    "tall": np.vstack([np.eye(5), np.zeros((1, 5))]),
    "wide": np.eye(7)[:6],
    "twice": 2 * np.eye(6),
    "diagonal": np.diag([1.0, -1.0, 2.0, 0.5, 0.0, 3.0]),
    "signs": np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1], [1, 1], [-1, -1]]),
    "triangular": np.tril(np.ones((6, 6))),
    "zeros": np.zeros((6, 3)),
    "ones": np.ones((6, 3)),
    "any": np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]]),
}
T = np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]])


def advanced(functions, signature, start, rate, targets, steps):
    n, dtype = start.shape[1], signature.dtype
    hyper = np.zeros((5, n), dtype)
    hyper[0] = rate
    state = signature.state.start(start, hyper[0])
    counts, limit = np.zeros(n, np.int32), np.full(n, steps, np.int32)
    return functions.advance(state, counts, limit, hyper, targets.astype(dtype))[0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layout", ["lanes", "stacked"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_relus_derivative_at_0_is_0(xor, engine, layout, dtype) -> None:
    # Hidden weights and biases are 0, so every unit is at 0 on every pattern: with the derivative
    # 0 the hidden layer stays, and the linear output goes down 2 (b - mean t) rate.
    signature = xor(
        activation="relu",
        output="linear",
        loss="squared-error",
        layout=layout,
        dtype=dtype,
        n_lanes=2,
        n_steps=1,
    )
    start = np.repeat([[0.0] * 6 + [1.0, -2.0, 0.25]], 2, axis=0).T
    targets = np.repeat([[0.0], [1.0], [1.0], [0.0]], 2, axis=1)
    functions = compiled(engine, signature)
    moved = advanced(functions, signature, start, 0.1, targets, 1)
    assert moved.dtype == dtype
    assert (moved[:6] == 0).all()
    np.testing.assert_allclose(moved[6:8, 0], [1.0, -2.0], rtol=1e-6)
    np.testing.assert_allclose(moved[8], 0.25 - 0.1 * 2 * (0.25 - 0.5), rtol=1e-6)
    hyper = np.zeros((5, 2))
    assert (functions.evaluate(start, hyper, targets).gradient[:6] == 0).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_comparison_in_a_custom_model_does_not_widen_float32(xor, engine) -> None:
    net = make_model("own.py:loss", RELU, 2, 1, is_trusted=True)
    signature = xor(n_lanes=2, n_steps=3, dtype="float32")
    signature = replace(signature, architecture=net, loss=None, layout="custom")
    if engine == "pytensor":
        assert without_vector_code(signature) == ""
    start = np.array([[0.5, -0.3], [0.2, 0.9], [0.1, -0.4]])
    targets = np.repeat([[0.0], [1.0], [1.0], [0.0]], 2, axis=1)
    moved = advanced(compiled(engine, signature), signature, start, 0.05, targets, 3)
    assert moved.dtype == np.float32
    x = np.array(signature.patterns)
    plain = Net((), "relu", "relu", "squared-error", "sum", x, targets[:, :1])
    for lane in range(2):
        path = train(plain, Rule("gradient-descent", 0.05), start[:, lane], 3)
        np.testing.assert_allclose(moved[:, lane], path[-1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_every_table_has_vector_code_and_trains(xor, name, capfd, caplog) -> None:
    """Rewrites look for constants of a certain kind, and every table's rows are a constant."""
    rows = ROWS[name]
    signature = xor(
        hidden=(2,), layout="stacked", n_lanes=3, patterns=tuple(map(tuple, rows.tolist()))
    )
    architecture = replace(signature.architecture, n_inputs=rows.shape[1])
    signature = replace(signature, architecture=architecture)
    with caplog.at_level(logging.DEBUG, "runner.engines"):
        assert without_vector_code(signature) == ""
        functions = compiled("pytensor", signature)
        look = measured("pytensor", signature.measured)
    assert functions.any_lanes
    assert look.any_lanes
    assert not [record for record in caplog.records if "ailure" in record.getMessage()]
    assert capfd.readouterr() == ("", "")
    net = Net((2,), "sigmoid", "sigmoid", "cross-entropy", "mean", rows, T)
    start = np.random.default_rng(4).uniform(-1, 1, (net.size, 3))
    targets = np.repeat(T, 3, axis=1)
    moved = advanced(functions, signature, start, 0.7, targets, 5)
    for lane in range(3):
        path = train(net, Rule("gradient-descent", 0.7), start[:, lane], 5)
        np.testing.assert_allclose(moved[:, lane], path[-1], rtol=1e-12, atol=1e-13)
        slope = look.values(start, np.zeros((5, 3)), targets)[1][:, lane]
        np.testing.assert_allclose(slope, net.gradient(start[:, lane]), atol=1e-13)
