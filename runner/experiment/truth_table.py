"""Truth tables as numbers: those of the gates, and a user's own CSV file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import printable, shown
from runner.experiment.gates import GATES, gate_names, gate_outputs
from runner.experiment.sections import Problem
from runner.experiment.tables.formats import read_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GATES", "TruthTable", "gate_names", "truth_table"]


@dataclass(frozen=True, eq=False)
class TruthTable:
    """What a network is asked to learn, as numbers; the arrays are read-only.

    Notes
    -----
    An output is *solved* when it lies on the target's side of `middles`, or, in a column whose
    tolerance is above 0, when it is nearer to its target than that tolerance.
    """

    name: str
    """The gate's name, or the table's path as the user wrote it."""
    inputs: NDArray[np.float64]
    """Input levels, shape (n_patterns, n_inputs)."""
    targets: NDArray[np.float64]
    """Target levels, shape (n_patterns, n_outputs)."""
    middles: NDArray[np.float64]
    """Midpoint of a column's two levels, shape (n_outputs,); nan with more than two levels."""
    tolerances: NDArray[np.float64]
    """Half the smallest gap between levels, shape (n_outputs,); 0 with two levels."""

    def __post_init__(self) -> None:
        for field in ("inputs", "targets", "middles", "tolerances"):
            array = np.array(getattr(self, field), dtype=np.float64, order="C")
            array.setflags(write=False)
            object.__setattr__(self, field, array)

    def __reduce__(self) -> tuple[type[TruthTable], tuple[Any, ...]]:
        # Unpickled arrays are writable, so go through __post_init__ again.
        return TruthTable, (self.name, self.inputs, self.targets, self.middles, self.tolerances)

    @property
    def n_patterns(self) -> int:
        """Number of rows."""
        return int(self.inputs.shape[0])

    @property
    def n_inputs(self) -> int:
        """Number of input columns."""
        return int(self.inputs.shape[1])

    @property
    def n_outputs(self) -> int:
        """Number of target columns."""
        return int(self.targets.shape[1])

    def canonical(self) -> dict[str, Any]:
        """Return what identifies the table's content, ready for JSON; names play no part.

        Returns
        -------
        dict
            The numbers of patterns, inputs and outputs, and the SHA-256 of inputs, targets and
            middles as little-endian float64 in row order, with -0.0 taken as 0.0.
        """
        return {
            "n_patterns": self.n_patterns,
            "n_inputs": self.n_inputs,
            "n_outputs": self.n_outputs,
            "inputs_sha256": _sha256(self.inputs),
            "targets_sha256": _sha256(self.targets),
            # TRUE and FALSE show one level only, so their middle is not in the targets.
            "middles_sha256": _sha256(self.middles),
        }


def truth_table(problem: Problem, directory: Path, *, one_hot: bool = False) -> TruthTable:
    """Build the truth table that a problem names.

    Parameters
    ----------
    problem : Problem
        With exactly one of `gate` and `table`.
    directory : Path
        Where a relative `table` path starts.
    one_hot : bool
        For a softmax output: a single target column of 0 and 1 becomes the columns (1 - y, y);
        several target columns must be probabilities that sum to 1 in each row.

    Returns
    -------
    TruthTable
        A gate's patterns count in binary, first input most significant.

    Raises
    ------
    ExperimentError
        If the table cannot be read or has wrong cells, or if `one_hot` cannot be met.
    """
    if problem.gate is not None:
        name, where = problem.gate, f"gate {problem.gate}"
        bits = list(itertools.product((False, True), repeat=GATES[name]))
        inputs = np.where(bits, problem.inputs[1], problem.inputs[0])
        outputs = np.array(gate_outputs(name))[:, np.newaxis]
        targets = np.where(outputs, problem.targets[1], problem.targets[0])
        # The levels are those of the problem: FALSE and TRUE show only one of them.
        levels: list[Sequence[float]] = [sorted(problem.targets)]
    elif problem.table is not None:
        path = directory / problem.table
        name, where = problem.table, printable(str(path))
        inputs, targets = read_table(path)
        levels = [np.unique(column).tolist() for column in targets.T]
    else:
        message = "problem: gate and table are missing; expected exactly one of them."
        raise ExperimentError(message)
    if one_hot:
        targets, levels = _one_hot(targets, levels, where)
    return TruthTable(
        name=name,
        inputs=inputs,
        targets=targets,
        middles=np.array([a[0] / 2 + a[1] / 2 if len(a) == 2 else np.nan for a in levels]),
        tolerances=np.array([_half_gap(a) if len(a) > 2 else 0.0 for a in levels]),
    )


def _half_gap(levels: Sequence[float]) -> float:
    """Half the smallest distance between neighbouring levels, without overflow."""
    return min(b / 2 - a / 2 for a, b in itertools.pairwise(levels))


def _one_hot(
    targets: NDArray[np.float64], levels: list[Sequence[float]], where: str
) -> tuple[NDArray[np.float64], list[Sequence[float]]]:
    """Return targets that a softmax output can meet, and the levels of each column."""
    if targets.shape[1] == 1:
        if list(levels[0]) != [0.0, 1.0]:
            message = (
                f"{where}: the target levels are {shown(list(levels[0]))}; "
                "expected 0 and 1 with output 'softmax'."
            )
            raise ExperimentError(message)
        return np.hstack([1.0 - targets, targets]), [levels[0], levels[0]]
    sums = targets.sum(axis=1)
    wrong = np.flatnonzero((targets < 0).any(axis=1) | (np.abs(sums - 1.0) > 1e-6))
    if wrong.size:
        row = int(wrong[0])
        message = (
            f"{where}: data row {row + 1} has the targets {shown(targets[row].tolist())} "
            f"({wrong.size} such rows); expected probabilities that sum to 1 with output 'softmax'."
        )
        raise ExperimentError(message)
    return targets, levels


def _sha256(array: NDArray[np.float64]) -> str:
    return hashlib.sha256((array + 0.0).astype("<f8").tobytes()).hexdigest()
