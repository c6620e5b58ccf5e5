"""Exact levels against all groups found by brute force, for tables of any length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.network.architecture import Architecture
from runner.network.criterion import SolvedCriterion
from runner.network.loss_kind import LossKind
from runner.training.levels import MAX_GROUPS, constant_loss, stuck_levels


def table(xor, n_patterns, n_outputs, loss="squared-error"):
    patterns = tuple((float(i), float(i % 7)) for i in range(n_patterns))
    return replace(
        xor(),
        architecture=Architecture(2, (2,), n_outputs, "sigmoid", "sigmoid"),
        patterns=patterns,
        criterion=SolvedCriterion((0.5,) * n_outputs, (0.0,) * n_outputs),
        loss=LossKind(loss, "mean"),
    )


@pytest.mark.parametrize("n_outputs", [1, 3])
@given(n_patterns=st.integers(2, 400), seed=st.integers(0, 2**32))
def test_patterns_that_share_an_output_have_the_loss_of_their_mean(
    xor, n_outputs, n_patterns, seed
) -> None:
    rng = np.random.default_rng(seed)
    n_groups = int(rng.integers(1, 6))
    # outputs inside the range, a tenth and more apart; targets 0 and 1
    values = rng.permutation(np.linspace(0.15, 0.85, 8))[:n_groups]
    group = rng.integers(0, n_groups, n_patterns)
    y = np.repeat(values[group][:, np.newaxis], n_outputs, axis=1)
    t = rng.integers(0, 2, (n_patterns, n_outputs)).astype(float)
    t[0], t[-1] = 0, 1  # the range of the targets is known
    signature = table(xor, n_patterns, n_outputs)
    found = stuck_levels(signature, y.reshape(-1, 1), t.reshape(-1, 1))
    expected, merged = 0.0, False
    for number in range(n_groups):
        of = t[group == number]
        expected += ((of - of.mean(axis=0)) ** 2).sum() if len(of) else 0.0
        merged |= len(of) > 0 and bool((of != of[0]).any())
    assert found.loss[0] == pytest.approx(expected / t.size, abs=1e-12)
    assert found.some_merged[0] == merged
    assert found.all_merged[0] == (len(set(group)) == 1)


def test_a_long_table_of_several_outputs_is_grouped_in_its_order(xor) -> None:
    """1,000 rows of three outputs: the first one without a group leads the next, 32 times."""
    rng = np.random.default_rng(3)
    y = rng.choice([0.2, 0.23, 0.4, 0.6, 0.8], (1000, 3))
    t = rng.integers(0, 2, (1000, 3)).astype(float)
    left, values, groups = list(range(1000)), t.copy(), 0
    while left and groups < MAX_GROUPS:
        members = [i for i in left if (abs(y[i] - y[left[0]]) < 0.05).all()]
        values[members] = t[members].mean(axis=0)
        left, groups = [i for i in left if i not in members], groups + 1
    assert left  # more kinds of rows than groups
    found = stuck_levels(table(xor, 1000, 3), y.reshape(-1, 1), t.reshape(-1, 1))
    assert found.loss[0] == pytest.approx(((values - t) ** 2).mean(), rel=1e-12)


@given(st.integers(1, 20), st.integers(0, 2**32))
def test_levels_are_of_an_endpoint_alone(xor, n, seed) -> None:
    rng = np.random.default_rng(seed)
    signature = table(xor, 6, 2)
    y = rng.choice([0.001, 0.3, 0.32, 0.6, 0.999], (12, n))
    t = rng.integers(0, 2, (12, n)).astype(float)
    together = stuck_levels(signature, y, t)
    for k in range(n):
        alone = stuck_levels(signature, y[:, k : k + 1], t[:, k : k + 1])
        for name in ("loss", "some_merged", "all_merged"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[k])


@pytest.mark.parametrize(
    ("loss", "expected"), [("squared-error", 0.1875), ("cross-entropy", 0.56233514)]
)
def test_the_best_constant(xor, loss, expected) -> None:
    """AND: one target in four is 1; variance 3/16, entropy of a quarter."""
    signature = table(xor, 4, 1, loss)
    targets = np.array([[0.0], [0.0], [0.0], [1.0]])
    assert constant_loss(signature, targets)[0] == pytest.approx(expected)
