"""Verdicts: proofs where there are proofs, bounds that hold, and nothing more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from support.landscapes import configuration, plain

from runner.landscape.convexity import KNOWN, OPEN, PROVEN, known, swap_bound, verdict
from runner.landscape.options import DEFAULTS

PATHS = ["pairs", "restart_a", "restart_b", "aligned", "violated", "excess"]


def problem(gate="XOR", loss="cross-entropy", reduction="mean", **network):
    return configuration(
        problem={"gate": gate}, network=network, loss={"kind": loss, "reduction": reduction}
    )


def judge(c, rows=(), swaps=()):
    paths = pd.DataFrame([dict(zip(PATHS, row, strict=True)) for row in rows], columns=PATHS)
    seen = pd.DataFrame(swaps, columns=["restart", "loss", "swap_excess"], dtype=float)
    return verdict(c, seen, paths, DEFAULTS.rise_tolerance)


@pytest.mark.parametrize(
    ("loss", "output", "hidden", "convex"),
    [
        ("cross-entropy", "sigmoid", [], True),
        ("cross-entropy", "softmax", [], True),
        ("squared-error", "linear", [], True),
        ("squared-error", "sigmoid", [], False),  # Auer, Herbster and Warmuth 1996
        ("squared-error", "tanh", [], False),
        ("cross-entropy", "sigmoid", [1], False),
        ("squared-error", "linear", [1], False),
    ],
)
def test_convex_is_what_is_proven_convex(loss, output, hidden, convex) -> None:
    assert bool(known(problem(loss=loss, output=output, hidden=hidden))) is convex


def test_one_logistic_unit_under_squared_error_is_not_convex_indeed() -> None:
    c = problem("AND", "squared-error", hidden=[])
    net = plain(c)
    path = [net.loss(np.array([0.0, 0.0, b])) for b in np.linspace(2, 10, 33)]
    line = np.linspace(path[0], path[-1], 33)
    assert (np.array(path) - line).max() > 0.01


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_the_swap_bound_is_the_best_that_equal_units_can_do(loss, activation) -> None:
    c = problem(loss=loss, activation=activation)
    net, bound = plain(c), swap_bound(c)
    assert bound == pytest.approx({"cross-entropy": 0.4774, "squared-error": 1 / 6}[loss], abs=1e-4)

    def tied(q):  # both hidden units alike
        return np.array([q[0], q[1], q[0], q[1], q[2], q[2], q[3], q[3], q[4]])

    rng = np.random.default_rng(1)
    ends = [
        minimize(
            lambda q: net.loss(tied(q)),
            rng.normal(scale=3, size=5),
            method="Nelder-Mead",
            options={"maxfev": 4000},
        ).fun
        for _ in range(6)
    ]
    assert min(ends) >= bound - 1e-12
    assert min(ends) < bound + 0.02


@given(st.integers(0, 2**32), st.sampled_from(["sigmoid", "tanh", "relu", "linear"]))
def test_no_network_with_equal_units_comes_below_the_swap_bound(seed, activation) -> None:
    rng = np.random.default_rng(seed)
    q = rng.normal(scale=rng.choice([0.5, 3, 20]), size=5)
    theta = np.array([q[0], q[1], q[0], q[1], q[2], q[2], q[3], q[3], q[4]])
    for gate in ("XOR", "XNOR"):
        for loss in ("cross-entropy", "squared-error"):
            for reduction in ("mean", "sum", "half-sum"):
                c = problem(gate, loss, reduction, activation=activation)
                assert plain(c).loss(theta) >= swap_bound(c) * (1 - 1e-12)


def test_the_swap_bound_is_silent_where_it_does_not_apply() -> None:
    for c in (problem("AND"), problem(hidden=[3]), problem(hidden=[2, 2]), problem(skip=True)):
        assert np.isnan(swap_bound(c))


def test_a_rise_proves_and_no_rise_proves_nothing() -> None:
    c = problem("AND")
    flat = ("sample", 0, 1, False, False, -0.1)
    row = judge(c, [flat, ("sample", 2, 3, False, True, 0.3), ("sample", 2, 3, True, True, 0.2)])
    assert row["verdict"] == PROVEN
    assert (row["pairs"], row["violations"]) == (2, 1)
    assert (row["restart_a"], row["restart_b"], row["worst_violation"]) == (2, 3, 0.3)
    row = judge(c, [flat])
    assert row["verdict"] == OPEN
    assert "1 " in row["reason"]
    assert "proves nothing" in row["reason"]
    row = judge(c)
    assert row["verdict"] == OPEN
    assert row["pairs"] == 0


def test_an_exchange_of_units_alone_proves() -> None:
    row = judge(problem(), swaps=[(4, 0.01, 0.6), (5, 0.6931, 1e-17)])
    assert row["verdict"] == PROVEN
    assert (row["restart_a"], row["restart_b"], row["swap_violation"]) == (4, 4, 0.6)
    assert "0.4774" in row["reason"]
    row = judge(problem(), swaps=[(4, 0.01, np.inf), (5, 0.01, np.nan)])
    assert row["verdict"] == OPEN
    assert np.isnan(row["swap_violation"])


def test_known_convexity_is_counted_too() -> None:
    row = judge(problem("AND", hidden=[]), [("sample", 0, 1, False, False, -1e-17)])
    assert row["verdict"] == KNOWN
    assert "0 of 1 pairs" in row["reason"]


def test_all_but_the_output_layer_frozen_is_convex() -> None:
    for freeze, output, text in (
        (["W1", "b1"], "sigmoid", "The output layer, all else frozen, under cross-entropy (log"),
        (["W1", "b1", "W2"], "sigmoid", "The output layer, all else frozen, under cross-entropy"),
        (["W1"], "sigmoid", ""),
        (["W2", "b2"], "sigmoid", ""),
        (["W1", "b1"], "linear", "The output linear layer, all else frozen, under squared error"),
        (["W1", "b1"], "tanh", ""),
    ):
        loss = {"kind": "cross-entropy" if output == "sigmoid" else "squared-error"}
        problem = {"gate": "XOR", "targets": [0, 1]}
        c = configuration(problem=problem, network={"freeze": freeze, "output": output}, loss=loss)
        assert known(c).startswith(text)
        assert bool(known(c)) == bool(text)
