"""All restarts of a study in one file."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from support.crafted import crafted

from runner.errors import StudyError
from runner.study.export import export_restarts


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "s"
    return crafted(path, {0: [9, 7, 8, 100]}, {0: [True, True, True, False]}, failed=(1,))


@pytest.mark.parametrize(("name", "read"), [("a.csv", pd.read_csv), ("a.parquet", pd.read_parquet)])
def test_every_trained_restart_is_a_row_with_its_weights(study, tmp_path, name, read) -> None:
    path = tmp_path / name
    path.write_text("an older file")
    assert export_restarts(study, path) == 3
    rows = read(path)
    assert rows["restart"].tolist() == [0, 2, 3]
    assert rows["steps"].tolist() == [9, 8, 100]
    assert rows["loss"].tolist() == study.restarts["loss"].tolist()
    assert rows["W1_1_0"].tolist() == study.weights["W1[1,0]"].tolist()
    assert os.listdir(tmp_path) == [name]


def test_an_ending_of_no_known_format_is_refused(study, tmp_path) -> None:
    with pytest.raises(
        StudyError, match=r"a\.xlsx: expected a name that ends in \.csv or \.json or"
    ):
        export_restarts(study, tmp_path / "a.xlsx")
    with pytest.raises(StudyError, match=r"nowhere/a\.csv: cannot be written: "):
        export_restarts(study, tmp_path / "nowhere" / "a.csv")
    assert os.listdir(tmp_path) == []
