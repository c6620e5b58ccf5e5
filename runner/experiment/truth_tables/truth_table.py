"""Truth tables as numbers: those of the gates, and a user's own table."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import counted, printable, shown
from runner.errors.paths import local_path
from runner.experiment.fields.sections import Problem
from runner.experiment.formats.base import TableContent, TableSource
from runner.experiment.formats.column_choice import ColumnChoice
from runner.experiment.formats.csv import read_source
from runner.experiment.formats.registry import read_table
from runner.experiment.truth_tables.gates import GATES, gate_names, gate_outputs
from runner.experiment.truth_tables.held_out import held_rows, joined
from runner.experiment.truth_tables.one_hot import class_columns, one_hot_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_NAMES: Final = 8  # columns of a table that are named in one line

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})

__all__ = ["GATES", "TruthTable", "gate_names", "truth_table"]


def _no_rows() -> NDArray[np.float64]:
    return np.zeros((0, 0))


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
    """Half the smallest gap between levels, shape (n_outputs,), and 0 with two levels; or
    `problem.tolerance` for all."""
    input_names: tuple[str, ...] = ()
    """The file's columns of inputs; empty for a gate."""
    target_names: tuple[str, ...] = ()
    """The file's columns of targets, a class's as `column=class`; empty for a gate."""
    understood: str = ""
    """How the file was read, in words, where that had to be found out."""
    held_inputs: NDArray[np.float64] = field(default_factory=_no_rows)
    """Input levels of rows that are not trained on, shape (n_held, n_inputs)."""
    held_targets: NDArray[np.float64] = field(default_factory=_no_rows)
    """Their target levels, shape (n_held, n_outputs)."""

    def __post_init__(self) -> None:
        for name in ("inputs", "targets", "middles", "tolerances", "held_inputs", "held_targets"):
            array = np.array(getattr(self, name), dtype=np.float64, order="C")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        rows = len(self.held_inputs), len(self.held_targets)
        widths = self.held_inputs.shape[1:], self.held_targets.shape[1:]
        if any(rows) and (
            rows[0] != rows[1] or widths != (self.inputs.shape[1:], self.targets.shape[1:])
        ):
            message = f"held-out rows are {self.held_inputs.shape} and {self.held_targets.shape}"
            raise ValueError(f"{message}; expected as many columns as the others have")
        for name, array in (("input_names", self.inputs), ("target_names", self.targets)):
            names = tuple(map(str, getattr(self, name)))
            if names and len(names) != array.shape[1]:
                message = f"{name} are {shown(names)}; expected {array.shape[1]}"
                raise ValueError(message)
            object.__setattr__(self, name, names)

    def __reduce__(self) -> tuple[type[TruthTable], tuple[Any, ...]]:
        # Unpickled arrays are writable, so go through __post_init__ again.
        return TruthTable, tuple(getattr(self, each.name) for each in fields(self))

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

    @property
    def n_held(self) -> int:
        """Number of rows that are not trained on."""
        return int(self.held_inputs.shape[0])

    @property
    def has_own_tolerance(self) -> bool:
        """Whether the tolerances are the user's, and not half the gaps between the targets."""
        gaps = [np.unique(column).tolist() for column in self.targets.T]
        usual = [_half_gap(levels) if len(levels) > 2 else 0.0 for levels in gaps]
        return list(self.tolerances) != usual

    def description(self, *, by_class: bool) -> str:
        """Return a file's columns, and when an output is right where that needs saying, in words.

        ``by_class`` says that the outputs are classes, whose largest counts.
        """
        if not self.target_names:
            return ""
        inputs, targets = (
            f"{noun}{'s' if len(names) != 1 else ''} {_named(names)}"
            for noun, names in (("input", self.input_names), ("target", self.target_names))
        )
        rows = counted(self.n_patterns, "row")
        rows += f" and {self.n_held:,} held out" if self.n_held else ""
        text = f"{printable(self.name)}: {rows}; {inputs}; {targets}."
        if self.understood:
            text += f" Read {self.understood}."
        near = [
            f"{name} is within {tolerance:.4g} of its target"
            for name, tolerance in zip(self.target_names, self.tolerances, strict=True)
            if tolerance > 0
        ]
        if by_class or not near:
            return text
        half = "half the smallest gap between its targets"
        reason = f" ({half})" if not self.has_own_tolerance else ""
        return f"{text} Solved: {_named(near)}{reason}."

    def canonical(self) -> dict[str, Any]:
        """Return what identifies the table's content, ready for JSON; names play no part.

        Returns
        -------
        dict
            The numbers of patterns, inputs and outputs, and the SHA-256 of inputs, targets and
            middles as little-endian float64 in row order, with -0.0 taken as 0.0.
        """
        return dict(self._canonical)

    @cached_property
    def _canonical(self) -> dict[str, Any]:
        return {
            "n_patterns": self.n_patterns,
            "n_inputs": self.n_inputs,
            "n_outputs": self.n_outputs,
            "inputs_sha256": _sha256(self.inputs),
            "targets_sha256": _sha256(self.targets),
            # TRUE and FALSE show one level only, so their middle is not in the targets.
            "middles_sha256": _sha256(self.middles),
        } | (
            {
                "held_inputs_sha256": _sha256(self.held_inputs),
                "held_targets_sha256": _sha256(self.held_targets),
            }
            if self.n_held
            else {}
        )


