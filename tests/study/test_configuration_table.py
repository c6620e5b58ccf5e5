"""What the numbers of configurations stand for, as other programs read it."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from runner.experiment.experiment import load_experiment
from runner.experiment.fields.sections import PATHS
from runner.experiment.plan import Plan
from runner.study.configuration_table import configuration_table
from runner.study.store import Store
from runner.training.column_names import plain_name


@pytest.mark.parametrize(
    "content",
    [
        {"problem": {"gate": "XOR"}, "grid": {"network.hidden": [[2], [3, 2], []]}},
        {"problem": {"gate": "AND"}, "grid": {"training.stop_solved": [False, True]}},
        {
            "problem": {"gate": "XOR"},
            "network": {"hidden": [2, 2]},
            "grid": {
                "network.skip": [False, True, "inputs", "all"],
                "network.activation": ["tanh", ["tanh", "relu"]],
            },
        },
        {
            "problem": {"gate": "AND"},
            "network": {"hidden": []},
            "init": {
                "distribution": "slice",
                "x": "W1[0,0]=0:1:3",
                "y": "W1[0,1]=0:1:3",
                "at": ["b1[0]=0.5"],
            },
        },
    ],
)
def test_every_setting_of_every_configuration_is_there(content) -> None:
    plan = Plan(load_experiment({"name": "t", **content}))
    table = configuration_table(plan)
    assert not [f.name for f in table.schema if pa.types.is_null(f.type)]
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == [c.id for c in plan.configurations]
    for c, row in zip(plan.configurations, rows, strict=True):
        for path in PATHS:
            section, field = path.split(".")
            value = getattr(getattr(c.settings, section), field)
            got = row[plain_name(path)]
            if path in ("network.skip", "network.activation") and not isinstance(value, str):
                got = json.loads(got)  # a word, or something else
            assert got == (list(value) if isinstance(value, tuple) else value)


def test_types_do_not_depend_on_the_values() -> None:
    plans = [
        Plan(load_experiment({"name": "t", "problem": {"gate": gate}, "network": network}))
        for gate, network in (("XOR", {}), ("AND", {"hidden": []}))
    ]
    first, second = (configuration_table(plan).schema for plan in plans)
    assert first.equals(second)


def test_nothing_depends_on_the_file(tmp_path) -> None:
    plan = Plan(load_experiment({"name": "t", "restarts": 2, "problem": {"gate": "XOR"}}))
    store = Store(tmp_path / "s")
    with store.writer() as writer:
        writer.create(plan)
    store.configurations_path.write_bytes(b"changed")
    assert store.read_plan()[0].canonical() == plan.canonical()
    with store.writer() as writer:
        writer.clear()
    assert not store.configurations_path.exists()
