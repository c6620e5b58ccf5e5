"""Maps of studies on a real Dask cluster: every table, any study, and on where it stopped."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from subprocess import PIPE

import numpy as np
import pandas as pd
import pytest
from support.maps import XOR, MemoryCheckpoints

import runner
from runner.errors import ExperimentError, StudyError
from runner.mapping.landscape_map import _maps, map_landscape
from runner.mapping.map_plan import MapPlan
from runner.mapping.map_tables import tables
from runner.mapping.options import MapOptions
from runner.mapping.search_rounds import SearchRounds
from runner.mapping.sentences import opening, sentences
from runner.mapping.table_files import up_to_date
from runner.study.store import Store
from runner.study.tables import analysis_tables
from runner.study.tables.map_columns import MAP_TABLES

# few starts in the plane of basins, of which tests/mapping/test_basins.py tells
OPTIONS = MapOptions(unchanged=600, round_searches=300, basin_side=7)


@pytest.fixture(scope="module")
def swept(client, tmp_path_factory):
    out = tmp_path_factory.mktemp("map") / "s"
    return runner.sweep({**XOR, "grid": {"loss.l2": [0.05, 2.0]}}, out, client)


@pytest.fixture(scope="module")
def study(swept, client):
    return map_landscape(swept, client, options=OPTIONS)


def bytes_of(study):
    files = [analysis_tables.path(study.path / "tables", name) for name in MAP_TABLES]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def test_every_table_has_its_columns(study) -> None:
    for name, columns in MAP_TABLES.items():
        table = getattr(study, name)
        assert list(table.columns[: len(columns)]) == list(columns)
        for column, dtype in columns.items():
            assert str(table[column].dtype) == dtype, (name, column)
        assert table.attrs["unchanged"] == 600
    assert study.critical_points.columns[-9:].tolist() == [*study.weights.columns]
    eigenvalues = np.stack(study.critical_points["eigenvalues"])
    assert (np.diff(eigenvalues, axis=1) >= 0).all()
    assert ((eigenvalues < 0).sum(axis=1) == study.critical_points["index"]).all()


def test_paths_lead_from_their_saddle_to_their_end(study) -> None:
    paths = study.paths.groupby(["configuration", "class", "side"])
    transitions = study.transitions.set_index(["configuration", "class"])
    assert len(paths) == 2 * len(transitions)
    for (*saddle, side), path in paths:
        row = transitions.loc[tuple(saddle)]
        assert path["station"].tolist() == list(range(len(path)))
        assert len(path) <= study.paths.attrs["stations"] + 1
        assert path["distance"].iloc[[0, -1]].tolist() == [0, row[f"path_length_{side}"]]
        assert path["loss"].iloc[0] == pytest.approx(row["loss"], rel=1e-12)
        assert path["loss"].iloc[-1] == row[f"loss_{side}"]
        assert (np.diff(path["loss"]) < 1e-12).all()
        apart = np.linalg.norm(np.diff(path[[*study.weights.columns]], axis=0), axis=1)
        assert (apart <= np.diff(path["distance"]) * 1.001 + 1e-9).all()


def test_a_strong_l2_term_leaves_one_minimum(study) -> None:
    points = study.critical_points.query("configuration == 1")
    assert points[["kind", "multiplicity"]].to_numpy().tolist() == [["minimum", 1]]
    assert "one class of minima" in " ".join(sentences(study, study.plan.configurations[1]))
    assert "infinity" not in " ".join(opening(study, OPTIONS))


def test_any_workers_give_the_same_tables(study) -> None:
    """Here none: the same rounds in this process."""
    _require_tables(study)


def _require_tables(study) -> None:
    """Compare a study's tables with those of the same map, made in this process."""
    plan = MapPlan(study, study.plan, OPTIONS)
    groups, checkpoints = _maps(plan), MemoryCheckpoints()
    rounds = SearchRounds(groups, checkpoints, checkpoints.run, plan.engine, OPTIONS)
    rounds.make(lambda: True)
    rounds.look_at_basins()
    maps = sorted((m for group in groups for m in group), key=lambda m: m.configuration.index)
    for name, table in tables(maps, study.parameter_names).items():
        expected = analysis_tables.frame(name, table)
        pd.testing.assert_frame_equal(getattr(study, name), expected, check_exact=True)


