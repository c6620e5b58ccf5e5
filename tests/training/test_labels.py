"""Labels of endpoints made by hand, whose names are known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from runner.engines.registry import compiled
from runner.training.labels import LABELS, Label, label

TARGETS = np.array([0.0, 1.0, 1.0, 0.0])
BUDGET = 10_000


def verdict(signature, theta, rate=1.0, solved=None):
    """Label one endpoint by what the compiled evaluation sees."""
    n = signature.n_lanes
    state = np.repeat(np.asarray(theta, float)[:, np.newaxis], n, axis=1)
    hyper = np.zeros((5, n))
    hyper[0] = rate
    targets = np.repeat(TARGETS[:, np.newaxis], n, axis=1)
    seen = compiled("pytensor", signature).evaluate(state, hyper, targets)
    solved = seen.solved if solved is None else np.full(n, solved)
    found = label(signature, state, solved, targets, np.full(n, BUDGET), seen)
    return found.label[0], found.level[0]


# order: W1[0,0] W1[0,1] W1[1,0] W1[1,1] b1[0] b1[1] W2[0,0] W2[0,1] b2[0]
BY_HAND = [10, 10, 20, 20, -15, -15, -10, 20, -15]


def test_the_hand_made_network_is_solved(xor) -> None:
    # AND and OR as hidden units, as in the lecture; its outputs for OR-only patterns reach +5
    assert verdict(xor(), BY_HAND)[0] == "solved"


@pytest.mark.parametrize(
    ("theta", "name", "level"),
    [
        # hidden units dead, output constant 1/2: the best constant
        ([0, 0, 0, 0, 0, 0, 0, 0, 0], "plateau", np.log(2)),
        # unit 0 is on only for (1, 0); output high there, low for the pair (0,0), (1,1) ... merged
        ([30, -30, 0, 0, -15, -40, 20, 0, -np.log(2)], "saturated", 0.75 * 0.6365141682948128),
        # units single out (0,1) and (1,1); (0,0) and (1,0) share one half
        ([-30, 30, 30, 30, -15, -45, 20, -20, 0], "saturated", 0.5 * np.log(2)),
    ],
)
def test_stuck_networks_are_at_their_exact_level(xor, theta, name, level) -> None:
    found, at = verdict(xor(), theta)
    assert (found, at) == (name, pytest.approx(level, rel=1e-12))


def test_a_network_on_its_way_is_descending(xor) -> None:
    assert verdict(xor(), [1, -1, -1, 1, 0, 0, 1, 0.5, -1])[0] == "descending"


def test_too_large_a_step_is_oscillating(xor) -> None:
    assert verdict(xor(), [1, -1, -1, 1, 0, 0, 1, 0.5, -1], rate=1e3)[0] == "oscillating"


def test_weights_that_are_not_finite_are_diverged(xor) -> None:
    for bad in (np.nan, np.inf):
        found, level = verdict(xor(), [bad, 1, 1, 1, 0, 0, 1, 1, 0])
        assert found == "diverged"
        assert np.isnan(level)


def test_a_step_network_never_moves_and_is_stationary(xor) -> None:
    signature = xor(activation="step", output="step", loss="squared-error")
    assert verdict(signature, [1, 1, 1, 1, -1.5, -1.5, 1, 1, -0.5])[0] == "stationary"


def test_a_network_at_rest_off_every_level_is_stationary(xor) -> None:
    # y = tanh(x1) with zero weight elsewhere would not rest; a strong L2 term pulls all to zero
    signature = xor(output="linear", loss="squared-error", hidden=(), regularised=True)
    n = signature.n_lanes
    hyper = np.zeros((5, n))
    hyper[0], hyper[2] = 0.1, 1.0
    # the exact minimiser of mean (w.x + b - t)^2 + |theta|^2
    X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
    theta = np.linalg.solve(X.T @ X / 4 + np.eye(3), X.T @ TARGETS / 4)
    state = np.repeat(theta[:, np.newaxis], n, axis=1)
    targets = np.repeat(TARGETS[:, np.newaxis], n, axis=1)
    seen = compiled("pytensor", signature).evaluate(state, hyper, targets)
    found = label(signature, state, seen.solved, targets, np.full(n, BUDGET), seen)
    assert found.label[0] == "stationary"


def test_solved_comes_from_the_training(xor) -> None:
    assert verdict(xor(), BY_HAND, solved=False)[0] != "solved"


def test_the_labels_are_those_of_the_readme() -> None:
    """What is stored must not change: the README's table is what users filter by."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    table = text[text.index("| label | meaning |") :]
    table = table[: table.index("\n\n")]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(LABELS) == sorted(documented)
    assert all(str(label) == label.value == LABELS[i] for i, label in enumerate(Label))
