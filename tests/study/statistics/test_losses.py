"""Losses by label, by hand, and what statistics are of no restart."""

from __future__ import annotations

import pytest
from support.crafted import crafted


def test_losses_are_told_by_label(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9, 100, 100]}, {0: [True, False, False]})
    table = study.losses.loc[0]
    assert table["n"].to_dict() == {"solved": 1, "plateau": 2}
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["plateau", ["minimum", "median", "maximum"]].tolist() == [0.69] * 3


def test_a_study_without_a_restart_has_empty_tables(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [1]}, {0: [True]}, commit=False)
    for table in (study.budgets, study.times, study.strategies, study.losses, study.comparisons):
        assert table.empty
