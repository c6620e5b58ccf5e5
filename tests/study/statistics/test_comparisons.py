"""Configurations compared two by two, against published formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from support.crafted import EXPERIMENT, crafted

from runner.study.statistics.paired import paired_difference

GATES = {**EXPERIMENT, "grid": {"problem.gate": ["XOR", "OR"]}}


def test_configurations_of_the_same_starts_are_compared_in_pairs(tmp_path) -> None:
    n = 40
    xor = [k % 2 == 0 for k in range(n)]
    both = [k % 2 == 0 or k < 10 for k in range(n)]
    study = crafted(tmp_path / "s", {0: [9] * n, 1: [9] * n}, {0: xor, 1: both}, GATES)
    (row,) = study.comparisons.to_dict("records")
    assert (row["axis"], row["a"], row["b"], row["n"]) == ("problem.gate", 0, 1, n)
    assert row["paired"]
    assert (row["only_a"], row["only_b"]) == (0, 5)
    assert row["difference"] == pytest.approx(5 / 40)
    # five discordant pairs, all of one kind: the sign test
    assert row["p_value"] == pytest.approx(2 * 0.5**5)
    assert row["p_holm"] == row["p_value"]
    # Bonett and Price (2012), equation 3
    p12, p21 = 6 / 42, 1 / 42
    half = 1.959964 * np.sqrt((p12 + p21 - (p12 - p21) ** 2) / 42)
    assert row["ci_low"] == pytest.approx(p12 - p21 - half)
    assert row["ci_high"] == pytest.approx(p12 - p21 + half)
    anytime = paired_difference(0, 5, n)
    assert [row["anytime_low"], row["anytime_high"]] == [anytime.low[0], anytime.high[0]]
    assert row["anytime_low"] < row["ci_low"] < row["ci_high"] < row["anytime_high"]


def test_configurations_of_other_starts_are_compared_as_samples(tmp_path) -> None:
    experiment = {**EXPERIMENT, "grid": {"init.scale": [0.5, 2.0]}}
    a, b = [k < 56 for k in range(70)], [k < 48 for k in range(70)]
    study = crafted(tmp_path / "s", {0: [9] * 70, 1: [9] * 70}, {0: a, 1: b}, experiment)
    (row,) = study.comparisons.to_dict("records")
    assert not row["paired"]
    assert np.isnan([row["anytime_low"], row["anytime_high"]]).all()
    # Newcombe (1998), method 10, by hand
    low, high = (binomtest(k, 70).proportion_ci(0.95, method="wilson") for k in (56, 48))
    d = 48 / 70 - 56 / 70
    lower = d - np.hypot(48 / 70 - high.low, low.high - 56 / 70)
    upper = d + np.hypot(high.high - 48 / 70, 56 / 70 - low.low)
    assert [row["difference"], row["ci_low"], row["ci_high"]] == pytest.approx([d, lower, upper])
