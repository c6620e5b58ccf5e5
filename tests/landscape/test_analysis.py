"""Whole analyses on a real Dask cluster: every table, any study, and on where it stopped."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pandas as pd
import pytest
from support.landscapes import REGULARISED, configuration, function, searched

import runner
from runner.errors import StudyError
from runner.landscape import endpoint_sample
from runner.landscape.analysis import analyze
from runner.landscape.worker import inspect_endpoints
from runner.study.statistics.discoveries import new_class_chance
from runner.study.tables import analysis_tables

LESSON = {
    "name": "lesson",
    "restarts": 120,
    "problem": {"gate": "XOR"},
    "training": {"learning_rate": 2.0, "max_steps": 2000},
    "grid": {"problem.gate": ["AND", "XOR"], "network.hidden": [[], [2]]},
}

NOTHING_KEPT = shutil.ignore_patterns("inspected")  # of the analysis before, so that work is left


@pytest.fixture(scope="module")
def lesson(client, tmp_path_factory):
    out = tmp_path_factory.mktemp("lesson") / "s"
    return analyze(runner.sweep(LESSON, out, client, batch_size=100), client)


def bytes_of(study):
    folder = study.path / "tables"
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.parquet")}


def test_every_table_has_its_columns(lesson) -> None:
    for name, columns in analysis_tables.TABLES.items():
        table = getattr(lesson, name).reset_index()
        for column, dtype in columns.items():
            assert str(table[column].dtype) == dtype, (name, column)
        assert table["configuration"].isin(range(4)).all()
    assert lesson.curvature.index.equals(lesson.restarts.index)
    assert lesson.classes.index.equals(lesson.restarts.index)
    assert lesson.curvature.attrs["sample"] == "the first 120 restarts of each configuration"
    assert lesson.minima.columns[-9:].tolist() == [*lesson.weights.columns]


def test_logistic_regression_has_one_class_and_no_violations(lesson) -> None:
    for index, gate in ((0, "AND"), (2, "XOR")):
        assert lesson.configurations.loc[index, "problem.gate"] == gate
        assert (lesson.classes.loc[index, "class"] == 0).all()
        paths = lesson.barriers.query("configuration == @index")
        assert len(paths) == 2 * 60
        assert (paths["excess"] < 1e-12).all()
        assert (paths["midpoint_violation"] < 1e-12).all()
        verdict = lesson.verdicts.loc[index]
        assert verdict["verdict"] == "convex, known"
        assert verdict["violations"] == 0
    # XOR's only minimum is the constant 1/2, at all weights 0
    (xor,) = lesson.minima.query("configuration == 2").to_dict("records")
    assert xor["kind"] == "minimum"
    assert xor["loss"] == pytest.approx(np.log(2))
    assert abs(xor["W1[0,0]"]) < 1e-6


def test_the_swap_bound_holds_on_every_solved_restart_of_xor(lesson) -> None:
    solved = lesson.restarts.loc[3].query("solved")
    half_way = solved["loss"] + lesson.curvature.loc[3, "swap_excess"][solved.index]
    assert len(solved) > 50
    assert (half_way >= 0.75 * (np.log(3) - 2 / 3 * np.log(2)) - 1e-12).all()
    verdict = lesson.verdicts.loc[3]
    assert verdict["verdict"] == "non-convex, proven"
    assert verdict["swap_violation"] == lesson.curvature.loc[3, "swap_excess"].max()
    of_xor = lesson.barriers.query("configuration == 3")
    ends = of_xor.set_index(["restart_a", "restart_b"])
    worst = ends.loc[[(verdict["restart_a"], verdict["restart_b"])]]
    assert worst["excess"].max() == verdict["worst_violation"]


def test_classes_add_up(lesson) -> None:
    for index, rows in lesson.minima.groupby("configuration"):
        member = lesson.classes.loc[index, "class"]
        counts = member[member >= 0].value_counts()
        assert rows.set_index("class")["size"].to_dict() == counts.to_dict()
        np.testing.assert_allclose(rows["share"], rows["size"] / 120)
        assert ((rows["ci_low"] < rows["share"]) & (rows["share"] <= rows["ci_high"] + 1e-15)).all()
        assert (member.loc[rows["restart"]].to_numpy() == rows["class"]).all()
        unseen = lesson.unseen.set_index("configuration").loc[index]
        assert unseen["n"] == rows["size"].sum()
        assert unseen["classes"] == len(rows)
        member = lesson.classes["class"].xs(index)
        firsts = np.unique(member[member >= 0], return_index=True)[1]
        bound = new_class_chance(firsts, int(unseen["n"]))
        assert unseen["chance_bound"] == bound > unseen["good_turing"]
    levels = lesson.minima.query("kind == 'saturated'")["level"]
    assert set(levels.round(4)) <= {0.3466, 0.4774}


def test_paths_start_and_end_at_their_endpoints(lesson) -> None:
    rows = lesson.barriers.query("configuration == 3")
    ends = lesson.curvature.loc[3, "polished_loss"].fillna(lesson.restarts.loc[3, "loss"])
    for side, place in (("a", 0), ("b", -1)):
        losses = [path[place] for path in rows["path"]]
        np.testing.assert_allclose(losses, ends.loc[rows[f"restart_{side}"]], rtol=1e-9)
    shown = rows[rows["pairs"] == "representatives"]
    wide = shown.pivot(index=["restart_a", "restart_b"], columns="aligned", values="barrier")
    assert len(wide) >= 1
    assert wide[True].median() <= wide[False].median()
    assert np.isfinite(shown["curve_barrier"]).any()


def test_a_finished_analysis_is_not_done_again(lesson, client) -> None:
    told = []
    again = analyze(lesson.path, client, report=told.append)
    assert not told
    assert len(again.curvature) == 480
    assert not (lesson.path / "tables" / "parts").exists()


def test_an_interrupted_analysis_goes_on_to_the_same_bytes(
    lesson, client, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(endpoint_sample, "_PIECE_ENDPOINTS", 60)  # eight pieces, six at a time
    copy = tmp_path / "s"
    shutil.copytree(lesson.path, copy, ignore=NOTHING_KEPT)
    shutil.rmtree(copy / "tables")

    def stop(progress):
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(copy, client, report=stop)
    with pytest.raises(StudyError, match="not there yet"):
        _ = runner.open_study(copy).minima
    told = []
    study = analyze(copy, client, report=told.append)
    assert 60 <= told[0].before < 480
    assert told[0].total == 480
    for name in analysis_tables.TABLES:
        pd.testing.assert_frame_equal(getattr(study, name), getattr(lesson, name))
    assert bytes_of(study) == bytes_of(lesson)


def test_a_sample_is_the_first_restarts_of_each_configuration(lesson, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(lesson.path, copy, ignore=NOTHING_KEPT)
    study = analyze(copy, client, endpoints=40)
    assert study.curvature.index.get_level_values("restart").max() == 9
    assert len(study.curvature) == 40
    assert study.minima.attrs["endpoints_per_configuration"] == 10
    same = lesson.curvature.loc[study.curvature.index, "smallest"]
    np.testing.assert_array_equal(study.curvature["smallest"], same)


def test_options_are_given_whole_or_one_by_one(lesson, client, tmp_path) -> None:
    few = runner.AnalysisOptions(endpoints=40, pairs=3, representatives=2, path_points=5)
    tables = []
    for keywords in ({"analysis": few}, few.changed):
        copy = tmp_path / str(len(tables))
        shutil.copytree(lesson.path, copy, ignore=NOTHING_KEPT)
        study = analyze(copy, client, **keywords)
        assert study.barriers["path"].map(len).unique().tolist() == [5]
        by_kind = study.barriers.groupby(["configuration", "pairs"]).size().unstack(fill_value=0)
        assert (by_kind["sample"] == 2 * 3).all()
        assert by_kind["representatives"].tolist() == [0, 2, 0, 2]  # single layers have one class
        assert (study.verdicts.attrs["pairs"], study.verdicts.attrs["path_points"]) == (3, 5)
        tables.append(bytes_of(study))
    assert tables[0] == tables[1]


def test_a_keyword_that_is_not_known_is_told_like_a_typo(lesson, client) -> None:
    with pytest.raises(runner.ExperimentError, match=r"Did you mean 'scheduler'\?"):
        analyze(lesson.path, client, schedular="tcp://127.0.0.1:8786")
    with pytest.raises(runner.ExperimentError, match=r"Did you mean 'endpoints'\?"):
        analyze(lesson.path, client, endpoint=40)
    with pytest.raises(runner.ExperimentError, match="analysis are both given"):
        analyze(lesson.path, client, endpoints=40, analysis=runner.AnalysisOptions())
    with pytest.raises(runner.ExperimentError, match="endpoints is 0; expected an integer >= 1"):
        analyze(lesson.path, client, endpoints=0)


@pytest.mark.parametrize("written", range(len(analysis_tables.TABLES)))
def test_tables_of_two_analyses_are_never_side_by_side(
    lesson, client, tmp_path, monkeypatch, written
) -> None:
    copy = tmp_path / "s"
    shutil.copytree(lesson.path, copy, ignore=NOTHING_KEPT)
    write, calls = analysis_tables.write, []

    def stop(*arguments):
        calls.append(arguments)
        if len(calls) > written:
            raise KeyboardInterrupt
        write(*arguments)

    monkeypatch.setattr(analysis_tables, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        analyze(copy, client, endpoints=40)
    monkeypatch.undo()
    study, readable = runner.open_study(copy), []
    for name in analysis_tables.TABLES:
        try:
            readable.append(getattr(study, name))
        except StudyError:
            continue
    assert [t.attrs["endpoints_per_configuration"] for t in readable] == [10] * written
    told = []
    again = analyze(copy, client, endpoints=40, report=told.append)
    assert not told  # every part was there
    assert len(again.curvature) == 40


def test_a_damaged_table_is_made_anew(lesson, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(lesson.path, copy, ignore=NOTHING_KEPT)
    (copy / "tables" / "minima.parquet").write_bytes(b"PAR1 of another make")
    assert bytes_of(analyze(copy, client)) == bytes_of(lesson)


def test_tables_of_an_older_state_are_not_shown(client, tmp_path) -> None:
    content = {**LESSON, "restarts": 6, "grid": {}}
    study = runner.sweep(content, tmp_path / "s", client, batch_size=2)
    with pytest.raises(StudyError, match="python -m runner analyze"):
        _ = study.verdicts
    log = tmp_path / "s" / "commits.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:2]))
    assert len(analyze(tmp_path / "s", client).curvature) == 4
    log.write_text("".join(lines))
    with pytest.raises(StudyError, match="older than the study"):
        _ = runner.open_study(tmp_path / "s").verdicts
    assert len(analyze(tmp_path / "s", client).curvature) == 6


def test_a_study_without_endpoints_is_analysed_too(client, tmp_path) -> None:
    runner.sweep({**LESSON, "restarts": 2, "grid": {}}, tmp_path / "s", client)
    (tmp_path / "s" / "commits.jsonl").write_text("")
    study = analyze(tmp_path / "s", client)
    assert len(study.curvature) == len(study.minima) == len(study.barriers) == 0
    assert study.unseen["n"].tolist() == [0]
    assert study.verdicts["verdict"].tolist() == ["no violation found"]
    assert "no pair" in study.verdicts["reason"][0]


def test_one_restart_is_analysed(client, tmp_path) -> None:
    study = runner.sweep({**LESSON, "restarts": 1, "grid": {}}, tmp_path / "s", client)
    study = analyze(study, client)
    assert len(study.curvature) == 1
    assert study.verdicts["pairs"].tolist() == [0]
    assert study.verdicts["verdict"].tolist() == ["non-convex, proven"]  # by exchanging its units


def test_only_diverged_restarts_are_analysed(client, tmp_path) -> None:
    content = {
        "name": "diverged",
        "restarts": 5,
        "problem": {"gate": "XOR"},
        "network": {"activation": "relu", "output": "linear"},
        "loss": {"kind": "squared-error"},
        "training": {"learning_rate": 1e6, "max_steps": 500},
        "init": {"scale": 3.0},
    }
    study = runner.sweep(content, tmp_path / "s", client)
    assert (study.restarts["label"] == "diverged").all()
    study = analyze(study, client)
    assert (study.classes["class"] == -1).all()
    assert (study.curvature["label"] == "diverged").all()
    assert not len(study.minima)
    assert not len(study.barriers)
    assert study.verdicts["verdict"].tolist() == ["no violation found"]


def test_a_sweep_finds_the_minima_that_an_independent_search_finds(client, tmp_path) -> None:
    study = analyze(runner.sweep(REGULARISED, tmp_path / "s", client), client)
    c = configuration()
    rows = study.minima.query("kind == 'minimum'")
    names = list(c.architecture.parameter_names)
    ours = {function(c, theta) for theta in rows[names].to_numpy()}
    theirs = {function(c, theta) for theta in searched()}
    assert len(ours) == len(rows)
    assert ours == theirs
    returned = study.curvature.loc[study.curvature["critical"] == "minimum", "returned"]
    assert returned.all()
    labels = study.curvature["label"]
    assert not (labels == "stationary").any()
    assert set(labels) <= {"solved", "minimum", "saddle", "indeterminate", "descending", "plateau"}


class Poison:
    """Inspects endpoints, but for one restart of each configuration."""

    def __call__(self, task):
        if 7 in task.restart:
            raise ValueError("poison")
        return inspect_endpoints(task)


def test_an_endpoint_that_cannot_be_looked_at_is_left_out(
    lesson, client, tmp_path, monkeypatch
) -> None:
    copy = tmp_path / "s"
    shutil.copytree(lesson.path, copy, ignore=NOTHING_KEPT)
    monkeypatch.setattr(endpoint_sample, "inspect_endpoints", Poison())
    study = analyze(copy, client, endpoints=40)
    assert len(study.curvature) == 36
    seen = lesson.curvature.drop(index=7, level="restart").query("restart < 10")
    pd.testing.assert_frame_equal(study.curvature, seen)
    assert set(study.verdicts["verdict"]) == {"convex, known", "non-convex, proven"}
