"""Labels of endpoints made by hand, whose names are known."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.engines.registry import compiled
from runner.training.evaluation import bounds_of, gradients_of
from runner.training.labels import LABELS, Label, label
from runner.training.levels import stuck_levels

TARGETS = np.array([0.0, 1.0, 1.0, 0.0])
BUDGET = 10_000


def verdict(signature, theta, rate=1.0, solved=None):
    """Label one endpoint by what the compiled evaluation sees."""
    n = signature.n_lanes
    state = np.repeat(np.asarray(theta, float)[:, np.newaxis], n, axis=1)
    hyper = np.zeros((5, n))
    hyper[0] = rate
    targets = np.repeat(TARGETS[:, np.newaxis], n, axis=1)
    functions = compiled("pytensor", signature)
    seen = functions.evaluate(state, hyper, targets)
    solved = seen.solved if solved is None else np.full(n, solved)
    gradients = gradients_of(functions, state, hyper, targets)
    given = (signature, state, solved, targets, np.full(n, BUDGET), seen, gradients)
    found = label(*given)
    coded = label(*given, bounds=bounds_of(functions, hyper, targets), compiled=functions)
    assert coded.label.tolist() == found.label.tolist()  # by vector code or without
    np.testing.assert_array_equal(coded.level, found.level)
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


def test_a_saddle_that_the_budget_leads_away_from_is_no_plateau(xor) -> None:
    """Small weights sit near the best constant, with one direction down: time decides."""
    theta = np.array([0.4, -0.4, -0.3, 0.3, 0, 0, 0.5, 0.4, -0.45])
    found, _ = verdict(xor(), theta)
    assert found == "descending"
    assert verdict(xor(), theta * 1e-7 * [1, 1, 1, 1, 1, 1, 1, 1, 0])[0] == "plateau"
    # a step too small to have settled anywhere says nothing
    assert verdict(xor(), theta * 0.1, rate=1e-9)[0] == "descending"


@pytest.mark.parametrize(("n_wrong", "level"), [(1, 0.81 + 0.03), (2, 1.62 + 0.02)])
def test_outputs_at_the_wrong_end_have_a_level(xor, n_wrong, level) -> None:
    """tanh with targets ±0.8: 1.8 away where an output is at the other end, 0.2 where not."""
    signature = xor(output="tanh", loss="squared-error", hidden=())
    targets = np.array([[-0.8], [0.8], [0.8], [-0.8]])
    outputs = np.where(np.arange(4) < n_wrong, np.sign(-targets.ravel()), np.sign(targets.ravel()))
    found = stuck_levels(signature, outputs[:, np.newaxis], targets)
    # the mean of 1.8 ** 2 for each wrong one and of 0.2 ** 2 for each other one at its own end
    assert found.loss[0] == pytest.approx((n_wrong * 1.8**2 + (4 - n_wrong) * 0.2**2) / 4)
    assert found.loss[0] == pytest.approx(level)
    assert found.some_merged[0]


def test_a_finite_loss_that_explodes_is_diverged(client, tmp_path) -> None:
    study = runner.sweep(
        {
            "name": "exploding",
            "restarts": 40,
            "problem": {"gate": "XOR"},
            "network": {"activation": "relu", "output": "linear"},
            "loss": {"kind": "squared-error"},
            "training": {"learning_rate": 3.0, "max_steps": 60},
        },
        tmp_path / "s",
        client,
    )
    restarts = study.restarts
    large = restarts[restarts["loss"] > 1e9]
    assert np.isfinite(large["loss"]).any()
    assert set(large["label"]) == {"diverged"}


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
    functions = compiled("pytensor", signature)
    seen = functions.evaluate(state, hyper, targets)
    gradients = gradients_of(functions, state, hyper, targets)
    found = label(signature, state, seen.solved, targets, np.full(n, BUDGET), seen, gradients)
    assert found.label[0] == "stationary"


def test_solved_comes_from_the_training(xor) -> None:
    assert verdict(xor(), BY_HAND, solved=False)[0] != "solved"


def test_the_labels_are_those_of_the_page() -> None:
    """What is stored must not change: the table of docs/labels.md is what users filter by."""
    text = (Path(__file__).parents[2] / "docs" / "labels.md").read_text()
    table = text[text.index("| label | meaning |") :]
    table = table[: table.index("\n\n")]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(LABELS) == sorted(documented)
    assert all(str(label) == label.value == LABELS[i] for i, label in enumerate(Label))
