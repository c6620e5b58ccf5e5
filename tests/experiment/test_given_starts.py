"""Given starts: from CSV, Parquet, a frame or the experiment file, one for each restart."""

from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.formats.base import MAX_BYTES
from runner.experiment.given_starts import MAX_NUMBERS, read_starts
from runner.experiment.plan import Plan
from runner.network.architecture import Architecture
from runner.training.lanes import train
from runner.training.worker import Task, prepare

NAMES = Architecture(2, (2,), 1, "tanh", "tanh").parameter_names
ROWS = np.random.default_rng(5).normal(size=(7, 9))
FRAME = pd.DataFrame(ROWS, columns=NAMES)


def experiment(init: dict, **sections) -> dict:
    given = {"distribution": "given"} | init
    return {"name": "t", "problem": {"gate": "XOR"}, "init": given, **sections}


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns=lambda name: name.replace("[", "_").replace(",", "_")[:-1])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def drawn(plan: Plan) -> np.ndarray:
    """Starts of all restarts, a row each, through batches of 3 as workers get them."""
    n = plan.experiment.restarts
    batches = [Batch(0, start, min(start + 3, n)) for start in range(0, n, 3)]
    tasks = [Task(plan.segments(b), plan.experiment.seed, plan.engine, 0) for b in batches]
    return np.concatenate([prepare(task).starts for task in tasks], axis=1).T


@pytest.mark.parametrize("form", ["csv", "plain csv", "parquet", "frame"])
def test_a_restart_starts_from_each_row(folder, form) -> None:
    shuffled = FRAME[list(NAMES[::-1])].assign(note="x", loss=1.0)
    source: object = {"csv": "s.csv", "plain csv": "p.csv", "parquet": "s.parquet"}.get(form)
    shuffled.to_csv("s.csv", index=False)
    plain(shuffled).to_csv("p.csv", index=False)
    shuffled.to_parquet("s.parquet")
    plan = Plan(load_experiment(experiment({"table": shuffled if source is None else source})))
    assert plan.experiment.restarts == 7
    np.testing.assert_array_equal(drawn(plan), ROWS)


def test_a_stored_plan_needs_no_file(folder) -> None:
    FRAME.to_csv("s.csv", index=False)
    plan = Plan(load_experiment(experiment({"table": "s.csv"})))
    stored = json.loads(json.dumps(plan.canonical()))
    (folder / "s.csv").unlink()
    kinds = [stored["tables"], {}, stored["starts"]]
    again = Plan(load_experiment(stored["experiment"]), "pytensor", None, *kinds)
    assert again.canonical() == plan.canonical()
    np.testing.assert_array_equal(drawn(again), ROWS)


def test_the_content_of_the_file_is_what_identifies_a_configuration(folder) -> None:
    ids = []
    for name, frame in (("a.csv", FRAME), ("b.csv", FRAME), ("c.csv", FRAME + 1)):
        frame.to_csv(name, index=False)
        plan = Plan(load_experiment(experiment({"table": name})))
        (c,) = plan.configurations
        ids.append(c.id)
        (segment,) = plan.segments(Batch(0, 2, 4))
        assert segment.configuration.id == c.id  # what a worker writes into the shard
    assert ids[0] == ids[1] != ids[2]


def test_one_start_with_noise_is_the_middle_of_many() -> None:
    at = [f"{name}={value!r}" for name, value in zip(NAMES, ROWS[0].tolist(), strict=True)]
    settings = {"at": at, "noise": 0.1}
    plan = Plan(load_experiment(experiment(settings, restarts=2000)))
    starts = plan.configurations[0].starts(3).draw(0, 2000)
    noise = (starts - ROWS[0][:, np.newaxis]).ravel()
    assert stats.kstest(noise, stats.norm(0, 0.1).cdf).pvalue > 1e-3
    parts = [plan.configurations[0].part(a, b).starts(3).draw(a, b) for a, b in ((0, 7), (7, 12))]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), starts[:, :12])
    without = Plan(load_experiment(experiment({"at": at})))
    np.testing.assert_array_equal(drawn(without), ROWS[:1])


def test_some_weights_may_start_from_a_value_and_the_others_at_random() -> None:
    init = {"distribution": "normal", "at": ["W1[0,1]=3", "b2[0]=-1"]}
    (c,) = Plan(load_experiment(experiment(init))).configurations
    usual = Plan(load_experiment(experiment({"distribution": "normal"}))).configurations[0]
    starts = pd.DataFrame(c.starts(1).draw(0, 5).T, columns=NAMES)
    assert (starts["W1[0,1]"] == 3).all()
    assert (starts["b2[0]"] == -1).all()
    others = [name for name in NAMES if name not in ("W1[0,1]", "b2[0]")]
    expected = pd.DataFrame(usual.starts(1).draw(0, 5).T, columns=NAMES)
    pd.testing.assert_frame_equal(starts[others], expected[others])


def test_they_train(folder) -> None:
    plan = Plan(load_experiment(experiment({"table": FRAME}, training={"max_steps": 1})))
    (c,) = plan.configurations
    task = Task(plan.segments(Batch(0, 0, 7)), 1, "pytensor", 0)
    ended = train(compiled("pytensor", c.signature()), prepare(task))
    moved = np.abs(ended.state[:9].T - ROWS)
    assert (moved > 0).all()
    assert moved.max() < 1


