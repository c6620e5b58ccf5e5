"""docs/tables.md: every reader is told how to see the same restarts."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import warnings
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.study.export import export_table

TEXT = (Path(__file__).parents[2] / "docs" / "tables.md").read_text()
INDEX = ["configuration", "restart"]
# Dask calls pandas in a way that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index")

ALL = "results/gates/shards/**/*.parquet"


@pytest.fixture(scope="module")
def folder(client, tmp_path_factory):
    """Two groups of other columns, with restarts that are solved, stuck and no longer finite."""
    folder = tmp_path_factory.mktemp("readers")
    content = {
        "name": "readers",
        "restarts": 150,
        "problem": {"gate": "XOR"},
        "network": {"activation": "relu"},
        "training": {"max_steps": 1000, "dtype": "float32"},
        "grid": {"network.hidden": [[], [2]], "training.learning_rate": [0.1, 1e38]},
    }
    study = runner.sweep(content, folder / "results/gates", client, batch_size=70)
    for ending in ("csv", "parquet", "nc", "zarr"):
        export_table(study, folder / f"gates.{ending}")
    return folder


@pytest.fixture(scope="module")
def study(folder):
    return runner.open_study(folder / "results/gates")


@pytest.fixture
def block(folder, monkeypatch):
    """Run the page's block that has this text, and return its names."""
    monkeypatch.chdir(folder)

    def run(part: str) -> dict[str, Any]:
        (code,) = [b for b in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if part in b]
        names: dict[str, Any] = {}
        exec(compile(code, "docs/tables.md", "exec"), names)  # noqa: S102  the page's own code
        return names

    return run


def as_pandas(table: Any) -> pd.DataFrame:
    """Return what any of the readers has read as a pandas frame, sorted by its restarts."""
    if isinstance(table, ds.Dataset):
        table = table.to_table()
    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pl.DataFrame):
        table = table.to_arrow()
    if isinstance(table, duckdb.DuckDBPyRelation):
        table = table.df()
    if isinstance(table, dd.DataFrame):
        table = table.compute()
    if isinstance(table, pa.Table):
        table = table.to_pandas()
    return table.sort_values(INDEX, ignore_index=True)


def spread(read: pd.DataFrame, study: runner.Study) -> pd.DataFrame:
    """Return what was read of shards with a column for each weight in place of lists."""
    single = pd.DataFrame(np.nan, read.index, list(map(runner.plain_name, study.weights)))
    for c in study.plan.configurations:
        rows = read.index[read["configuration"] == c.index]
        for name, (_, shape) in zip(
            c.architecture.array_names, c.architecture.blocks(), strict=True
        ):
            # DuckDB gives masked arrays where a list has nulls
            lists = [np.ma.filled(np.ma.asarray(x, float), np.nan) for x in read.loc[rows, name]]
            values = np.stack(lists)
            for place in np.ndindex(shape):
                flat = np.ravel_multi_index(place, shape)
                single.loc[rows, f"{name}_{'_'.join(map(str, place))}"] = values[:, flat]
    return read.join(single)


def assert_same_numbers(read: pd.DataFrame, study: runner.Study) -> None:
    expected = study.restarts.join(study.weights.rename(columns=runner.plain_name)).reset_index()
    names = [*INDEX, "steps", "loss", "gradient_norm", "weight_norm", "level"]
    names += map(runner.plain_name, study.weights)
    assert set(names) <= set(read)
    for name in names:
        values = read[name].to_numpy(dtype=float, na_value=np.nan)
        np.testing.assert_array_equal(values, expected[name].to_numpy(dtype=float), err_msg=name)
    assert read["label"].astype(str).tolist() == expected["label"].astype(str).tolist()


def test_the_study_has_what_readers_disagree_about(study) -> None:
    assert study.weights.loc[:1, "W2[0,0]"].isna().all()
    assert study.weights["W1[0,0]"].dtype == np.float32
    assert 0 < study.restarts["level"].notna().sum() < len(study.restarts)
    assert study.weights.loc[2:].isna().any(axis=None)  # of networks that have all weights
    assert study.curves["loss"].isna().any()


