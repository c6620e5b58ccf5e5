"""Sweeps without a cluster: every batch trained here, one after the other, by what workers run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.dispatch.dispatcher import Piece
from runner.dispatch.sweep import prepared
from runner.dispatch.training_tasks import TrainingTasks
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.store import Store
from runner.study.study import Study


def swept(
    path: Path, content: dict[str, Any], batch_size: int | None = None, most: int | None = None
) -> Study:
    """Do what `runner.sweep` would do with an experiment, as far as ``most`` batches."""
    store = Store(path)
    with store.writer() as writer:
        asked = Plan(load_experiment(content), batch_size=batch_size)
        plan = prepared(store, writer, asked, overwrite=False, device="cpu")
        tasks = TrainingTasks(plan)
        for batch in store.remaining(plan)[:most]:
            piece = Piece(batch, batch.start, batch.stop)
            call = tasks.pieces([piece], batch, "cpu", frozenset())
            trained = call.function(*call.arguments)
            writer.commit(batch, trained.shard, trained.rows, [])
    return Study(path)
