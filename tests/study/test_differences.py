"""What a study is compared with before it goes on or is repaired."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import runner
from runner.dispatch.sweep import repair
from runner.experiment.batches import Batch
from runner.experiment.content_hash import digest
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.differences import SOURCE
from runner.study.store import Store


@pytest.mark.parametrize(("device", "counts"), [("cpu", False), ("gpu", True)])
def test_a_damaged_log_is_compared_by_its_whole_lines(tmp_path, device, counts) -> None:
    # `verify --repair` compares first: it would tell a user to run what is running
    plan = Plan(load_experiment({"name": "t", "restarts": 10, "problem": {"gate": "XOR"}}))
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.create(plan)
        writer.commit(Batch(0, 0, 10), b"shard", 10, [], device)
    content = json.loads(store.plan_path.read_text())
    content.pop("sha256")
    content["versions"]["jax"] = "0.1"
    store.plan_path.write_text(json.dumps(content | {"sha256": digest(content)}))
    undamaged = store.differences(plan)
    assert any("versions.jax" in text for text in undamaged) == counts
    store.log.path.write_bytes(b"nonsense\n" + store.log.path.read_bytes())
    assert store.differences(plan) == undamaged


SMALL = {"name": "t", "restarts": 10, "problem": {"gate": "XOR"}, "training": {"max_steps": 5}}


def begun_with(store: Store, name: str, version: str | None) -> str:
    """Change a version that a study records, with its hash; return what was recorded."""
    content = json.loads(store.plan_path.read_text())
    content.pop("sha256")
    recorded = content["versions"].pop(name)
    content["versions"] |= {} if version is None else {name: version}
    store.plan_path.write_text(json.dumps(content | {"sha256": digest(content)}))
    return recorded


@pytest.mark.parametrize("name", ["python", "numpy", "scipy", "pyarrow", "pytensor", "llvmlite"])
def test_a_sweep_does_not_go_on_with_other_versions(client, tmp_path, name) -> None:
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.create(Plan(load_experiment(SMALL)))
    here = begun_with(store, name, "0.1")
    with pytest.raises(runner.StudyError, match=f"{name} was '0.1', now '{here}'"):
        runner.sweep(SMALL, tmp_path, client)
    assert not store.commits()


def test_other_code_trains_nothing_of_a_study(client, tmp_path) -> None:
    runner.sweep(SMALL, tmp_path, client)
    store = Store(tmp_path)
    here = begun_with(store, SOURCE, "0badc0de")
    assert runner.sweep(SMALL, tmp_path, client).complete  # nothing is left to train
    (shard,) = store.shards_path.rglob("*.parquet")
    content, log = shard.read_bytes(), store.log.path.read_bytes()
    (commit,) = store.commits()
    line = replace(commit, programs="0123456789abcdef").line()
    store.log.path.write_text(f"{line}\n")  # what computes otherwise
    with pytest.raises(runner.StudyError, match=f"was '0badc0de' .*, now '{here}'; group 0: its"):
        runner.sweep(SMALL, tmp_path, client, audit=1.0)
    store.log.path.write_bytes(log)
    shard.write_bytes(b"damaged")
    with pytest.raises(runner.StudyError, match=r"trained again .* was '0badc0de' .*Nothing was"):
        repair(tmp_path, client)
    shard.unlink()
    with pytest.raises(runner.StudyError, match="Go on with the code that began it, choose"):
        runner.sweep(SMALL, tmp_path, client)
    assert not shard.exists()
    begun_with(store, SOURCE, None)  # a study from before this was recorded
    runner.sweep(SMALL, tmp_path, client)
    assert shard.read_bytes() == content