def truth_table(
    problem: Problem,
    directory: Path,
    *,
    one_hot: bool = False,
    given: Mapping[str, TableSource] = _NONE,
) -> TruthTable:
    """Build the truth table that a problem names.

    Parameters
    ----------
    problem : Problem
        With exactly one of `gate` and `table`.
    directory : Path
        Where a relative `table` path starts.
    one_hot : bool
        For a softmax output: a single target column of integers or words becomes a column for
        each class, of 0 and 1 the columns (1 - y, y); several target columns must be
        probabilities that sum to 1 in each row.
    given : mapping of str to TableSource
        Tables that are no files, by what `problem.table` calls them.

    Returns
    -------
    TruthTable
        A gate's patterns count in binary, first input most significant.

    Raises
    ------
    ExperimentError
        If the table cannot be read or has wrong cells, or if `one_hot` cannot be met.
    """
    held = np.zeros(0, np.int64)
    if problem.gate is not None:
        name, where = problem.gate, f"gate {problem.gate}"
        bits = list(itertools.product((False, True), repeat=GATES[name]))
        inputs = np.where(bits, problem.inputs[1], problem.inputs[0])
        outputs = np.array(gate_outputs(name))[:, np.newaxis]
        targets = np.where(outputs, problem.targets[1], problem.targets[0])
        # The levels are those of the problem: FALSE and TRUE show only one of them.
        levels: list[Sequence[float]] = [sorted(problem.targets)]
        input_names: tuple[str, ...] = ()
        target_names: tuple[str, ...] = ()
        understood = ""
    elif problem.table is not None:
        name, where = problem.table, printable(str(directory / problem.table))
        content = _content(problem.table, problem, directory, given, must_vary=True)
        if problem.held_out is not None:
            n_trained = len(content.inputs)
            other = _content(problem.held_out, problem, directory, given, must_vary=False)
            content = joined(content, other, printable(str(directory / problem.held_out)))
            held = np.arange(n_trained, len(content.inputs))
        inputs, input_names, understood = content.inputs, content.input_names, content.understood
        targets, target_names = class_columns(content, whole=one_hot, where=where)
        levels = [np.unique(column).tolist() for column in targets.T]
    else:
        message = "problem: gate and table are missing; expected exactly one of them."
        raise ExperimentError(message)
    if problem.held_out_rows is not None:
        held = held_rows(problem.held_out_rows, len(inputs), where)
    if one_hot:
        targets, levels, target_names = one_hot_columns(targets, levels, target_names, where)
    trained = np.setdiff1d(np.arange(len(inputs)), held)
    if problem.table is not None and not one_hot:
        # what is right is decided by rows that are trained on, if these tell two targets apart
        own = [np.unique(column).tolist() for column in targets[trained].T]
        levels = [a if len(a) > 1 else b for a, b in zip(own, levels, strict=True)]
    near = [_half_gap(a) if len(a) > 2 else 0.0 for a in levels]
    if problem.tolerance is not None:
        near = [problem.tolerance] * len(levels)
    return TruthTable(
        name=name,
        inputs=inputs[trained],
        targets=targets[trained],
        middles=np.array([a[0] / 2 + a[1] / 2 if len(a) == 2 else np.nan for a in levels]),
        tolerances=np.array(near),
        input_names=input_names,
        target_names=target_names,
        understood=understood,
        held_inputs=inputs[held],
        held_targets=targets[held],
    )


def _content(
    name: str,
    problem: Problem,
    directory: Path,
    given: Mapping[str, TableSource],
    *,
    must_vary: bool,
) -> TableContent:
    """Read a table from its file, or from what a program has given."""
    choice = ColumnChoice(problem.target_columns or (), problem.ignored_columns or (), must_vary)
    if name in given:
        return read_source(given[name], name, choice)
    return read_table(directory / local_path(name, ExperimentError, "file"), choice)


def _half_gap(levels: Sequence[float]) -> float:
    """Half the smallest distance between neighbouring levels, without overflow."""
    return min(b / 2 - a / 2 for a, b in itertools.pairwise(levels))


def _named(names: Sequence[str]) -> str:
    """Return up to eight names as a list in words."""
    few = [printable(name) for name in names[:_MOST_NAMES]]
    more = f" and {len(names) - len(few):,} more" if len(names) > len(few) else ""
    return ", ".join(few) + more


def _sha256(array: NDArray[np.float64]) -> str:
    return hashlib.sha256((array + 0.0).astype("<f8").tobytes()).hexdigest()
