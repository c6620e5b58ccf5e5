"""What a study's summary is made of, from one look at every shard and without pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from runner.study.restart_tallies import COLUMNS, Counter, in_blocks
from runner.study.row_judge import Judged, RowJudge
from runner.training.arrow_arrays import column, numbers
from runner.training.shards import INDEX

if TYPE_CHECKING:
    from runner.experiment.plan import Plan
    from runner.study.restart_tallies import Tallies
    from runner.study.shard_reader import ShardReader


@dataclass(frozen=True, eq=False)
class Overview:
    """How a study's restarts ended, and n of them one by one, in no certain order."""

    tallies: Tallies
    """All of them, counted."""
    owner: np.ndarray
    """(n,) int: position of each one's configuration in the grid."""
    loss: np.ndarray
    """(n,) float64: at the final weights, NaN where there is none."""
    judged: Judged
    """By rows."""
    has_held: bool
    """Whether any configuration has held-out rows."""


def overview(plan: Plan, shards: ShardReader, n_sampled: int) -> Overview:
    """Look at every shard once.

    Parameters
    ----------
    plan : Plan
    shards : ShardReader
    n_sampled : int
        How many restarts of each configuration, the first ones, are looked at one by one.
    """
    counter, judge = Counter(), RowJudge(plan)
    owners, losses, judged = [np.zeros(0, np.int32)], [np.zeros(0)], [judge.known(*_NONE)]
    blocks = shards.sampled_blocks(COLUMNS, judge.columns, n_sampled)
    for table in in_blocks(table for _, table in blocks):
        counter.add(table)
        owner, restart, solved = (numbers(table[name]) for name in (*INDEX, "solved"))
        if restart.max() >= n_sampled:
            rows = np.flatnonzero(restart < n_sampled)
            table, owner, solved = _rows(table, rows), owner[rows], solved[rows]
        owners.append(owner)
        losses.append(numbers(table["loss"]))
        judged.append(judge.known(owner, solved))
        places = np.flatnonzero(judge.looked_at(owner, solved))
        if len(places):
            weights = [name for name in judge.columns if name in table.column_names]
            judge.look(_rows(table.select([INDEX[0], *weights]), places), places, judged[-1])
    together = Judged(
        np.concatenate([each.right for each in judged]),
        np.concatenate([each.held_right for each in judged]),
        np.concatenate([each.held_loss for each in judged]),
    )
    owner, loss = np.concatenate(owners), np.concatenate(losses)
    return Overview(counter.tallies(), owner, loss, together, judge.has_held)


def _rows(table: pa.Table, places: np.ndarray) -> pa.Table:
    return table.take(column(places, pa.int64()))


_NONE = np.zeros(0, np.int64), np.zeros(0, bool)
