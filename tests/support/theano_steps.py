"""Run in Theano's own environment by test_theano.py: every layout and rule against plain NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from support.plain import Net, Rule, train

from runner.engines.registry import compiled, try_out
from runner.network.architecture import Architecture
from runner.network.criterion import SolvedCriterion
from runner.network.custom.source import make_model
from runner.network.loss_kind import LossKind
from runner.network.signature import Signature

XOR = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
TARGETS = np.array([[0.0], [1.0], [1.0], [0.0]])
BASE = Signature(
    architecture=Architecture(2, (2,), 1, "sigmoid", "sigmoid"),
    patterns=XOR,
    criterion=SolvedCriterion((0.5,), (0.0,)),
    loss=LossKind("cross-entropy", "mean"),
    regularised=False,
    optimizer="gradient-descent",
    stops=(),
    dtype="float64",
    layout="lanes",
    n_lanes=4,
    n_steps=7,
)
CASES = [
    ((), False, "lanes", "rprop", "sigmoid", "float32", False),
    ((3, 2), "all", "lanes", "momentum", "tanh", "float64", True),
    ((3,), "inputs", "stacked", "adam", "leaky-relu", "float64", False),
    ((2, 3), False, "stacked", "gradient-descent", ("tanh", "sigmoid"), "float32", True),
    ((2,), False, "lanes", "gradient-descent", "step", "float64", False),
]
RATE, MOMENTUM, STEPS = 0.3, 0.5, 5

for hidden, skip, layout, optimizer, activation, dtype, cut in CASES:
    frozen = ("W2", "b3") if skip == "all" else ()
    architecture = Architecture(2, hidden, 1, activation, "sigmoid", skip, True, frozen)
    signature = replace(
        BASE,
        architecture=architecture,
        layout=layout,
        optimizer=optimizer,
        dtype=dtype,
        cut_slopes=cut,
    )
    functions = compiled("theano", signature)
    n = architecture.n_parameters
    starts = np.random.default_rng(0).uniform(-1, 1, (n, 4)) * (6 if cut else 1)
    hyper = np.zeros((5, 4))
    hyper[0], hyper[1] = RATE, MOMENTUM if optimizer == "momentum" else 0.0
    targets = np.repeat(TARGETS, 4, axis=1)
    state = signature.state.start(starts, hyper[0])
    moved, steps, _ = functions.advance(
        state,
        np.zeros(4, np.int32),
        np.full(4, STEPS, np.int32),
        hyper.astype(dtype),
        targets.astype(dtype),
    )
    assert (steps == STEPS).all()
    assert moved.dtype == dtype
    names = (hidden, activation, "sigmoid", "cross-entropy", "mean")
    net = Net(*names, np.array(XOR), TARGETS, 0, skip, True, frozen)
    net.cut_slopes = cut
    seen = functions.evaluate(state.astype(float), hyper, targets)
    accuracy = 1e-12 if dtype == "float64" else 1e-5
    for lane in range(4):
        path = train(net, Rule(optimizer, RATE, MOMENTUM), starts[:, lane], STEPS)
        np.testing.assert_allclose(moved[:n, lane], path[-1], rtol=accuracy, atol=accuracy)
        start = state[:n, lane].astype(float)
        np.testing.assert_allclose(seen.gradient[:, lane], net.gradient(start), atol=1e-13)
        np.testing.assert_allclose(seen.loss[lane], net.loss(start), rtol=1e-12)
    print("agrees:", hidden, layout, optimizer, activation, dtype)

# relu's derivative at 0 is 0: hidden units that are at 0 on every pattern stay there
for layout in ("lanes", "stacked"):
    architecture = Architecture(2, (2,), 1, "relu", "linear")
    signature = replace(
        BASE, architecture=architecture, loss=LossKind("squared-error", "mean"), layout=layout
    )
    start = np.repeat([[0.0] * 6 + [1.0, -2.0, 0.25]], 4, axis=0).T
    seen = compiled("theano", signature).evaluate(
        start, np.zeros((5, 4)), np.repeat(TARGETS, 4, axis=1)
    )
    assert (seen.gradient[:6] == 0).all()
    np.testing.assert_allclose(seen.gradient[8], 2 * (0.25 - 0.5), rtol=1e-12)
    print("agrees: relu at 0,", layout)

# a custom model: least squares, whose steps are known in closed form; of 40 rows, as NumPy's
# functions, which Theano calls where there is no compiler, take 31 terms at most
SOURCE = """PARAMETERS = {"w": 2, "b": 1}
def loss(T, parameters, inputs, targets):
    w, b = parameters["w"], parameters["b"][0]
    y = [[b + w @ x] for x in inputs]
    return sum((o - t) ** 2 for (o,), (t,) in zip(y, targets)), y
"""
net = make_model("own.py:loss", SOURCE, 2, 1, is_trusted=True)
signature = replace(BASE, architecture=net, patterns=10 * XOR, loss=None, layout="custom")
try_out("theano", signature)
design, wanted = np.tile(np.column_stack([XOR, np.ones(4)]), (10, 1)), np.tile(TARGETS, (10, 1))
expected = start = np.random.default_rng(0).uniform(-1, 1, (3, 4))
for _ in range(STEPS):
    expected = expected - 0.005 * 2 * design.T @ (design @ expected - wanted)
hyper = np.zeros((5, 4))
hyper[0] = 0.005
zeros, limit = np.zeros(4, np.int32), np.full(4, STEPS, np.int32)
functions = compiled("theano", signature)
moved, _, _ = functions.advance(start, zeros, limit, hyper, np.repeat(wanted, 4, axis=1))
np.testing.assert_allclose(moved, expected, rtol=1e-12, atol=1e-12)
print("agrees: a model")
