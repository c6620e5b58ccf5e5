"""How many rows each restart gets right, and what it does on held-out rows: from its weights.

Nothing of this is stored: it follows from the final weights, in float64, so that studies of every
version have it. A restart that is solved row by row has all rows right without being looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from runner.experiment.configuration import Configuration
from runner.experiment.conflicts.success import class_problem
from runner.experiment.plan import Plan
from runner.network.architecture import Network
from runner.network.criterion import SolvedCriterion
from runner.network.forward import blocks_of, layers
from runner.network.loss_kind import LossKind
from runner.network.numpy_namespace import NUMPY
from runner.study.analysis_tables import INDEX
from runner.study.parameters import MOST_COLUMNS, matrix
from runner.study.shard_reader import ShardReader
from runner.training.shards import array_columns

_UNKNOWN = -1


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
    by_loss = np.array([c.settings.solved_by == "loss" for c in plan.configurations])
    n_patterns = np.array([c.table.n_patterns for c in plan.configurations])
    known = frame["solved"].to_numpy() & ~by_loss[owner]
    right = np.where(known, n_patterns[owner], _UNKNOWN)
    held = [c for c in plan.configurations if c.table.n_held]
    held_right, held_loss = np.full(len(frame), _UNKNOWN), np.full(len(frame), np.nan)
    seen = [c for c in plan.configurations if c.table.n_held or by_loss[c.index]]
    wanted = ~ds.field("solved") | shards.rows_of(seen)
    for c, table in _judged_alike(plan, shards, wanted if rows is None else wanted & rows):
        numbers, k = (table[name].to_numpy() for name in INDEX)
        places = np.searchsorted(keys, numbers.astype(np.int64) * base + k)
        weights = matrix(table, c.architecture).astype(np.float64)
        right[places] = rows_right(c, weights)
        if c.table.n_held:
            found = _judged(c, c.table.held_inputs, c.table.held_targets, weights)
            held_right[places], held_loss[places] = found
    frame["rows_right"] = _counts(right)
    if held:
        frame["held_out_loss"] = held_loss
        frame["held_out_rows_right"] = _counts(held_right)


def rows_right(configuration: Configuration, weights: np.ndarray) -> np.ndarray:
    """Count the rows of the table that networks answer right.

    Parameters
    ----------
    configuration : Configuration
        Of a network whose layers are known.
    weights : ndarray, shape (n_parameters, n), float64
        In storage order.

    Returns
    -------
    ndarray, shape (n,), int64
    """
    table = configuration.table
    right, _ = _judged(configuration, table.inputs, table.targets, weights, with_loss=False)
    return right


def _judged_alike(
    plan: Plan, shards: ShardReader, rows: ds.Expression
) -> Iterator[tuple[Configuration, pa.Table]]:
    """Yield rows with their weights, of networks of known layers and at most `MOST_COLUMNS`.

    The rows' configurations are judged as the one that comes with them: few differ in how.
    """
    networks: dict[Network, None] = dict.fromkeys(c.architecture for c in plan.configurations)
    names = dict.fromkeys(name for network in networks for name in array_columns(network))
    first: dict[object, int] = {}
    alike = np.array([first.setdefault(_judge(c), c.index) for c in plan.configurations])
    judged = [
        c
        for c in plan.configurations
        if c.architecture.as_layers is not None and c.architecture.n_parameters <= MOST_COLUMNS
    ]
    if len(judged) < len(plan.configurations):
        rows &= shards.rows_of(judged)
    for _, table in shards.blocks([*INDEX, *names], rows):
        judged_as = alike[table[INDEX[0]].to_numpy()]
        numbers = np.unique(judged_as).tolist()
        for number in numbers:
            own = table if len(numbers) == 1 else table.filter(judged_as == number)
            yield plan.configurations[number], own


def _judge(c: Configuration) -> object:
    """Return what `_judged` looks at; tables are objects that configurations share."""
    loss = c.settings.loss
    return id(c.table), c.architecture, loss.kind, loss.reduction, c.settings.solved_by


def _judged(
    c: Configuration,
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    with_loss: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows right (n,) and loss (n,), the L2 term left out, of weights (n_parameters, n).

    Without ``with_loss`` the loss is nan, and takes no time.
    """
    net = c.architecture.require_layers()
    kind, criterion = LossKind(c.settings.loss.kind, c.settings.loss.reduction), _criterion(c)
    loss_terms = kind.loss.of(net.output)
    n, t = weights.shape[1], targets[:, :, np.newaxis]
    right, loss = np.empty(n, np.int64), np.full(n, np.nan)
    with np.errstate(all="ignore"):
        for some in blocks_of(net, len(inputs), n):
            *_, (z, y) = layers(net, inputs, weights[:, some])
            judged = criterion.right(y.transpose(1, 0, 2), t)
            right[some] = judged.all(axis=1).sum(axis=0)
            if not with_loss:
                continue
            if loss_terms.is_joint(net.output):
                terms = loss_terms.joint_term(NUMPY, list(z), list(t.transpose(1, 0, 2)))
            else:
                terms = loss_terms.term(NUMPY, z, y, t.transpose(1, 0, 2), "float64").sum(axis=0)
            loss[some] = kind.factor(net, len(inputs)) * terms.sum(axis=0)
    return right, loss


def _criterion(c: Configuration) -> SolvedCriterion:
    """When a row is right: as solved says it, or where a loss does, as it would without."""
    criterion, settings = c.criterion, c.settings
    if not criterion.by_loss:
        return criterion
    by_class = settings.network.output == "softmax" and not class_problem(c.table.targets)
    return replace(criterion, by_class=by_class)


def _counts(values: np.ndarray) -> np.ndarray | pd.api.extensions.ExtensionArray:
    """Return counts as int32, or where some are not known as pandas' integers with gaps."""
    if (values != _UNKNOWN).all():
        return values.astype(np.int32)
    return pd.arrays.IntegerArray(values.astype(np.int32), values == _UNKNOWN)
