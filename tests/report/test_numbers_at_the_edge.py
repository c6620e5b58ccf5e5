"""Every command on studies whose losses and weights are of any size: nothing fails, nothing warns.

Warnings are errors in these tests, so a warning of NumPy, pandas or Matplotlib fails them.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.crafted import crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.options import DEFAULTS
from runner.landscape.worker import EndpointTask, PairTask, inspect_endpoints, inspect_pairs
from runner.mapping.options import MapOptions
from runner.mapping.sentences import _counts
from runner.report.numbers import drawable, number, percent
from runner.study.export import FORMATS, TABLE_FORMATS
from runner.study.tables.table_names import TABLES

LABELS = ["plateau", "saturated", "stationary", "descending", "oscillating", "diverged"]
N = 8
LOSSES = st.one_of(
    st.sampled_from([0.0, 5e-324, 1e-310, 0.69, 1.3e279, 1e308, math.inf, math.nan]),
    st.floats(0.0, 1.79e308),
)
SIZES = st.sampled_from([0.0, 5e-324, 1e-200, 1.0, 30.0, 1e8, 1e100, 1e160, 1.7e308])
NETWORKS = st.sampled_from(
    [
        {"hidden": [], "output": "linear"},
        {"hidden": [2], "activation": "tanh", "output": "linear"},
        {"hidden": [2], "activation": "relu", "output": "linear"},
    ]
)


def experiment(network, *, stop_solved: bool):
    return {
        "name": "edge",
        "problem": {"gate": "AND"},
        "network": network,
        "loss": {"kind": "squared-error"},
        "training": {"max_steps": 100, "stop_solved": stop_solved},
    }


def invoke(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None, (arguments, done.exception, done.output)
    assert done.exit_code == 0
    return done.stdout


@pytest.fixture(scope="module")
def prepared(client, tmp_path_factory):
    """The client, with what an analysis loads: PyTensor changes the recursion limit, once."""
    plan = experiment({"output": "linear"}, stop_solved=False)
    study = crafted(tmp_path_factory.mktemp("edge") / "s", {0: [50]}, {0: [True]}, plan)
    runner.analyze(study, client)
    return client


@settings(max_examples=2)
@given(
    st.lists(LOSSES, min_size=N, max_size=N),
    st.lists(SIZES, min_size=N, max_size=N),
    st.lists(st.booleans(), min_size=N, max_size=N),
    st.sampled_from(LABELS),
    NETWORKS,
    st.booleans(),
)
@example([1.3e279] * N, [1e100] * N, [False] * N, "oscillating", {"output": "linear"}, False)
@example([1e308] * N, [1.7e308] * N, [True] * N, "plateau", {"output": "linear"}, True)
@example([math.inf] * N, [1e160] * N, [False] * N, "stationary", {"output": "linear"}, True)
@example([5e-324] * N, [5e-324] * N, [True] * N, "plateau", {"output": "linear"}, True)
@example([0.0, 1e308] * (N // 2), [1.0] * N, [False] * N, "stationary", {"output": "linear"}, True)
def test_every_command_takes_numbers_of_any_size(
    prepared, losses, sizes, solved, label, network, stop_solved
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "s"
        of_all = {0: solved}
        plan = experiment(network, stop_solved=stop_solved)
        crafted(folder, {0: [50] * N}, of_all, plan, label=label, loss=losses, size=sizes)
        for k in range(2):  # without an analysis, and with one
            out = str(Path(name) / "report.html")
            invoke("report", str(folder), "--out", out)
            page = Path(out).read_text()
            assert "nan" not in page.partition("<body")[2].partition("<figure")[0].lower()
            if not k:
                runner.analyze(folder, prepared)
        assert "8" in invoke("summary", str(folder))
        table = pd.read_csv(io.StringIO(invoke("summary", str(folder), "--format", "csv")))
        assert table["n"].tolist() == [N]
        json.loads(invoke("summary", str(folder), "--format", "json"))
        invoke("status", str(folder))
        invoke("verify", str(folder))
        invoke("export", str(folder), "--to", str(Path(name) / "out.csv"))
        written = pd.read_csv(Path(name) / "out.csv")["loss"]
        np.testing.assert_array_equal(written.isna(), np.isnan(losses))
        finite = np.isfinite(losses)
        np.testing.assert_allclose(written[finite], np.array(losses)[finite], rtol=1e-15)


def test_maps_lists_comparisons_and_every_export_take_them_too(prepared, tmp_path) -> None:
    losses = [math.nan, math.inf, 0.0, 5e-324, 1e-310, 1e308, 1.0, 2.0]
    sizes = [0.0, 5e-324, 1e-200, 1.0, 30.0, 1e8, 1e160, 1.7e308]
    half = N // 2
    plan = experiment({"hidden": [], "output": "linear"}, stop_solved=False)  # the quickest map
    for name, ended in (("a", losses), ("b", losses[::-1])):
        solved = {0: [k < half for k in range(N)]}
        at = {"label": "descending", "loss": ended, "size": sizes}
        study = crafted(tmp_path / name, {0: [50] * N}, solved, plan, **at)
    runner.analyze(study, prepared)
    few = MapOptions(searches=20, unchanged=20, round_searches=20, basin_side=2)
    runner.map_landscape(study, prepared, options=few)
    assert "finished" in invoke("list", str(tmp_path))
    for form in ("table", "csv", "json"):
        invoke("compare", str(tmp_path / "a"), str(study.path), "--format", form)
    invoke("compare", str(tmp_path / "a"), str(study.path), "--starts")
    invoke("report", str(study.path))
    for table, form in zip(TABLES, itertools.cycle(TABLE_FORMATS.values()), strict=False):
        invoke("export", str(study.path), "--table", table, "--to", str(tmp_path / table) + form)
    for form in FORMATS.values():
        to = tmp_path / f"restarts{form}"
        invoke("export", str(study.path), "--to", str(to))
        assert to.exists()


@pytest.mark.parametrize("network", [{"hidden": [], "output": "linear"}, {"activation": "relu"}])
def test_workers_inspect_weights_that_are_not_finite(network) -> None:
    """In this process, where a warning is an error: a worker's would reach the user's screen."""
    plan = experiment({"output": "linear"} | network, stop_solved=False)
    c = Plan(load_experiment(plan)).configurations[0]
    sizes = [math.inf, -math.inf, math.nan, 1.7e308, 1.0]
    weights = np.repeat([sizes], c.architecture.n_parameters, axis=0)
    weights[0] = 1.0
    none = np.zeros(len(sizes), int)
    there = np.ones(len(sizes), bool)
    points = EndpointTask((c,), none, np.arange(len(sizes)), weights, there, "pytensor", DEFAULTS)
    rows = pq.read_table(io.BytesIO(inspect_endpoints(points))).to_pandas()
    assert rows["critical"][:3].tolist() == ["none"] * 3
    assert rows["moved"].notna().tolist() == [False, False, False, True, True]
    assert np.isfinite(rows["smallest"][4])
    pairs = PairTask(points, weights[:, ::-1].copy(), np.arange(len(sizes)), there)
    paths = pq.read_table(io.BytesIO(inspect_pairs(pairs))).to_pandas()
    assert len(paths) == 2 * len(sizes)
    assert not paths["violated"].any()


@given(st.floats())
def test_a_number_is_short_and_near_what_it_says(value) -> None:
    text = number(value)
    assert len(text) <= 20
    if math.isnan(value):
        assert text == ""
    elif math.isinf(value):
        assert text == ("∞" if value > 0 else "-∞")
    else:
        assert float(text.replace(",", "")) == pytest.approx(value, rel=5.1e-4, abs=5e-324)


@pytest.mark.parametrize(
    ("images", "told"), [(384.0, "384"), (2.0**49, "562,949,953,421,312"), (2.0**103, "1.014e+31")]
)
def test_a_map_tells_of_no_more_digits_of_its_images_than_a_float_has(images, told) -> None:
    points = pd.DataFrame({"kind": ["saddle"], "index": [2], "multiplicity": [images]})
    assert f"1 saddle ({told} with all images)" in _counts(points)


@given(st.floats())
def test_what_is_drawn_is_of_a_size_that_can_be(value) -> None:
    drawn = float(drawable(value))
    assert math.isnan(drawn) == (not math.isfinite(value))
    if abs(value) < 1e100:
        assert drawn == value
    elif math.isfinite(value):
        assert drawn == math.copysign(1e100, value)


@pytest.mark.parametrize("share", [0.0, 5e-324, 1e-300, 0.5, 1 - 1e-16, 1.0])
def test_a_share_is_told_in_percent(share) -> None:
    text = percent(share)
    assert text.endswith("%")
    assert float(text[:-1]) == pytest.approx(100 * share, rel=6e-3, abs=5e-324)
