"""A step's graph, run node by node, and the plain network that it is compared with."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from support.plain import Net, Rule, train

from runner.engines.base import Evaluation
from runner.engines.pytensor import gradient
from runner.network.lane import Lane
from runner.network.signature import HYPERPARAMETERS
from runner.network.step import Step

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "linear", "step")
LOSSES = (
    ("cross-entropy", "sigmoid"),
    ("cross-entropy", "softmax"),
    ("squared-error", "sigmoid"),
    ("squared-error", "tanh"),
    ("squared-error", "linear"),
    ("squared-error", "softmax"),
    ("tanh-error", "sigmoid"),
    ("tanh-error", "tanh"),
)


def net_of(signature, l2=0.0):
    a = signature.architecture
    column = np.array([[0.0], [1.0], [1.0], [0.0]])
    targets = np.hstack([1 - column, column]) if a.n_outputs == 2 else column
    return Net(
        a.hidden,
        a.activation,
        a.output,
        signature.loss.kind,
        signature.loss.reduction,
        np.array(signature.patterns),
        targets,
        l2,
        a.skip,
        a.bias,
        a.frozen,
        signature.l2_biases,
    )


def differences(f, theta, h=1e-6):
    basis = np.eye(len(theta)) * h
    return np.array([(f(theta + e) - f(theta - e)) / (2 * h) for e in basis])


def interpreted(signature):
    """The step's graph, run node by node in Python: nothing compiled, nothing rewritten."""
    step = Step(pt, gradient, signature)
    shapes = {
        "state": (signature.n_rows, signature.n_lanes),
        "hyper": (len(HYPERPARAMETERS), signature.n_lanes),
        "targets": (signature.n_targets, signature.n_lanes),
    }
    state, hyper, targets = (
        pt.tensor(name, dtype=signature.dtype, shape=shape) for name, shape in shapes.items()
    )
    steps = pt.tensor("steps", dtype="int32", shape=(signature.n_lanes,))
    limit = pt.tensor("limit", dtype="int32", shape=(signature.n_lanes,))
    rows = [hyper[i] for i in range(len(HYPERPARAMETERS))]
    lane = Lane(rows, step.packed_layout.unpack_targets(pt, targets))
    moved, count, solved = step.advance(step.unpack(state), steps, limit, lane)
    mode = Mode("py", None)
    advance = pytensor.function(
        [state, steps, limit, hyper, targets],
        [step.pack(moved), count, solved],
        mode=mode,
        on_unused_input="ignore",
    )
    evaluate = pytensor.function(
        [state, hyper, targets],
        step.evaluate(step.unpack(state), lane),
        mode=mode,
        on_unused_input="ignore",
    )
    return advance, lambda *arrays: Evaluation(*evaluate(*arrays))


def check_step(signature, restarts, l2=0.0, steps=4, momentum=0.0, rate=0.3):
    """Compare a step's loss, gradient, outputs and some updates with the plain network's."""
    advance, evaluate = interpreted(signature)
    net = net_of(signature, l2)
    work = restarts(
        signature, n=signature.n_lanes, rate=rate, max_steps=steps, momentum=momentum, l2=l2
    )
    targets = np.repeat(work.targets.T, signature.n_lanes, axis=1)
    state = signature.state.start(work.starts, work.hyper[0])
    seen = evaluate(state, work.hyper, targets)
    moved, counts = state, np.zeros(signature.n_lanes, np.int32)
    for _ in range(steps + 2):  # the limit holds a lane from then on
        moved, counts, _ = advance(moved, counts, work.max_steps, work.hyper, targets)
    assert (counts == steps).all()
    n = signature.architecture.n_parameters
    for lane in range(signature.n_lanes):
        theta = work.starts[:, lane]
        assert seen.loss[lane] == pytest.approx(net.loss(theta), rel=1e-12)
        np.testing.assert_allclose(seen.gradient[:, lane], net.gradient(theta), atol=1e-13)
        if net.activation != "step" or not net.hidden:
            np.testing.assert_allclose(
                seen.gradient[:, lane],
                differences(net.loss, theta) * net.trained,
                rtol=1e-5,
                atol=1e-8,
            )
        path = train(net, Rule(signature.optimizer, rate, momentum), theta, steps)
        np.testing.assert_allclose(moved[:n, lane], path[-1], rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(seen.moved[:, lane], path[1], rtol=1e-10, atol=1e-12)
        assert seen.next_loss[lane] == pytest.approx(net.loss(path[1]), rel=1e-10)
        outputs = net.outputs(theta)
        np.testing.assert_allclose(seen.outputs[:, lane], outputs.ravel(), atol=1e-14)
        assert seen.solved[lane] == net.solved(theta, 0.5)
