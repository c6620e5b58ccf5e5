"""Studies whose restarts are written down rather than trained, stored as any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.commits import Failure
from runner.study.store import Store
from runner.study.study import Study
from runner.training.shards import array_columns, encode, shard_schema

EXPERIMENT: dict[str, Any] = {
    "name": "crafted",
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 100, "stop_solved": True},
}


def crafted(
    path: Path,
    steps: Mapping[int, list[int]],
    solved: Mapping[int, list[bool]],
    experiment: Mapping[str, Any] = EXPERIMENT,
    *,
    label: str = "plateau",
    loss: float | Sequence[float] = 0.69,
    size: float | Sequence[float] = 1.0,
    commit: bool = True,
    failed: tuple[int, ...] = (),
) -> Study:
    """Store a study of one group; ``steps`` and ``solved`` are by configuration.

    Restarts that are not solved have ``label`` and ``loss``; a sequence of losses is of all
    restarts of every configuration, solved or not. Weights are the starts times ``size``.
    ``failed`` are positions in the group that could not be trained.
    """
    n = len(steps[0])
    plan = Plan(load_experiment({**experiment, "restarts": n}), batch_size=n * len(steps))
    assert len(plan.groups) == 1
    with Store(path).writer() as writer:
        writer.create(plan)
    if not commit:
        return Study(path)
    (batch,) = plan.batches()
    rows: list[dict[str, Any]] = []
    for segment in plan.segments(batch):
        c = segment.configuration
        with np.errstate(over="ignore", invalid="ignore"):
            weights = c.starts(plan.experiment.seed).draw(0, n) * np.asarray(size)
            norms = np.linalg.norm(weights, axis=0)
        for k in range(n):
            if c.index * n + k in failed:
                continue
            ok = solved[c.index][k]
            end = steps[c.index][k]
            ended = loss[k] if isinstance(loss, Sequence) else 0.01 if ok else loss
            rows.append(
                {
                    "configuration": c.index,
                    "restart": k,
                    "label": "solved" if ok else label,
                    "solved": ok,
                    "steps": end,
                    "loss": ended,
                    "gradient_norm": 1e-3,
                    "weight_norm": float(norms[k]),
                    "level": np.log(2) if not ok and label == "plateau" else np.nan,
                    "curve_steps": [0, end],
                    "curve_losses": [0.7, ended],
                }
                | {
                    name: [None if np.isnan(w) else w for w in weights[rows, k]]
                    for name, (rows, _) in zip(
                        array_columns(c.architecture), c.architecture.blocks(), strict=True
                    )
                }
            )
    schema = shard_schema(plan.configurations[0].signature())
    failures = [Failure(p, "ValueError: <b>no</b>", "a traceback") for p in failed]
    with Store(path).writer() as writer:
        writer.commit(batch, encode(pa.Table.from_pylist(rows, schema)), len(rows), failures)
    return Study(path)
