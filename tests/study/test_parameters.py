"""Weights as arrays, and as a table with a column for each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.crafted import EXPERIMENT, crafted

import runner
from runner.errors import StudyError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import parameters
from runner.study.export import export_table
from runner.study.store import Store
from runner.study.study import Study
from runner.training.shards import array_columns, decode, encode

MODEL = """
PARAMETERS = {"w": (2, 3), "W": 2, "loss": 1}

def network(T, x, parameters):
    return None
"""


@pytest.fixture(scope="module")
def study(client, tmp_path_factory):
    """Networks of several sizes, some of which have inputs beside their hidden units."""
    content = {
        "name": "arrays",
        "restarts": 6,
        "problem": {"gate": "XOR"},
        "training": {"max_steps": 20},
        "grid": {"network.hidden": [[3], [], [2]], "network.skip": [False, True]},
    }
    return runner.sweep(content, tmp_path_factory.mktemp("parameters") / "s", client, batch_size=4)


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("configuration", range(6))
def test_an_array_has_the_weights_of_the_table(study, configuration, starts) -> None:
    network = study.plan.configurations[configuration].architecture
    table = (study.starts if starts else study.weights).loc[configuration]
    for name, (rows, shape) in zip(network.array_names, network.blocks(), strict=True):
        array = study.parameters(name, configuration, starts=starts)
        assert array.values.shape == (6, *shape)
        names = list(network.parameter_names[rows])
        np.testing.assert_array_equal(array.values.reshape(6, -1), table[names])
        index = study.restarts.loc[[configuration]].index
        assert array.index.equals(index)
        assert array.index.names == index.names


def test_an_array_of_one_shape_is_of_all_networks_that_have_it(study) -> None:
    assert study.parameters("b2").values.shape == (4 * 6, 1)
    assert study.parameters("b2").index.equals(study.restarts.loc[[0, 1, 4, 5]].index)
    assert len(study.parameters("b2")) == 24
    several = r"W1 has several shapes \(\(3, 2\) in configuration 0, \(1, 2\) in configuration 2"
    for name, configuration, text in (
        ("W1", None, several),
        ("W3", None, r"the array is 'W3'; expected one of 'W1', 'b1', 'W2', 'b2'\."),
        ("W2", 2, r"the array is 'W2'; expected one of 'W1', 'b1'\."),
        ("W2", 6, r"configuration is 6; expected one of 0 to 5"),
    ):
        with pytest.raises(StudyError, match=text):
            study.parameters(name, configuration)


def test_a_network_with_more_weights_than_a_table_should_have(study, tmp_path, monkeypatch) -> None:
    wide = study.weights
    monkeypatch.setattr(parameters, "MOST_COLUMNS", 14)
    monkeypatch.setattr("runner.study.export.MOST_COLUMNS", 14)
    again = Study(study.path)
    hint = r"have 15 weights and biases; expected at most 14 .* Use study.parameters\(name\)"
    for read in (lambda: again.weights, lambda: again.starts):
        with pytest.raises(StudyError, match=hint):
            read()
    with pytest.raises(StudyError, match=hint):
        export_table(again, tmp_path / "a.csv")
    export_table(again, tmp_path / "a.parquet")
    rows = pd.read_parquet(tmp_path / "a.parquet").set_index(["configuration", "restart"])
    np.testing.assert_array_equal(
        np.stack(rows.loc[0, "W1"]), wide.loc[0].filter(regex=r"^W1\[").dropna(axis="columns")
    )
    assert rows.loc[2, "W2"].isna().all()


def test_a_weight_that_is_no_number_is_null_in_its_list(tmp_path) -> None:
    study = crafted(tmp_path, {0: [5, 6]}, {0: [False, True]}, label="diverged", size=[np.nan, 1.0])
    table = pq.read_table(next(study.path.glob("shards/*/*.parquet")))
    assert table["W1"].to_pylist()[0] == [None] * 4
    assert np.isnan(study.parameters("W1").values[0]).all()
    assert study.weights.loc[(0, 0)].isna().all()
    assert study.weights.loc[(0, 1)].notna().all()


def test_lists_of_another_length_are_damage(tmp_path) -> None:
    whole = crafted(tmp_path / "whole", {0: [1] * 3}, {0: [True] * 3})
    table = decode(next(whole.path.glob("shards/*/*.parquet")).read_bytes())
    short = table.set_column(
        table.schema.get_field_index("W1"),
        table.schema.field("W1"),
        [[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0]]],
    )
    store = Store(tmp_path / "short")
    with store.writer() as writer:
        plan = Plan(load_experiment({**EXPERIMENT, "restarts": 3}), batch_size=3)
        writer.create(plan)
        writer.commit(next(plan.batches()), encode(short), 3, [])
    for read in (lambda s: s.weights, lambda s: s.parameters("W1"), lambda s: s.endpoints(0, 3)):
        with pytest.raises(StudyError, match="holds a W1 of another size"):
            read(runner.open_study(store.path))


def test_columns_of_a_custom_model_are_not_those_of_restarts(tmp_path) -> None:
    (tmp_path / "m.py").write_text(MODEL)
    content = {"name": "m", "problem": {"gate": "XOR"}, "network": {"model": "m.py:network"}}
    experiment = load_experiment(content).model_copy(update={"directory": tmp_path})
    (c,) = Plan(experiment).configurations
    assert array_columns(c.architecture) == ("w", "W_", "loss_")
    assert c.architecture.parameter_names[-3:] == ("W[0]", "W[1]", "loss[0]")
