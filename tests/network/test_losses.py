"""Losses at given outputs, against the plain network's."""

from __future__ import annotations

import numpy as np
import pytest
from support.plain import Net
from support.steps import LOSSES
from support.symmetric import TARGETS, XOR

from runner.network.architecture import Architecture
from runner.network.loss_kind import LossKind


@pytest.mark.parametrize(("kind", "output"), LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "half-sum", "half-mean"])
def test_a_loss_at_given_outputs_is_that_of_the_plain_network(kind, output, reduction) -> None:
    targets = np.hstack([1 - TARGETS, TARGETS]) if output == "softmax" else TARGETS
    plain = Net((2,), "tanh", output, kind, reduction, XOR, targets)
    net = Architecture(2, (2,), targets.shape[1], "tanh", output)
    thetas = np.random.default_rng(4).normal(size=(5, plain.size))
    y = np.stack([plain.outputs(theta) for theta in thetas], axis=-1)
    t = np.repeat(targets[..., None], 5, axis=-1)
    losses = LossKind(kind, reduction).of_outputs(net, y, t)
    np.testing.assert_allclose(losses, [plain.loss(theta) for theta in thetas], rtol=1e-12)


def test_rounding_brings_no_loss_under_0() -> None:
    """(1 + e) ln(1 + e) + (1 - e) ln(1 - e) is e squared there, under the terms' last digits."""
    net = Architecture(2, (2,), 1, "sigmoid", "sigmoid")
    errors = np.geomspace(1e-12, 1e-3, 2000).reshape(1, 1, -1)
    losses = LossKind("tanh-error", "sum").of_outputs(net, errors, np.zeros_like(errors))
    assert (losses >= 0).all()
    np.testing.assert_allclose(losses, 2 * errors.ravel() ** 2, rtol=1e-5, atol=1e-15)
