"""The table of restarts: what shards hold of each, with its configuration's values."""

from __future__ import annotations

import pandas as pd
import pyarrow.dataset as ds

from runner.experiment.plan import Plan
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.signature import PLATEAU_COLUMNS
from runner.study.shard_reader import ShardReader
from runner.study.tables import plan_tables
from runner.study.tables.rows_right import add_rows_right
from runner.training.labels import LABELS
from runner.training.shards import INDEX, RESTART_COLUMNS


def restart_table(plan: Plan, shards: ShardReader, rows: ds.Expression | None) -> pd.DataFrame:
    """Return restarts as `Study.restarts` has them.

    Parameters
    ----------
    plan : Plan
    shards : ShardReader
    rows : Expression, optional
        Which of them; by default all.
    """
    by_rules = [name for rule in OPTIMIZERS.values() for name in rule.columns]
    counted = dict.fromkeys([*by_rules, *PLATEAU_COLUMNS.values()])
    frame: pd.DataFrame = shards.read([*RESTART_COLUMNS, *counted], rows).to_pandas()
    frame["label"] = pd.Categorical(frame["label"], categories=list(LABELS))
    frame = frame.set_index(INDEX)
    owner = frame.index.get_level_values("configuration").to_numpy()
    for position, name in enumerate(plan.experiment.axes):
        values = plan_tables.grid_column(plan, name)
        codes = pd.Categorical.from_codes(values.codes[owner], dtype=values.dtype)
        frame.insert(position, name, pd.Series(codes, index=frame.index))
    add_rows_right(frame, plan, shards, rows)
    return frame
