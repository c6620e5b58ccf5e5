"""The best that any weights could do on a truth table: what contradicts itself or is out of reach.

Known before anything is trained. It is a bound that no network passes, whatever its layers: equal
inputs give equal outputs, and no output leaves the range of its activation. That a network may be
too small for its table is another matter, which training is to show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from runner.errors.messages import counted, printable
from runner.experiment.configuration import Configuration
from runner.network.activations.registry import ACTIVATIONS
from runner.network.loss_kind import LossKind

_UNBOUNDED = (-np.inf, np.inf)


@dataclass(frozen=True)
class Reachability:
    """What one configuration could reach at best.

    Parameters
    ----------
    configuration : Configuration
    """

    configuration: Configuration
    """Whose table, outputs and loss are looked at; layers and optimizer play no part."""

    @cached_property
    def contradictory_rows(self) -> int:
        """Rows that have the inputs of another row, and other targets than it."""
        targets = self.configuration.table.targets
        first = self._first_of_group[self._groups]
        differ = (targets != targets[first]).any(axis=1)
        return int(np.isin(self._groups, self._groups[differ]).sum())

    @cached_property
    def unreachable_rows(self) -> int:
        """Rows with a target that is out of the range of its output's activation."""
        low, high = self._range
        targets = self.configuration.table.targets
        return int(((targets < low) | (targets > high)).any(axis=1).sum())

    @cached_property
    def lowest_loss(self) -> float | None:
        """A loss that no weights get below, the L2 term left out; None where that is not known."""
        c = self.configuration
        net, loss = c.architecture.as_layers, c.settings.loss
        if net is None:
            return None
        if loss.kind == "tanh-error" and self.contradictory_rows:
            return None  # it is not smallest at the mean of different targets
        t = c.table.targets
        counts = np.bincount(self._groups)[:, np.newaxis]
        sums = np.zeros((len(counts), t.shape[1]))
        np.add.at(sums, self._groups, t / counts[self._groups])  # mean of the targets, by group
        # The other losses are smallest at the mean of the targets, or at what is nearest to it.
        best = np.clip(sums, *self._range)
        if net.output == "step":
            best = np.where(best > 0.5, 1.0, 0.0)
        kind = LossKind(loss.kind, loss.reduction)
        values = best[self._groups][:, :, np.newaxis]
        with np.errstate(over="ignore"):
            return float(kind.of_outputs(net, values, t[:, :, np.newaxis])[0])

    @cached_property
    def rows_right(self) -> int | None:
        """How many rows can be right together, at most.

        None for a softmax of probabilities, and where the loss decides.
        """
        table = self.configuration.table
        targets, rows = table.targets, np.arange(table.n_patterns)
        solved_by = self.configuration.settings.solved_by
        if solved_by == "loss":
            return None
        if solved_by == "class":
            if not np.isin(targets, (0.0, 1.0)).all():
                return None
        else:
            rows = rows[self._can_be_right.all(axis=1)]
        # No output is right for two different targets, so a group's best is its commonest row.
        marked = np.column_stack([self._groups[rows], targets[rows]])
        kinds, counts = np.unique(marked, axis=0, return_counts=True)
        best = np.zeros(len(self._first_of_group), np.int64)
        np.maximum.at(best, kinds[:, 0].astype(np.int64), counts)
        return int(best.sum())

    @property
    def note(self) -> str:
        """What is to be said of it, in words; nothing of a table that contradicts nothing."""
        n = self.configuration.table.n_patterns
        causes = []
        if contradictory := self.contradictory_rows:
            causes.append(
                f"{contradictory:,} of {counted(n, 'row')} have the inputs of another row, but "
                "other targets"
            )
        if unreachable := self.unreachable_rows:
            net = self.configuration.architecture.as_layers
            low, high = self._range
            extent = f"from {low:g} to {high:g}" if high < np.inf else f"from {low:g} up"
            causes.append(
                f"{unreachable:,} of {counted(n, 'row')} {'has' if unreachable == 1 else 'have'} a "
                f"target out of reach: network.output '{net.output if net else ''}' gives values "
                f"{extent}"
            )
        return f"{'; '.join(causes)}. {self._best}" if causes else ""

    @property
    def _best(self) -> str:
        n, right = self.configuration.table.n_patterns, self.rows_right
        parts = []
        if self.lowest_loss is not None:
            besides = " (L2 term left out)" if self.configuration.settings.loss.l2 else ""
            parts.append(f"a loss of {self.lowest_loss:.4g}{besides}")
        if right is not None:
            parts.append(f"{right:,} of {counted(n, 'row')} right")
        never = " No restart can be solved." if right is not None and right < n else ""
        return f"The best that any weights can reach: {', '.join(parts)}.{never}"

    @cached_property
    def _groups(self) -> np.ndarray:
        """The group of equal inputs, in the dtype of training, of each row; int, from 0."""
        dtype = np.dtype(self.configuration.settings.training.dtype)
        with np.errstate(over="ignore"):
            inputs = self.configuration.table.inputs.astype(dtype) + dtype.type(0)  # no -0.0
        return np.unique(inputs, axis=0, return_inverse=True)[1].ravel()

    @cached_property
    def _first_of_group(self) -> np.ndarray:
        return np.unique(self._groups, return_index=True)[1]

    @property
    def _range(self) -> tuple[float, float]:
        """The lowest and the highest value of an output, taken or come near to."""
        net = self.configuration.architecture.as_layers
        if net is None:
            return _UNBOUNDED
        return ACTIVATIONS[net.output].value_range

    @property
    def _can_be_right(self) -> np.ndarray:
        """Whether an output in range can be right for each target; (n_patterns, n_outputs).

        The rules are those of `runner.network.criterion.SolvedCriterion`.
        """
        table, (low, high) = self.configuration.table, self._range
        t, middles = table.targets, table.middles
        net = self.configuration.architecture.as_layers
        takes_low = net is not None and ACTIVATIONS[net.output].asymptotes[0] < low
        below = (low < middles) | (takes_low & (low == middles))
        side = np.where(t > middles, high > middles, below)
        near = np.abs(t - np.clip(t, low, high)) < table.tolerances
        if net is not None and net.output == "step":
            near = np.minimum(np.abs(t), np.abs(t - 1)) < table.tolerances
        return np.asarray(np.where(table.tolerances > 0, near, side))


def table_notes(configurations: Iterable[Configuration]) -> list[str]:
    """Return what is to be said of the tables before training, each note once, in order.

    Of a file, which columns are inputs and targets; of any table, what cannot be reached.
    """
    seen: dict[Any, list[str]] = {}
    for c in configurations:
        settings = c.settings
        network, dtype = settings.network, settings.training.dtype
        key = (settings.problem, network.output, network.model, settings.loss, dtype)
        if key not in seen:
            by_output = settings.solved_by in ("side", "tolerance")
            note = Reachability(c).note
            seen[key] = [c.table.description(by_class=not by_output)]
            seen[key] += [f"{printable(c.table.name)}: {note}"] if note else []
    return list(dict.fromkeys(note for notes in seen.values() for note in notes if note))
