"""Losses by label, by hand, and what statistics are of no restart."""

from __future__ import annotations

import numpy as np
import pytest
from support.crafted import crafted


def test_losses_are_told_by_label(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9, 100, 100]}, {0: [True, False, False]})
    table = study.losses.loc[0]
    assert table["n"].to_dict() == {"solved": 1, "plateau": 2}
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["plateau", ["minimum", "median", "maximum"]].tolist() == [0.69] * 3


@pytest.mark.parametrize("losses", [[np.inf] * 4, [0.1, 0.2, np.inf, np.inf], [0.1, 0.2, 0.4, 3.0]])
def test_quantiles_of_infinite_losses_are_infinite(tmp_path, losses) -> None:
    study = crafted(tmp_path / "s", {0: [9] * 4}, {0: [False] * 4}, label="diverged", loss=losses)
    with np.errstate(invalid="ignore"):
        expected = [np.quantile(losses, q) for q in (0.05, 0.5)]
    expected = [np.inf if np.isnan(value) else value for value in expected]
    row = study.losses.loc[(0, "diverged")]
    assert row[["q05", "median"]].tolist() == pytest.approx(expected)
    assert study.summary.loc[0, ["loss_q05", "loss_median"]].tolist() == pytest.approx(expected)
    assert row["q95"] == study.summary.loc[0, "loss_q95"]
    assert np.isinf(row["q95"]) == np.isinf(losses[-1])


def test_a_study_without_a_restart_has_empty_tables(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [1]}, {0: [True]}, commit=False)
    for table in (study.budgets, study.times, study.strategies, study.losses, study.comparisons):
        assert table.empty
