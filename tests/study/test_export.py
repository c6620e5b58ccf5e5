"""All restarts of a study in one file."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pandas as pd
import pytest
from support.crafted import crafted

from runner.errors import StudyError
from runner.study.export import TABLE_FORMATS, export_table, json_text
from runner.study.study import Study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "s"
    return crafted(path, {0: [9, 7, 8, 100]}, {0: [True, True, True, False]}, failed=(1,))


@pytest.mark.parametrize(("name", "read"), [("a.csv", pd.read_csv), ("a.parquet", pd.read_parquet)])
def test_every_trained_restart_is_a_row_with_its_weights(study, tmp_path, name, read) -> None:
    path = tmp_path / name
    path.write_text("an older file")
    assert export_table(study, path) == 3
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
        export_table(study, tmp_path / "a.xlsx")
    with pytest.raises(StudyError, match=r"nowhere/a\.csv: cannot be written: "):
        export_table(study, tmp_path / "nowhere" / "a.csv")
    assert os.listdir(tmp_path) == []


LISTS = pd.DataFrame(
    {
        "class": [0, 1],
        "loss": [0.1 + 0.2, 1e-300 / 3],
        "eigenvalues": [np.arange(3000) / 7, np.array([1 / 3, 5e-324, -1e22 / 3])],
    }
)


@pytest.mark.parametrize("form", [form for form in TABLE_FORMATS if form != "parquet"])
def test_numbers_and_lists_of_them_come_back_to_the_last_bit(form, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Study, "critical_points", LISTS)
    path = tmp_path / "t"
    export_table(crafted(tmp_path / "s", {0: [9]}, {0: [True]}), path, "critical_points", form)
    text = path.read_text()
    if form == "csv":
        rows = [*csv.reader(text.splitlines())][1:]
    elif form == "json":
        rows = [[json.dumps(cell) for cell in row.values()] for row in json.loads(text)]
    else:
        separator, end = {"markdown": ("|", ""), "latex": ("&", "\\\\")}[form]
        lines = [line for line in text.splitlines() if "[" in line]
        rows = [line.removesuffix(end).strip("| ").split(separator) for line in lines]
    assert len(rows) == 2
    for row, (_, expected) in zip(rows, LISTS.iterrows(), strict=True):
        assert float(row[1]) == expected["loss"]
        assert json.loads(row[2]) == expected["eigenvalues"].tolist()


def test_json_has_null_for_what_it_cannot_say(tmp_path) -> None:
    frame = pd.DataFrame(
        {
            "a": [np.nan, np.inf],
            "b": pd.array([True, None], "boolean"),
            "c": ["x", None],
            "d": [np.array([1.0, np.nan]), None],
            "e": pd.Categorical([1, 2]),
        }
    )
    assert json.loads(json_text(frame)) == [
        {"a": None, "b": True, "c": "x", "d": [1.0, None], "e": 1},
        {"a": None, "b": None, "c": None, "d": None, "e": 2},
    ]
    assert json.loads(json_text(frame.iloc[:0])) == []
