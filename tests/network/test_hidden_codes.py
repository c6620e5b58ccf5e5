"""Hidden codes: of networks made by hand, and the same for every image of an endpoint."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from support.plain import Net
from support.symmetric import TARGETS, XOR, cases

from runner.network.architecture import Architecture
from runner.network.forward import outputs
from runner.network.hidden_codes import codes

# XOR from AND and OR: weights and biases of the textbook.
BY_HAND = np.array([[10.0, 10, 20, 20, -15, -15, -10, 20, -15]]).T


def test_xor_by_hand_uses_and_and_or() -> None:
    net = Architecture(2, (2,), 1, "sigmoid", "sigmoid")
    assert codes(net, XOR, BY_HAND).tolist() == ["0001|0111"]
    # pre-activations of the output unit: -15, 5, 5, -5
    wanted = 1 / (1 + np.exp([14.99999, -4.93, -4.93, 4.93]))
    np.testing.assert_allclose(outputs(net, XOR, BY_HAND)[0], wanted, rtol=0.01)


def test_units_in_between_say_so() -> None:
    net = Architecture(2, (2,), 1, "sigmoid", "sigmoid")
    weights = np.zeros((9, 1))
    weights[5] = 9.0  # a unit that is always on, which is a unit that is always off
    assert codes(net, XOR, weights).tolist() == ["0000|hhhh"]


@pytest.mark.parametrize(
    ("activation", "wanted"),
    [("tanh", "---+"), ("relu", "000+"), ("linear", "---+"), ("step", "0001")],
)
def test_every_activation_has_its_symbols(activation, wanted) -> None:
    net = Architecture(2, (1,), 1, activation, "sigmoid")
    weights = np.array([[10.0, 10, -15, 1, 0]]).T
    assert codes(net, XOR, weights).tolist() == [wanted]


def test_without_hidden_units_the_code_is_empty() -> None:
    net = Architecture(2, (), 1, "sigmoid", "sigmoid")
    assert codes(net, XOR, np.zeros((3, 2))).tolist() == ["", ""]


@given(cases())
def test_outputs_are_those_of_plain_numpy_and_images_share_their_code(case) -> None:
    symmetries, weights, image = case
    net = symmetries.architecture
    plain = Net(
        net.hidden, net.activation, net.output, "cross-entropy", "mean", XOR, TARGETS, 0, net.skip
    )
    wanted = np.array([plain.outputs(theta).ravel() for theta in weights.T])
    np.testing.assert_allclose(outputs(net, XOR, weights), wanted, atol=1e-12)
    assert codes(net, XOR, image).tolist() == codes(net, XOR, weights).tolist()
