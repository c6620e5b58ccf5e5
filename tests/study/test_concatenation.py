"""Several studies' tables as one, and any table of a study in any format."""

from __future__ import annotations

import io
import json
import re

import pandas as pd
import pytest
from support.crafted import EXPERIMENT, crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.errors import StudyError
from runner.study.export import TABLE_FORMATS, export_table

YES, NO = [True, True], [False, True]
GATES = {**EXPERIMENT, "name": "gates", "grid": {"problem.gate": ["AND", "XOR"]}}
SCALES = {**EXPERIMENT, "name": "scales", "grid": {"init.scale": [0.5, 2.0, 4.0]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("together")
    crafted(folder / "gates", {0: [5, 6], 1: [7, 8]}, {0: YES, 1: NO}, GATES)
    crafted(folder / "scales", {c: [5, 6] for c in range(3)}, dict.fromkeys(range(3), NO), SCALES)
    return folder


@pytest.fixture(scope="module")
def gates(folder):
    return runner.open_study(folder / "gates")


def output(folder, *words: str) -> str:
    done = CliRunner().invoke(app, ["export", str(folder / "gates"), "--to", "-", *words])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_tables_are_those_of_the_studies_one_below_the_other(folder, gates) -> None:
    both = runner.concat([folder / "gates", folder / "scales"])
    scales = runner.open_study(folder / "scales")
    assert both.restarts.index.names == ["study", "configuration", "restart"]
    assert both.restarts.loc["gates", "steps"].tolist() == gates.restarts["steps"].tolist()
    assert both.restarts.loc["scales", "loss"].tolist() == scales.restarts["loss"].tolist()
    assert both.summary["solved"].tolist() == [2, 1, 1, 1, 1]
    # an axis of the other study has the value of this one's setting
    assert both.configurations["problem.gate"].tolist() == ["AND", *["XOR"] * 4]
    assert both.configurations["init.scale"].tolist() == [1.0, 1.0, 0.5, 2.0, 4.0]
    assert len(both.weights) == len(both.restarts) == 10
    assert both.failures.empty
    assert both.table("curves")["study"].value_counts().to_dict() == {"scales": 12, "gates": 8}
    assert both.table("precision").loc["gates"].equals(gates.precision)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "studies is empty"),
        (["gates", "gates"], "is there twice"),
        (["gates", "copy"], "'gates' is the name of two"),
        (["none"], "no study here"),
    ],
)
def test_studies_that_cannot_be_told_apart_are_refused(folder, tmp_path, names, text) -> None:
    crafted(tmp_path / "copy", {0: [5, 6], 1: [7, 8]}, {0: YES, 1: NO}, GATES)
    with pytest.raises(StudyError, match=text):
        runner.concat([(tmp_path if name == "copy" else folder) / name for name in names])


def test_a_table_that_is_none_is_refused_with_the_nearest_name(folder, tmp_path) -> None:
    both = runner.concat([folder / "gates"])
    with pytest.raises(StudyError, match="Did you mean 'summary'"):
        both.table("sumary")
    with pytest.raises(StudyError, match="Did you mean 'summary'"):
        export_table(both.studies["gates"], tmp_path / "a.csv", "sumary")
    with pytest.raises(StudyError, match="expected a list or a dict"):
        runner.concat(str(folder / "gates"))


@pytest.mark.parametrize("table", ["restarts", "summary", "curves", "failures", "comparisons"])
def test_every_format_has_every_row(gates, tmp_path, table) -> None:
    n = len(getattr(gates, table))
    for form, ending in TABLE_FORMATS.items():
        path = tmp_path / f"table{ending}"
        assert export_table(gates, path, table) == n
        text = path.read_bytes()
        if form == "csv":
            assert len(pd.read_csv(path)) == n
        elif form == "json":
            assert len(json.loads(text)) == n
        elif form == "markdown":
            lines = text.decode().splitlines()
            assert len(lines) == n + 2
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
        elif form == "latex":
            assert text.decode().count(r"\\") == n + 1
        else:
            assert len(pd.read_parquet(path)) == n


def test_what_is_printed_is_what_a_file_has(folder, gates, tmp_path) -> None:
    for form, ending in TABLE_FORMATS.items():
        if form != "parquet":
            export_table(gates, tmp_path / f"a{ending}", "summary")
            text = output(folder, "--table", "summary", "--format", form)
            assert text == (tmp_path / f"a{ending}").read_text()
    done = CliRunner().invoke(
        app, ["export", str(folder / "gates"), "--to", "-", "--format", "parquet"]
    )
    assert len(pd.read_parquet(io.BytesIO(done.stdout_bytes))) == 4


def test_configurations_are_chosen_by_any_setting(folder) -> None:
    def chosen(*conditions: str, table: str = "restarts") -> pd.DataFrame:
        words = [word for condition in conditions for word in ("--where", condition)]
        text = output(folder, "--table", table, "--format", "csv", *words)
        return pd.read_csv(io.StringIO(text))

    assert chosen("problem.gate=XOR")["configuration"].tolist() == [1, 1]
    assert len(chosen("problem.gate=XOR", "problem.gate=AND")) == 4
    assert len(chosen("problem.gate=XOR", "network.hidden=[2]", "init.scale=1")) == 2
    assert len(chosen("problem.gate=XOR", "problem.gate=AND", table="comparisons")) == 1
    assert chosen("problem.gate=XOR", table="comparisons").empty


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("problem.gat=XOR", "Did you mean 'problem.gate'"),
        ("problem.gate=NAND", "problem.gate is one of 'AND', 'XOR'"),
        ("problem.gate", "--where is 'problem.gate'; expected a.b=VALUE"),
    ],
)
def test_a_choice_of_nothing_is_refused(folder, condition, text) -> None:
    words = ["export", str(folder / "gates"), "--to", "-", "--format", "csv"]
    done = CliRunner().invoke(app, [*words, "--where", condition])
    assert (done.exit_code, text in " ".join(done.stderr.split())) == (2, True)
    assert not done.stdout
