"""The pandas tables of a small study, against what its shards say."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from statsmodels.stats.proportion import proportion_confint
from support.crafted import EXPERIMENT as CRAFTED
from support.crafted import crafted

import runner
from runner.errors import StudyError
from runner.experiment.plan import Plan
from runner.study.store import Store
from runner.study.tables.analysis_tables import ALL_TABLES
from runner.study.tables.table_names import TABLES
from runner.training.labels import LABELS
from runner.training.shards import encode

EXPERIMENT = {
    "name": "tables",
    "restarts": 40,
    "problem": {"gate": "XOR"},
    "training": {"learning_rate": 2.0, "max_steps": 300, "stop_solved": True},
    "grid": {"network.hidden": [[2], []], "problem.gate": ["XOR", "OR"]},
}


@pytest.fixture(scope="module")
def path(client, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "study"
    runner.sweep(EXPERIMENT, path, client, batch_size=17)
    return path


@pytest.fixture
def study(path):
    return runner.open_study(path)


def test_every_restart_has_a_row_with_its_point_of_the_grid(study) -> None:
    frame = study.restarts
    expected = pd.MultiIndex.from_product([range(4), range(40)], names=["configuration", "restart"])
    assert frame.index.equals(expected)
    assert list(frame.columns[:2]) == ["network.hidden", "problem.gate"]
    points = frame.groupby(level="configuration")[["network.hidden", "problem.gate"]].first()
    assert points.astype(str).to_numpy().tolist() == [
        ["[2]", "XOR"],
        ["[2]", "OR"],
        ["[]", "XOR"],
        ["[]", "OR"],
    ]
    assert frame["steps"].between(0, 300).all()
    assert set(frame["label"].unique()) <= set(LABELS)
    assert (frame["solved"] == (frame["label"] == "solved")).all()


def test_weights_and_norms_belong_together(study) -> None:
    weights = study.weights
    assert weights.index.equals(study.restarts.index)
    assert list(weights.columns) == [
        *("W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "b1[0]", "b1[1]"),
        *("W2[0,0]", "W2[0,1]", "b2[0]"),
    ]
    norms = np.sqrt((weights.fillna(0) ** 2).sum(axis=1))
    np.testing.assert_allclose(norms, study.restarts["weight_norm"])
    single = weights.loc[2]
    assert single[["W1[0,0]", "W1[0,1]", "b1[0]"]].notna().all(axis=None)
    assert single[["W1[1,0]", "b2[0]"]].isna().all(axis=None)


def test_the_summary_counts_what_the_restarts_say(study) -> None:
    summary, restarts = study.summary, study.restarts
    assert summary["n"].tolist() == [40] * 4
    for k, row in summary.iterrows():
        mine = restarts.loc[k]
        assert row["solved"] == mine["solved"].sum()
        assert row["success_rate"] == mine["solved"].mean()
        low, high = proportion_confint(row["solved"], 40, method="wilson")
        assert row["ci_low"] == pytest.approx(low, abs=1e-12)
        assert row["ci_high"] == pytest.approx(high, abs=1e-12)
        assert row["loss_median"] == pytest.approx(np.median(mine["loss"]))
        assert row["steps_q95"] == pytest.approx(np.quantile(mine["steps"], 0.95))
        assert row["solved"] + row[list(LABELS[1:])].sum() == 40


def test_a_large_study_counts_all_and_looks_at_the_first(path, monkeypatch) -> None:
    whole = runner.open_study(path)
    monkeypatch.setattr("runner.study.contents.SAMPLE", 41)  # ten of each
    large = runner.open_study(path)
    first = whole.restarts[whole.restarts.index.get_level_values("restart") < 10]
    pd.testing.assert_frame_equal(large.sample, first)
    assert large.summary.attrs["loss_sample"] == 10
    medians = first.groupby(level="configuration")["loss"].median()
    assert large.summary["loss_median"].tolist() == pytest.approx(medians.tolist())
    counted = [c for c in whole.summary if not c.startswith("loss_")]
    pd.testing.assert_frame_equal(
        large.summary[counted], whole.summary[counted], check_flags=False, check_like=True
    )
    for name in ("budgets", "times", "strategies"):
        pd.testing.assert_frame_equal(getattr(large, name), getattr(whole, name))
    columns = ["n", "share", "minimum", "maximum"]
    pd.testing.assert_frame_equal(large.losses[columns], whole.losses[columns])
    assert set(large.comparisons["n"]) == {10}
    assert "restarts" not in vars(large)  # never read whole


def test_what_is_trained_is_known_without_a_shard(path, tmp_path) -> None:
    copy = shutil.copytree(path, tmp_path / "copy")
    shutil.rmtree(copy / "shards")
    assert runner.open_study(copy).trained.tolist() == [40] * 4


def test_curves_are_long_and_end_at_the_endpoint(study) -> None:
    curves = study.curves
    assert list(curves.columns) == ["configuration", "restart", "step", "loss"]
    assert curves.attrs["restarts_per_configuration"] == 40
    last = curves.groupby(["configuration", "restart"]).last()
    np.testing.assert_array_equal(last["step"], study.restarts["steps"])
    np.testing.assert_allclose(last["loss"], study.restarts["loss"], rtol=1e-12)


def test_configurations_and_failures(study) -> None:
    assert study.configurations["n_parameters"].tolist() == [9, 9, 3, 3]
    assert study.failures.columns.tolist() == ["configuration", "restart", "reason", "traceback"]
    assert study.failures.empty
    assert repr(study) == "<Study 'tables': 160 of 160 restarts>"


def test_an_empty_study_has_empty_tables(tmp_path) -> None:
    from runner.experiment.experiment import load_experiment
    from runner.experiment.plan import Plan

    store = Store(tmp_path)
    with store.writer() as writer:
        writer.create(Plan(load_experiment(EXPERIMENT)))
    study = runner.open_study(tmp_path)
    assert not study.complete
    assert len(store.remaining(study.plan)) == study.plan.n_batches
    assert study.restarts.empty
    assert study.weights.empty
    assert study.starts.empty
    assert study.curves.empty
    assert study.summary["n"].tolist() == [0] * 4
    assert study.summary["success_rate"].isna().all()


def test_a_missing_shard_is_named(path, tmp_path) -> None:
    shutil.copytree(path, tmp_path / "copy")
    next((tmp_path / "copy" / "shards").rglob("*.parquet")).unlink()
    with pytest.raises(StudyError, match="runner verify"):
        _ = runner.open_study(tmp_path / "copy").restarts


def test_nothing_is_read_through_a_link(path, tmp_path) -> None:
    for name in ("shards/0000", "commits.jsonl", "plan.json"):
        copy = tmp_path / name.replace("/", "-")
        shutil.copytree(path, copy)
        (copy / name).rename(tmp_path / "outside")
        (copy / name).symlink_to(tmp_path / "outside")
        with pytest.raises(StudyError, match=r"is a (symbolic )?link; expected a file"):
            _ = runner.open_study(copy).summary
        (tmp_path / "outside").rename(tmp_path / f"outside-{copy.name}")


def test_rows_that_stand_in_two_shards_are_counted_by_nothing(tmp_path) -> None:
    whole = crafted(tmp_path / "whole", {0: [1] * 6}, {0: [True] * 6})
    table = pq.read_table(next(whole.path.glob("shards/*/*.parquet")))
    store = Store(tmp_path / "duplicate")
    with store.writer() as writer:
        writer.create(Plan(whole.experiment, batch_size=3))
        for batch in store.read_plan()[0].batches():
            writer.commit(batch, encode(table.slice(0, 3)), 3, [])
    for read in (lambda s: s.summary, lambda s: s.restarts):
        with pytest.raises(StudyError, match="not those of its batch"):
            read(runner.open_study(store.path))


def test_tables_without_rows_have_the_columns_and_types_of_others(tmp_path) -> None:
    steps, solved = {0: [3, 4], 1: [3, 5]}, {0: [True, False], 1: [False, True]}
    asked = {**CRAFTED, "grid": {"init.scale": [1.0, 2.0]}}
    whole = crafted(tmp_path / "w", steps, solved, asked)
    none = crafted(tmp_path / "n", steps, solved, asked, commit=False)
    failed = crafted(tmp_path / "f", steps, solved, asked, failed=(1,))
    for name in TABLES[: -len(ALL_TABLES)]:
        left, right = (
            getattr(one, name).reset_index().dtypes
            for one in (none, failed if name == "failures" else whole)
        )
        pd.testing.assert_series_equal(left, right, obj=name)