def test_no_value_of_a_shard_is_a_nan(study) -> None:
    for path in (study.path / "shards").rglob("*.parquet"):
        table = pq.read_table(path)
        floating = [f.name for f in table.schema if pa.types.is_floating(f.type)]
        lists = [f.name for f in table.schema if pa.types.is_list(f.type)]
        columns = [table[name] for name in floating]
        columns += [pc.list_flatten(table[name]) for name in lists if name != "curve_steps"]
        assert not any(pc.any(pc.is_nan(column)).as_py() for column in columns)


@pytest.mark.parametrize("name", list("abcde"))
def test_an_exported_parquet_file_reads_alike(block, study, name) -> None:
    assert_same_numbers(as_pandas(block('e = duckdb.sql("select')[name]), study)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("unify_schemas", "shards"),
        ("unify_schemas", "frame"),
        ('"select * from read_parquet', "shards"),
        ("diagonal_relaxed", "lazy"),
        ("diagonal_relaxed", "parts"),
    ],
)
def test_all_columns_of_all_shards_are_read(block, study, part, name) -> None:
    assert_same_numbers(spread(as_pandas(block(part)[name]), study), study)


def test_without_being_asked_readers_lose_columns_as_the_page_says(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    shards = "results/gates/shards"
    for read in (
        pd.read_parquet(shards),
        as_pandas(ds.dataset(shards)),
        as_pandas(dd.read_parquet(shards)),
        duckdb.read_parquet(ALL).df(),
    ):
        assert len(read) == 600
        assert "W2" not in read
    with pytest.raises(pl.exceptions.SchemaError, match="extra column in file outside"):
        pl.scan_parquet(ALL).collect()


def test_every_reader_counts_the_same_rows(block, study) -> None:
    names = block("three =")
    expected = int((study.restarts["level"] > 0.4).sum())
    assert [names["one"], names["two"], names["three"]] == [expected] * 3
    for column in ("loss", "gradient_norm", "weight_norm", "level"):
        count = int((study.restarts[column] > 0.4).sum())
        own = pl.scan_parquet(ALL, extra_columns="ignore").filter(pl.col(column) > 0.4)
        assert own.collect().height == count
        assert len(duckdb.read_parquet(ALL).filter(f'"{column}" > 0.4')) == count
        dataset = ds.dataset("results/gates/shards")
        assert dataset.count_rows(filter=ds.field(column) > 0.4) == count
    count = int((study.weights["W1[0,0]"] > 0.4).sum())
    own = pl.scan_parquet(ALL, extra_columns="ignore").filter(pl.col("W1").list.get(0) > 0.4)
    assert own.collect().height == count
    assert len(duckdb.read_parquet(ALL).filter("W1[1] > 0.4")) == count


def test_a_csv_file_is_read_with_its_types(block, study) -> None:
    names = block("infer_schema_length=None")
    assert_same_numbers(as_pandas(names["single"]), study)
    text = [name for name, kind in names["p"].schema.items() if kind == pl.String]
    assert text == ["network_hidden", "label"]
    assert pl.read_csv("gates.csv").schema["W2_0_0"] == pl.String  # as the page warns
    double = names["q"]["W1_0_0"]
    assert (double != study.weights["W1[0,0]"].astype(float).to_numpy()).any()


def test_a_shard_says_what_is_in_it(block, study) -> None:
    names = block("parquet_kv_metadata")
    shard = names["file"]
    said = dict(names["said"].fetchall())
    assert said["runner.format"] == "2"
    assert json.loads(said["runner.columns"]) == names["columns"]
    assert names["columns"]["W1"] == {"meaning": "final W1, row by row", "shape": [1, 2]}
    assert names["columns"]["loss"]["unit"] == "nats"
    assert list(names["columns"]) == pq.read_schema(shard).names
    rows = set(pq.read_table(shard)["configuration"].to_pylist())
    ids = {str(c): study.configurations["id"][c] for c in sorted(rows)}
    assert json.loads(said["runner.configurations"]) == ids


def test_settings_are_joined_to_their_restarts(block, study) -> None:
    names = block("configurations.parquet'")
    hidden = study.restarts["network.hidden"].astype(str)
    expected = study.restarts["solved"].groupby(hidden, observed=True).mean()
    for table in (names["solved"].df(), names["share"].to_pandas()):
        assert table["restarts"].tolist() == [300, 300]
        assert table["share"].tolist() == pytest.approx([expected["[]"], expected["[2]"]])
    joined = names["whole"].to_pandas()
    assert len(joined) == 600
    assert joined["solved"].sum() == study.restarts["solved"].sum()
    settings = names["settings"].to_pandas()
    assert settings["id"].tolist() == study.configurations["id"].tolist()
    assert settings["n_parameters"].tolist() == study.configurations["n_parameters"].tolist()
    rates = study.configurations["training.learning_rate"].astype(float)
    assert settings["training_learning_rate"].tolist() == rates.tolist()
    assert json.loads(settings["parameters"][3]) == {
        "W1": [2, 2],
        "b1": [2],
        "W2": [1, 2],
        "b2": [1],
    }


def test_every_reader_finds_a_weight_in_its_array(block, study) -> None:
    names = block("list.get(1)")
    shard = pq.read_table(names["file"], columns=INDEX).to_pandas()
    expected = study.weights.loc[pd.MultiIndex.from_frame(shard)]
    for reader, values in names["weight"].items():
        numbers = np.ma.filled(np.ma.asarray(values), np.nan)
        np.testing.assert_array_equal(numbers, expected["W1[0,1]"], err_msg=reader)
    np.testing.assert_array_equal(names["matrices"][:, 1, 0], expected["W1[1,0]"])


def test_plain_names_are_names_everywhere(block, study) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = block("smf.ols")
    solved = study.restarts["solved"]
    weight = study.weights["b1[0]"].astype(float)[solved]
    assert names["first"] == pytest.approx(weight.mean())
    assert len(names["positive"]) == (weight > 0).sum()
    slope = np.polyfit(weight, study.restarts["loss"][solved], 1)[0]
    assert names["fit"].params.iloc[1] == pytest.approx(slope)
    assert names["plain"].columns[:2].tolist() == ["W1_0_0", "W1_0_1"]


def test_arrays_answer_as_tables_do(block, study) -> None:
    names = block("to_xarray")
    rows, axes = study.restarts, ["network.hidden", "training.learning_rate"]
    by_point = rows.groupby(axes, observed=True)
    for point, loss in by_point["loss"].median().items():
        there = dict(zip(("network_hidden", "training_learning_rate"), point, strict=True))
        assert names["median"].sel(there) == loss
        assert names["steps"].sel(there) == by_point["steps"].max()[point]
        assert names["share"].sel(there) == by_point["solved"].mean()[point]
    plateau = rows[rows["label"] == "plateau"].groupby(axes, observed=True)["loss"].mean()
    assert np.nanmax(names["stuck"]) == pytest.approx(plateau.max())
    first = study.weights.loc[(2, 0)].filter(like="W1").to_numpy(float)
    norm = names["norms"].isel(training_learning_rate=0, restart=0)
    assert norm == pytest.approx(np.linalg.norm(first))


def test_the_commands_run_and_studies_are_put_together(block, folder) -> None:
    shutil.copytree(folder / "results/gates", folder / "results/faster", dirs_exist_ok=True)
    assert block("runner.concat")["both"].summary.index.names == ["study", "configuration"]
    commands = re.findall(r"^    python -m runner (export .*--(?:table|where) .*)$", TEXT, re.M)
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(command.replace("=OR", "=XOR"))  # the gate of this study
        assert CliRunner().invoke(app, words).exit_code == 0, command
