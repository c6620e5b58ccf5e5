"""Plans: every restart in exactly one batch, stable ids, one compiled function where one serves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ExperimentError
from runner.experiment.content_hash import digest
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan


def plan(restarts: int = 10, batch_size: int | None = None, grid=None, **sections) -> Plan:
    content = {"name": "t", "restarts": restarts, "problem": {"gate": "XOR"}} | sections
    return Plan(load_experiment(content | {"grid": grid or {}}), batch_size=batch_size)


@given(
    restarts=st.integers(1, 40),
    batch_size=st.integers(1, 50),
    gates=st.lists(st.sampled_from(["AND", "OR", "XOR", "NAND"]), min_size=1, unique=True),
    hidden=st.lists(st.sampled_from([(), (2,), (3,)]), min_size=1, unique=True),
)
def test_batches_hold_every_restart_once(restarts, batch_size, gates, hidden) -> None:
    p = plan(restarts, batch_size, {"problem.gate": gates, "network.hidden": hidden})
    seen = []
    batches = list(p.batches())
    assert len(batches) == p.n_batches
    for batch in batches:
        assert len(batch) <= batch_size
        segments = p.segments(batch)
        assert sum(s.stop - s.start for s in segments) == len(batch)
        assert len({s.configuration.signature() for s in segments}) == 1
        seen += [(s.configuration.index, k) for s in segments for k in range(s.start, s.stop)]
    assert sorted(seen) == [
        (c, k) for c in range(len(gates) * len(hidden)) for k in range(restarts)
    ]


def test_gates_share_one_compiled_function_per_network() -> None:
    p = plan(grid={"problem.gate": ["AND", "OR", "XOR"], "network.hidden": [[], [2]]})
    assert len(p.groups) == 2
    rates = plan(grid={"training.learning_rate": [0.1, 1.0], "loss.l2": [0.0, 0.1]})
    assert len(rates.groups) == 2  # with and without the L2 term, whatever the rate


def test_neighbours_in_the_grid_change_neither_id_nor_signature_nor_starts() -> None:
    alone = plan(init={"scale": 0.5}).configurations[0]
    grid = {"init.scale": [0.1, 0.5], "loss.l2": [0.0, 0.1]}
    among = plan(grid=grid).configurations[2]
    assert among.point == {"init.scale": 0.5, "loss.l2": 0.0}
    assert among.id == alone.id
    assert among.signature() == alone.signature()
    np.testing.assert_array_equal(among.starts(1).draw(0, 3), alone.starts(1).draw(0, 3))


def test_ids_tell_configurations_apart() -> None:
    grid = {
        "problem.gate": ["AND", "XOR"],
        "loss.kind": ["cross-entropy", "squared-error"],
        "training.max_steps": [10, 20],
    }
    ids = [c.id for c in plan(grid=grid).configurations]
    assert len(set(ids)) == 8
    assert all(len(i) == 12 for i in ids)


OWN = [path for path in sorted(Path("experiments").glob("*.toml")) if path.stem != "spirals"]
"""Experiments that name no file which is yet to be made."""


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_an_id_is_a_hash_of_all_settings_whatever_is_kept_of_them(path) -> None:
    for _ in range(2):  # the second time, and with equal sections, from what is kept
        for c in Plan(load_experiment(path)).configurations:
            content = c.settings.canonical() | {"truth_table": c.table.canonical()}
            content |= {} if c.model is None else {"model": c.model.canonical()}
            content |= {} if c.given is None else {"starts": c.given.sha256}
            text = json.dumps(content, sort_keys=True, separators=(",", ":"))
            assert c.id == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_a_stored_plan_is_rebuilt_without_its_table_file(tmp_path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n0,0,0\n0,1,1\n1,0,2\n")
    toml = tmp_path / "e.toml"
    toml.write_text(
        'name = "t"\n[problem]\ntable = "t.csv"\n[network]\noutput = "linear"\n'
        '[loss]\nkind = "squared-error"\n'
    )
    first = Plan(load_experiment(toml))
    stored = json.loads(json.dumps(first.canonical(), allow_nan=False))
    table.unlink()
    again = Plan(load_experiment(stored["experiment"]), tables=stored["tables"])
    assert again.canonical() == first.canonical()
    assert again.configurations[0].id == first.configurations[0].id
    assert again.configurations[0].signature() == first.configurations[0].signature()
    assert again.configurations[0].signature().criterion.tolerances == (0.5,)


def test_workers_appear_nowhere_in_a_plan() -> None:
    # nothing that a plan is made of, as it is stored, can hold a worker or its number
    assert plan().canonical().keys() == {
        "experiment", "engine", "batch_size", "batch_sizes", "configurations", "curves", "tables"
    }  # fmt: skip
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "9"])
def test_a_wrong_batch_size_is_named_as_python_callers_know_it(size) -> None:
    with pytest.raises(ExperimentError, match=r"^batch_size is .*; expected an integer >= 1\.$"):
        plan(batch_size=size)


def test_wide_networks_and_long_tables_take_the_stacked_layout() -> None:
    assert plan(network={"hidden": [2]}).configurations[0].signature().layout == "lanes"
    wide = plan(network={"hidden": [300]}).configurations[0].signature()
    assert wide.layout == "stacked"
    assert wide.n_lanes >= 16
    tall = plan(problem={"gate": "PARITY-8"}, network={"hidden": [8]}).configurations[0]
    assert tall.signature().layout == "stacked"


def test_batches_are_long_enough_to_matter_and_short_enough_to_share() -> None:
    many = plan(restarts=1_000_000, training={"dtype": "float32"})
    assert 16 <= many.n_batches <= 1000
    assert plan(restarts=10).n_batches == 1
    # however many restarts and however wide, a shard stays a few megabytes
    huge = plan(restarts=10**7, training={"dtype": "float32", "max_steps": 10})
    assert huge.rounds[0].groups[0].batch_size * (64 + 9 * 4) <= 2**23
    wide = plan(restarts=10**7, network={"hidden": [1000]}, training={"max_steps": 1})
    assert wide.rounds[0].groups[0].batch_size * 4001 * 8 <= 2**23
    # or the restarts of the smallest batch, however wide each is
    widest = plan(restarts=10**7, network={"hidden": [700, 700]}, training={"max_steps": 1})
    assert widest.rounds[0].groups[0].batch_size == 16
    assert plan(restarts=10).n_curves == 10
    crowd = plan(restarts=500, grid={"training.learning_rate": list(np.linspace(0.1, 1, 1000))})
    assert crowd.n_curves == 20


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_signatures_of_devices_differ_in_size_alone(device) -> None:
    c = plan().configurations[0]
    assert replace(c.signature(device), n_lanes=1) == replace(c.signature(), n_lanes=1)
