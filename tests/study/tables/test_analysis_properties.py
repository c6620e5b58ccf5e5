"""Every column of an analysis and of a map is explained where Python users look for it, and has a
name that other programs take."""

from __future__ import annotations

import inspect
import re

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from runner.study.study import Study
from runner.study.tables.analysis_tables import ALL_TABLES, WITH_WEIGHTS, frame, read, write
from runner.training.shards import INDEX


@pytest.mark.parametrize("name", ALL_TABLES)
def test_a_property_explains_every_column(name) -> None:
    text = inspect.getdoc(inspect.getattr_static(Study, name))
    words = set(re.findall(r"\w+", text))
    assert set(ALL_TABLES[name]) - words == set()
    # a list is an object to pandas
    dtypes = {d for column, d in ALL_TABLES[name].items() if column not in INDEX}
    assert {"list" if dtype == "object" else dtype for dtype in dtypes} <= words


WEIGHTS = ("w[0]", "W[0]", "loss[0,1]", "loss[1,0]")  # SQL takes no notice of capitals


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_files_have_names_that_every_reader_takes(tmp_path, name) -> None:
    row = {column: _VALUE[dtype] for column, dtype in ALL_TABLES[name].items()}
    weights = dict(zip(WEIGHTS, (1.0, 2.0, 3.0, 4.0), strict=True))
    table = frame(name, [row | weights])
    table.attrs["made"] = "by hand"
    write(tmp_path, name, table, "a digest")
    columns = pq.read_schema(tmp_path / f"{name}.parquet").names
    assert columns[-4:] == ["w_0", "W_0_", "loss_0_1", "loss_1_0"]
    for column in columns:
        assert re.fullmatch(r"\w+", column)
    rows = duckdb.read_parquet(str(tmp_path / f"{name}.parquet"))
    assert rows.filter("w_0 = 1 and W_0_ = 2").project(", ".join(columns)).fetchall()
    back = read(tmp_path, name, "a digest", 1, WEIGHTS)
    pd.testing.assert_frame_equal(back, table)
    assert back.attrs["made"] == "by hand"


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_files_with_the_names_of_weights_are_read_as_ever(tmp_path, name) -> None:
    row = {column: _VALUE[dtype] for column, dtype in ALL_TABLES[name].items()}
    table = frame(name, [row | dict.fromkeys(WEIGHTS, 0.5)])
    table.attrs["study"] = "a digest"
    table.to_parquet(tmp_path / f"{name}.parquet")
    pd.testing.assert_frame_equal(read(tmp_path, name, "a digest", 1, WEIGHTS), table)


_VALUE = {"int64": 0, "float64": 0.5, "str": "minimum", "object": np.array([0.5])}