def test_an_interrupted_map_goes_on_to_the_same_bytes(study, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    shutil.rmtree(copy / "tables")

    def stop(progress):
        if progress.searches > 1200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_landscape(copy, client, options=OPTIONS, report=stop)
    with pytest.raises(StudyError, match=r"not there yet. Run `python -m runner map"):
        _ = runner.open_study(copy).tree
    assert list((copy / "tables" / "map").rglob("*.parquet"))
    assert bytes_of(map_landscape(copy, client, options=OPTIONS)) == bytes_of(study)


KILLED = """
import sys
import runner

def stop(progress):
    if progress.searches > 1200:
        print("now", flush=True)
        sys.stdin.read()

options = runner.MapOptions(unchanged=600, round_searches=300, basin_side=7)
runner.map_landscape(sys.argv[1], scheduler=sys.argv[2], report=stop, options=options)
"""


def test_a_killed_map_goes_on_to_the_same_bytes(study, client, scheduler, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    shutil.rmtree(copy / "tables")
    command = [sys.executable, "-c", KILLED, str(copy), scheduler]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "now\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert list((copy / "tables" / "map").rglob("*.parquet"))
    assert bytes_of(map_landscape(copy, client, options=OPTIONS)) == bytes_of(study)


def test_time_is_short_and_then_there_is_more(study, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    shutil.rmtree(copy / "tables")
    short = map_landscape(copy, client, options=OPTIONS, for_s=0.0)
    assert short.completeness["searches"].eq(300).all()
    assert not short.completeness["done"].any()
    assert "More searches may find more" in " ".join(sentences(short, short.plan.configurations[0]))
    more = map_landscape(copy, client, options=OPTIONS)
    assert bytes_of(more) == bytes_of(study)
    told = []
    map_landscape(copy, client, options=OPTIONS, report=told.append)
    assert not told


def test_a_map_never_loses_what_an_earlier_one_has(study, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    told = []
    for less in (
        {"unchanged": 300},
        {"searches": 300},
        {"unchanged": 600, "max_parameters": 9},
    ):
        map_landscape(copy, client, options=replace(OPTIONS, **less), report=told.append)
        assert bytes_of(runner.open_study(copy)) == bytes_of(study)
    assert not told
    longer = replace(OPTIONS, unchanged=900)
    long = map_landscape(copy, client, options=longer)
    unchanged = long.completeness.query("index == -1")["unchanged"]
    assert unchanged.ge(900).all()
    short = map_landscape(copy, client, options=replace(OPTIONS, unchanged=1200), for_s=0.0)
    before, after = (each.completeness.query("index == -1")["searches"] for each in (long, short))
    assert (after - before).tolist() == [300, 300]  # one round more, in no time


def test_a_map_with_other_options_is_refused_unless_told_to(study, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    other = replace(OPTIONS, highest_index=1, reach=500.0)
    text = (
        r"the map there is another one: highest_index \(--index\) was -1, now 1; reach was 1000.0, "
        r"now 500.0. Ask for it as it was made, .* with overwrite \(--overwrite\)"
    )
    with pytest.raises(StudyError, match=text):
        map_landscape(copy, options=other, scheduler="tcp://127.0.0.1:1")  # before it is looked for
    with pytest.raises(StudyError, match=r"device \(--device\) was 'cpu', now 'gpu'"):
        map_landscape(copy, options=OPTIONS, scheduler="tcp://127.0.0.1:1", device="gpu")
    assert bytes_of(runner.open_study(copy)) == bytes_of(study)
    assert list((copy / "tables" / "map").rglob("*.parquet"))
    new = map_landscape(copy, client, options=other, overwrite=True)
    assert new.tree.attrs["highest_index"] == 1
    assert new.completeness["searches"].gt(0).all()


def test_an_analysis_leaves_the_map_alone(study, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    both = runner.analyze(copy, client)
    assert bytes_of(both) == bytes_of(study)
    assert list((copy / "tables" / "map").rglob("*.parquet"))
    text = " ".join(sentences(both, both.plan.configurations[0]))
    assert "the lowest known way leads over 1.76376" in text


def test_a_study_that_has_grown_is_mapped_anew(study, client, tmp_path, caplog) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    grown = runner.sweep({**XOR, "restarts": 6, "grid": {"loss.l2": [0.05, 2.0]}}, copy, client)
    with pytest.raises(StudyError, match="older than the study's restarts"):
        _ = grown.critical_points
    anew = map_landscape(grown, client, options=OPTIONS)
    assert "the map there is damaged or older than the study; made anew" in caplog.text
    assert (
        anew.critical_points["from_endpoint"].sum() > study.critical_points["from_endpoint"].sum()
    )
    _require_tables(anew)


def test_a_map_of_another_version_is_told_and_made_anew_to_the_same_bytes(
    study, client, tmp_path, caplog
) -> None:
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    shutil.rmtree(copy / "tables" / "map")  # checkpoints have names of their own by version
    stored = study.completeness.copy()
    n = stored.query("index == -1")["searches"].sum()
    stored.attrs = study.completeness.attrs | {"map": "of another version"}
    analysis_tables.write(copy / "tables", "completeness", stored, study.digest)
    anew = map_landscape(copy, client, options=OPTIONS)
    assert bytes_of(anew) == bytes_of(study)
    (line,) = [each for each in caplog.messages if "the map there" in each]
    assert line.startswith(f"{copy}: the map there, of {n:,} searches, is of another version")
    map_landscape(copy, client, options=OPTIONS)
    assert len([each for each in caplog.messages if "the map there" in each]) == 1


@pytest.mark.parametrize(
    "top",
    [pytest.param(0, id="cycle"), pytest.param(10**9, id="not there"), pytest.param(-2, id="none")],
)
def test_a_tree_that_is_none_is_refused_and_left_out(study, tmp_path, top) -> None:
    """From elsewhere: whoever goes up from a minimum would never come to the top."""
    copy = tmp_path / "s"
    shutil.copytree(study.path, copy)
    tree = study.tree.copy()
    tree["parent"] = tree["parent"].replace(-1, top)
    tree.attrs = study.tree.attrs
    analysis_tables.write(copy / "tables", "tree", tree, study.digest)
    with pytest.raises(StudyError, match=r"do not hang together as trees.*`python -m runner map"):
        _ = runner.open_study(copy).tree
    runner.write_report(runner.open_study(copy))
    assert "study.tree" in (copy / "report.html").read_text()


def test_a_map_of_another_kind_of_device_is_another_map(study, client) -> None:
    plan = MapPlan(study, study.plan, OPTIONS)
    assert plan.key("gpu") != plan.key("cpu") == study.tree.attrs["map"]
    assert up_to_date(Store(study.path), plan, "cpu")
    assert up_to_date(Store(study.path), plan, "auto")
    assert not up_to_date(Store(study.path), plan, "gpu")


def test_too_many_parameters_and_wrong_options_are_refused(swept, client) -> None:
    with pytest.raises(ExperimentError, match=r"has 9 parameters; expected at most 8"):
        map_landscape(swept, client, max_parameters=8)
    with pytest.raises(ExperimentError, match=r"'serches' is not an option.*'searches'"):
        map_landscape(swept, client, serches=8)
    with pytest.raises(ExperimentError, match=r"reach is -1.0; expected a finite number > 0"):
        MapOptions(reach=-1.0)


def test_frozen_arrays_are_refused(client, tmp_path) -> None:
    network = {**XOR["network"], "freeze": ["W1"]}
    swept = runner.sweep({**XOR, "network": network}, tmp_path / "s", client)
    with pytest.raises(ExperimentError, match=r"has frozen arrays.*expected none"):
        map_landscape(swept, client)


def test_diverged_endpoints_are_no_starts_and_infinity_is_named(client, tmp_path) -> None:
    experiment = {
        "name": "diverged",
        "restarts": 6,
        "problem": {"gate": "AND"},
        "network": {"hidden": []},
        "loss": {"kind": "cross-entropy"},
        "training": {"learning_rate": 1e300, "max_steps": 20},
    }
    swept = runner.sweep(experiment, tmp_path / "s", client)
    found = map_landscape(swept, client, options=OPTIONS)
    assert found.critical_points.empty
    assert found.tree.empty
    (text,) = [" ".join(sentences(found, c)) for c in found.plan.configurations]
    assert "The lowest loss may be that of no finite weights" in text
    assert "No critical point was found at finite weights" in text
    told = " ".join(opening(found, MapOptions(unchanged=40, searches=90, round_searches=30)))
    assert "the last 40 searches have found nothing new, or after 90." in told
    more = " ".join(opening(found, MapOptions(unchanged=40, searches=91, round_searches=30)))
    assert "or after 120, as a search round of 30 (round_searches, --round-searches) is" in more
    assert "may lie at infinity" in told


def test_a_minimum_of_a_convex_loss_is_the_lowest_at_any_weights(client, tmp_path) -> None:
    experiment = {
        "name": "convex",
        "restarts": 2,
        "problem": {"gate": "XOR"},
        "network": {"hidden": []},
        "training": {"max_steps": 20},
    }
    swept = runner.sweep(experiment, tmp_path / "s", client)
    found = map_landscape(swept, client, options=OPTIONS)
    (text,) = [" ".join(sentences(found, c)) for c in found.plan.configurations]
    assert text.startswith("Known: 1 minimum. ")
    assert found.critical_points["loss"].tolist() == [pytest.approx(np.log(2))]


def test_no_sum_of_signs_is_told_of_units_with_kinks(client, tmp_path) -> None:
    experiment = {
        "name": "kinks",
        "restarts": 2,
        "problem": {"gate": "XOR"},
        "network": {"hidden": [1], "activation": "leaky-relu"},
        "loss": {"kind": "cross-entropy", "l2": 0.01},
        "training": {"max_steps": 20},
    }
    swept = runner.sweep(experiment, tmp_path / "s", client)
    found = map_landscape(swept, client, options=OPTIONS)
    assert len(found.critical_points)
    assert found.completeness["euler"].isna().all()
    (text,) = [" ".join(sentences(found, c)) for c in found.plan.configurations]
    assert "units have kinks" in text


def test_families_of_minima_are_told_from_those_of_saddles(client, tmp_path) -> None:
    """Two linear units in a row: W2 (W1 x) is one product, so that minima are never alone."""
    experiment = {
        "name": "families",
        "restarts": 2,
        "problem": {"gate": "AND"},
        "network": {"hidden": [1], "activation": "linear", "output": "linear"},
        "loss": {"kind": "squared-error"},
        "training": {"max_steps": 20},
    }
    found = map_landscape(runner.sweep(experiment, tmp_path / "s", client), client, options=OPTIONS)
    points = found.critical_points
    assert points["kind"].eq("family").all()
    assert (points["index"] == 0).sum() == 1
    assert len(points) == 2
    (text,) = [" ".join(sentences(found, c)) for c in found.plan.configurations]
    assert text.startswith("Known: 1 family of degenerate minima, 1 family of degenerate saddles.")
    assert "There is one class of minima: none is bad." in text


def test_units_without_slopes_have_one_flat_family_and_nothing_is_said_of_others(
    client, tmp_path
) -> None:
    experiment = {
        "name": "flat",
        "restarts": 2,
        "problem": {"gate": "XOR"},
        "network": {"hidden": [2], "activation": "step"},
        "training": {"max_steps": 20},
    }
    found = map_landscape(runner.sweep(experiment, tmp_path / "s", client), client, options=OPTIONS)
    (text,) = [" ".join(sentences(found, c)) for c in found.plan.configurations]
    assert "none is bad" not in text
    assert "whether there are others at kinks is not known" in text


MODEL = """
PARAMETERS = {"w": 2, "v": 1, "b": 1}


def loss(T, parameters, inputs, targets):
    w, v, b = parameters["w"], parameters["v"][0], parameters["b"][0]
    outputs = [[b + w[0] * x1 + w[1] * x2 + v * (x1 * x2)] for x1, x2 in inputs]
    errors = [(y - t) ** 2 for (y,), (t,) in zip(outputs, targets)]
    return sum(errors) / len(errors), outputs
"""


def test_a_model_of_ones_own_is_mapped(client, tmp_path, monkeypatch) -> None:
    """Its loss is a quadratic: XOR is x1 + x2 - 2 x1 x2."""
    (tmp_path / "product.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    experiment = {
        "name": "product",
        "restarts": 3,
        "problem": {"gate": "XOR"},
        "network": {"model": "product.py:loss"},
        "training": {"max_steps": 10},
    }
    runner.sweep(experiment, "s", client, trust_model=True)
    with pytest.raises(ExperimentError, match="--trust-model"):
        map_landscape("s", client)
    found = map_landscape("s", client, options=OPTIONS, trust_model=True)
    points = found.critical_points
    assert points["kind"].tolist() == ["minimum"]
    weights = points[["w[0]", "w[1]", "v[0]", "b[0]"]].to_numpy()[0]
    np.testing.assert_allclose(weights, [1, 1, -2, 0], atol=1e-9)
