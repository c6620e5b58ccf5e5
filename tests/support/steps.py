"""A step's graph, run node by node, and the plain network that it is compared with."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from support.plain import Net

from runner.engines.base import Evaluation
from runner.engines.pytensor import gradient
from runner.network.signature import HYPERPARAMETERS
from runner.network.step import Lane, Step

ACTIVATIONS = ("sigmoid", "tanh", "relu", "linear", "step")
LOSSES = (
    ("cross-entropy", "sigmoid"),
    ("cross-entropy", "softmax"),
    ("squared-error", "sigmoid"),
    ("squared-error", "tanh"),
    ("squared-error", "linear"),
    ("squared-error", "softmax"),
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
