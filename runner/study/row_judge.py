"""How many rows restarts get right, and what they do on held-out rows: from their weights.

Nothing of this is stored: it follows from the final weights, in float64, so that studies of every
version have it. A restart that is solved row by row has all rows right without being looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from runner.experiment.conflicts.success import class_problem
from runner.network.criterion import SolvedCriterion
from runner.network.forward import blocks_of, layers
from runner.network.loss_kind import LossKind
from runner.network.numpy_namespace import NUMPY
from runner.study.matrices import MOST_COLUMNS, matrix
from runner.training.arrow_arrays import column, numbers
from runner.training.shards import INDEX, array_columns

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.experiment.plan import Plan
    from runner.network.architecture import Network

UNKNOWN: Final = -1
"""In place of a count that is not known."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What is known of n restarts."""

    right: np.ndarray
    """(n,) int64: rows of the table that are answered right, or `UNKNOWN`."""
    held_right: np.ndarray
    """(n,) int64: the same of held-out rows."""
    held_loss: np.ndarray
    """(n,) float64: loss on held-out rows, the L2 term left out; NaN where there are none."""


class RowJudge:
    """Judges restarts of a plan.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        configurations = plan.configurations
        self._configurations = configurations
        self._by_loss = np.array([c.settings.solved_by == "loss" for c in configurations])
        self._n_patterns = np.array([c.table.n_patterns for c in configurations])
        self._held = np.array([c.table.n_held > 0 for c in configurations])
        first: dict[object, int] = {}
        self._alike = np.array([first.setdefault(_judge(c), c.index) for c in configurations])
        self._can = np.array([_is_judged(c) for c in configurations])
        networks: dict[Network, None] = dict.fromkeys(c.architecture for c in configurations)
        names = dict.fromkeys(name for network in networks for name in array_columns(network))
        self.columns = tuple(names)
        """Columns of weights, of all networks."""

    @property
    def has_held(self) -> bool:
        """Whether any configuration has held-out rows."""
        return bool(self._held.any())

    @property
    def can(self) -> list[Configuration]:
        """Configurations that can be judged by their weights."""
        return [self._configurations[place] for place in np.flatnonzero(self._can)]

    @property
    def all_looked_at(self) -> list[Configuration]:
        """Configurations of which solved restarts are looked at, too."""
        places = np.flatnonzero(self._held | self._by_loss)
        return [self._configurations[place] for place in places]

    def known(self, owner: np.ndarray, solved: np.ndarray) -> Judged:
        """Return what is known of n restarts that are not looked at.

        Parameters
        ----------
        owner : ndarray, shape (n,), int
            Position of each one's configuration in the grid.
        solved : ndarray, shape (n,), bool
        """
        all_right = solved & ~self._by_loss[owner]
        right = np.where(all_right, self._n_patterns[owner], UNKNOWN)
        return Judged(right, np.full(len(owner), UNKNOWN), np.full(len(owner), np.nan))

    def looked_at(self, owner: np.ndarray, solved: np.ndarray) -> np.ndarray:
        """Return which of n restarts are looked at, (n,) bool; see `known`."""
        asked = ~solved | self._by_loss[owner] | self._held[owner]
        return np.asarray(asked & self._can[owner])

    def look(self, table: pa.Table, places: np.ndarray, into: Judged) -> None:
        """Judge k restarts of one network by their weights.

        Parameters
        ----------
        table : pyarrow.Table
            With the columns configuration, by its position in the grid, and of all its weights.
        places : ndarray, shape (k,), int
            Of each one in ``into``, which is changed.
        into : Judged
        """
        alike = self._alike[numbers(table[INDEX[0]])]
        different = np.unique(alike).tolist()
        for number in different:
            own, at = table, places
            if len(different) > 1:
                which = np.flatnonzero(alike == number)
                own, at = table.take(column(which, pa.int64())), places[which]
            c = self._configurations[number]
            weights = matrix(own, c.architecture).astype(np.float64)
            into.right[at] = rows_right(c, weights)
            if c.table.n_held:
                found = _judged(c, c.table.held_inputs, c.table.held_targets, weights)
                into.held_right[at], into.held_loss[at] = found


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


def _is_judged(c: Configuration) -> bool:
    """Whether layers are known, and have at most `MOST_COLUMNS` parameters."""
    return c.architecture.as_layers is not None and c.architecture.n_parameters <= MOST_COLUMNS


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
