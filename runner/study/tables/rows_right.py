"""Columns of the table of restarts that follow from their weights: see `runner.study.row_judge`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from runner.experiment.plan import Plan
from runner.study.row_judge import UNKNOWN, RowJudge
from runner.study.shard_reader import ShardReader
from runner.training.shards import INDEX


def add_rows_right(
    frame: pd.DataFrame, plan: Plan, shards: ShardReader, rows: ds.Expression | None
) -> None:
    """Add columns to restarts: `rows_right`, and with held-out rows two of these.

    Parameters
    ----------
    frame : DataFrame
        Restarts, sorted by configuration and restart, with the column ``solved``; changed.
    plan : Plan
    shards : ShardReader
        Of the same restarts, with their weights.
    rows : Expression, optional
        Which of them they are.
    """
    owner, restart = (frame.index.get_level_values(name).to_numpy() for name in INDEX)
    base = int(restart.max(initial=0)) + 1
    keys = owner.astype(np.int64) * base + restart
    judge = RowJudge(plan)
    judged = judge.known(owner, frame["solved"].to_numpy())
    wanted = ~ds.field("solved") | shards.rows_of(judge.all_looked_at)
    if len(judge.can) < len(plan.configurations):
        wanted &= shards.rows_of(judge.can)
    for _, table in shards.blocks(
        [*INDEX, *judge.columns], wanted if rows is None else wanted & rows
    ):
        numbers, k = (table[name].to_numpy() for name in INDEX)
        judge.look(table, np.searchsorted(keys, numbers.astype(np.int64) * base + k), judged)
    frame["rows_right"] = _counts(judged.right)
    if judge.has_held:
        frame["held_out_loss"] = judged.held_loss
        frame["held_out_rows_right"] = _counts(judged.held_right)


def _counts(values: np.ndarray) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """Return counts as int32, or where some are not known as pandas' integers with gaps."""
    if (values != UNKNOWN).all():
        return values.astype(np.int32)
    return pd.arrays.IntegerArray(values.astype(np.int32), values == UNKNOWN)