@pytest.mark.parametrize(
    ("init", "text"),
    [
        ({}, "init.table is missing; expected a file, or every weight in init.at, with"),
        ({"table": "s.csv", "at": ["b2[0]=1"]}, "expected nothing with init.table with"),
        ({"at": ["b2[0]=1"]}, "init.at has no value for W1[0,0]; expected one for every weight"),
        ({"distribution": "normal", "at": ["b9[0]=1"]},
         "init.at names b9[0]; expected weights of the network: W1[0,0] to b2[0]."),
        ({"distribution": "normal", "noise": 1.0}, "init.noise is 1.0; expected nothing with"),
        ({"table": "s.csv", "bias": 0.0}, "init.bias is 0.0; expected nothing with init.distr"),
    ],
)  # fmt: skip
def test_rules_between_fields(init, text) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(experiment(init))
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (FRAME.drop(columns="b1[1]"), "the starts have no numbers for b1[1]; expected a column"),
        (FRAME.assign(**{"b1[1]": "x"}), "the starts have no numbers for b1[1]"),
        (FRAME.replace(ROWS[2, 3], np.inf), "W1[1,1] in row 3 is inf; expected a finite number."),
        (FRAME.iloc[:0], "the starts have no"),
    ],
)
def test_a_wrong_table_is_refused(folder, frame, text) -> None:
    frame.to_csv("s.csv", index=False)
    for file in ("s.csv", frame):
        with pytest.raises(ExperimentError) as caught:
            Plan(load_experiment(experiment({"table": file}))).configurations  # noqa: B018
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("second", "text"),
    [
        ("W1[0,1]", "the file names column 'W1[0,1]' 2 times; expected once."),
        ("W1_0_1", "the file has the columns 'W1[0,1]' and 'W1_0_1'; expected one of the two"),
    ],
)
def test_a_weight_has_one_column(folder, second, text) -> None:
    doubled = pd.concat([FRAME, FRAME[["W1[0,1]"]].set_axis([second], axis=1)], axis=1)
    doubled.to_csv("s.csv", index=False)
    arrays = [pa.array(doubled.iloc[:, i]) for i in range(doubled.shape[1])]
    pq.write_table(pa.table(arrays, names=list(doubled.columns)), "s.parquet")
    for source in ("s.csv", "s.parquet", doubled):
        with pytest.raises(ExperimentError) as caught:
            Plan(load_experiment(experiment({"table": source}))).configurations  # noqa: B018
        assert text in str(caught.value)


def test_a_name_of_numbers_and_of_words_is_refused_too(folder) -> None:
    words = pd.concat([FRAME, FRAME[["b2[0]"]].astype(str).add("x")], axis=1)
    words.to_csv("s.csv", index=False)
    with pytest.raises(ExperimentError, match=r"names column 'b2\[0\]' 2 times"):
        read_starts("s.csv", folder)
    notes = FRAME.assign(a="x", b="y").set_axis([*NAMES, "note", "note"], axis=1)
    notes.to_csv("s.csv", index=False)  # what is left aside may be there twice
    assert [*read_starts("s.csv", folder)] == list(NAMES)


def test_no_more_is_read_than_starts_may_be(folder) -> None:
    zeros = b"0" * (MAX_BYTES + 1)
    (folder / "large.csv").write_bytes(zeros)
    (folder / "packed.csv.gz").write_bytes(gzip.compress(zeros, 1))
    many = pa.table({"W1[0,0]": np.zeros(MAX_NUMBERS + 1), "text": ["x"] * (MAX_NUMBERS + 1)})
    pq.write_table(many, folder / "many.parquet")
    (folder / "large.parquet").write_bytes(zeros)
    os.mkfifo(folder / "pipe.csv")
    for name, text in (
        ("large.csv", "large.csv: the file is too large; expected at most 67,108,864 bytes."),
        ("packed.csv.gz", "the file is too large"),
        ("large.parquet", "the file is too large"),
        ("many.parquet", "the file has 1,000,001 rows and 1 column; expected at most 1,000,000"),
        ("pipe.csv", "the file is not a regular file; expected starts in CSV or Parquet"),
    ):
        with pytest.raises(ExperimentError, match=text):
            read_starts(name, folder)
    FRAME.to_csv(folder / "small.csv.gz", index=False)
    assert len(read_starts("small.csv.gz", folder)["b1[1]"]) == len(FRAME)


def test_a_file_that_cannot_be_read_and_a_wrong_count_are_refused(folder) -> None:
    with pytest.raises(ExperimentError, match="the file does not exist; expected starts in CSV"):
        Plan(load_experiment(experiment({"table": "none.csv"}))).configurations  # noqa: B018
    (folder / "bare.csv").write_text("W1[0,0],W1[0,1],b1[0]\n1,2,3\n")
    with pytest.raises(ExperimentError, match="Its names have commas: write W1_0_1, or"):
        Plan(load_experiment(experiment({"table": "bare.csv"}))).configurations  # noqa: B018
    (folder / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(ExperimentError, match="the file of starts cannot be read"):
        Plan(load_experiment(experiment({"table": "bad.parquet"}))).configurations  # noqa: B018
    with pytest.raises(ExperimentError, match="restarts is 9; expected 7, as many as there"):
        Plan(load_experiment(experiment({"table": FRAME}, restarts=9))).configurations  # noqa: B018
