"""What a study is compared with before it goes on or is repaired."""

from __future__ import annotations

import json

import pytest

from runner.experiment.batches import Batch
from runner.experiment.content_hash import digest
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
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
