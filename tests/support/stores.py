"""Studies without a batch."""

from __future__ import annotations

from pathlib import Path

from runner.experiment.plan import Plan
from runner.study.store import Store


def begun(path: Path, plan: Plan) -> Store:
    """The store of a study that has its plan and nothing else."""
    store = Store(path)
    with store.writer() as writer:
        writer.create(plan)
    return store
