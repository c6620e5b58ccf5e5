"""Shards of parts of a batch are joined to the bytes of the whole."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest

from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.shards import decode, encode_shard, join, shard_schema
from runner.training.worker import Task, train_batch

EXPERIMENT = {
    "name": "parts",
    "restarts": 7,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 30},
    "grid": {"training.learning_rate": [0.5, 1.0, 2.0]},
}


@pytest.mark.parametrize("cuts", [[10], [7, 14], [1, 2, 20]])
def test_parts_of_a_batch_are_joined_to_the_bytes_of_the_whole(cuts) -> None:
    plan = Plan(load_experiment(EXPERIMENT), batch_size=21)
    (batch,) = plan.batches()

    def shard(start: int, stop: int) -> bytes:
        part = type(batch)(batch.group, start, stop)
        return train_batch(Task(plan.segments(part), 1990, "pytensor", 2)).shard

    bounds = [0, *cuts, 21]
    whole = shard(0, 21)
    assert join([shard(a, b) for a, b in itertools.pairwise(bounds)]) == whole
    said = json.loads(decode(whole).schema.metadata[b"runner.configurations"])
    assert said == {str(c.index): c.id for c in plan.configurations}


def test_a_shard_without_rows_has_the_columns_of_its_network() -> None:
    (c, *_) = Plan(load_experiment(EXPERIMENT)).configurations
    signature = c.signature()
    table = decode(encode_shard(shard_schema(signature).empty_table(), signature, {}))
    assert table.schema.equals(shard_schema(signature))
    assert len(table) == 0
    assert json.loads(table.schema.metadata[b"runner.configurations"]) == {}


def test_a_slice_of_a_table_says_only_what_is_in_it() -> None:
    (c, *_) = Plan(load_experiment(EXPERIMENT)).configurations
    signature = c.signature()
    n = 5
    columns = {
        field.name: [np.ones(2).tolist()] * n if pa.types.is_list(field.type) else np.arange(n)
        for field in shard_schema(signature)
    }
    columns |= {"label": ["solved"] * n, "solved": [True] * n}
    table = pa.table(
        [pa.array(columns[f.name], f.type) for f in shard_schema(signature)],
        schema=shard_schema(signature),
    )
    ids = {k: f"id{k}" for k in range(n)}
    part = decode(encode_shard(table.slice(1, 2), signature, ids))
    assert json.loads(part.schema.metadata[b"runner.configurations"]) == {"1": "id1", "2": "id2"}
