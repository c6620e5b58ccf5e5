"""One configuration's settings, and the rules between its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from pydantic import model_validator

from runner.errors import ExperimentError
from runner.errors.messages import counted, printable, shown
from runner.experiment.conflicts.layers import layer_conflicts
from runner.experiment.conflicts.starts import start_conflicts, weight_problems
from runner.experiment.conflicts.success import (
    SUCCESS_FIELDS,
    class_problem,
    solved_by,
    success_conflicts,
)
from runner.experiment.conflicts.updates import UPDATE_FIELDS, table_problems, update_conflicts
from runner.experiment.content_hash import canonical_json, text_of
from runner.experiment.fields.sections import Init, Loss, Network, Problem, Section, Training
from runner.experiment.formats.base import TableSource
from runner.experiment.truth_tables.gates import GATES, GATES_IN_WORDS
from runner.experiment.truth_tables.truth_table import TruthTable, truth_table
from runner.network.optimizers.registry import OPTIMIZERS

__all__ = ["Conflict", "Settings"]

MAX_PARAMETERS: Final = 1_000_000
"""Largest number of weights and biases of one network."""

MAX_PASS: Final = 600
"""Largest number of rows times parameters of a pass of the perceptron rule, which is unrolled."""

_NONE: Final[Mapping[str, TableSource]] = MappingProxyType({})
_PROBLEM: Final = ("gate", "table", "inputs", "targets")
"""The fields of a problem that identify it; a table's columns do so by their numbers."""

_WITH_MODEL: Final = "with network.model, which is the whole network and its loss"
_WITH_PERCEPTRON: Final = "with training.optimizer 'perceptron'"
_WITHOUT_LAYERS: Final = tuple(name for name, rule in OPTIMIZERS.items() if not rule.by_pattern)
_STARTS: Final = frozenset(f"init.{field}" for field in Init.model_fields)
_DRAWN_WITHOUT_LAYERS: Final = ("uniform", "normal", "constant", "slice")
_SMALL_TABLE: Final = f"at most {MAX_PASS} for rows times parameters {_WITH_PERCEPTRON}"
_PROBABILITIES: Final = "numbers from 0 to 1 with loss.kind 'cross-entropy'"
_SQUARED: Final = " Set loss.kind to 'squared-error'"
_BY_SQUARED: Final = f"{_SQUARED}, or for a column of classes network.output to 'softmax'."
_BY_TANH: Final = f"{_SQUARED} and network.output to 'tanh', or write 0 in place of -1."


@dataclass(frozen=True)
class Conflict:
    """A rule between fields that one configuration breaks."""

    text: str
    """`<field> is <value>; expected <rule>.`"""
    fields: frozenset[str]
    """Dotted paths of the fields that play a part."""


class Settings(Section):
    """The settings of one configuration; the rules between fields hold."""

    problem: Problem = Problem()
    """What is learnt."""
    network: Network = Network()
    """What learns it."""
    loss: Loss = Loss()
    """What is minimised."""
    init: Init = Init()
    """Where the restarts start."""
    training: Training = Training()
    """How they are trained."""

    @model_validator(mode="after")
    def _without_conflicts(self) -> Settings:
        conflicts = self.conflicts()
        if conflicts:
            raise ValueError("\n".join(conflict.text for conflict in conflicts))
        return self

    @property
    def solved_by(self) -> str:
        """What decides whether a restart is solved: side, tolerance, class or loss."""
        return solved_by(self.problem, self.network)

    def conflicts(self) -> list[Conflict]:
        """Return the rules between fields that these settings break."""
        return self.conflicts_without_starts() + self.conflicts_of_starts()

    def conflicts_without_starts(self) -> list[Conflict]:
        """Return those in which no field of `init` plays a part."""
        found: list[Conflict] = []
        problem, network, training = self.problem, self.network, self.training

        def conflict(field: str, value: object, rule: str, *others: str, step: str = "") -> None:
            text = f"{field} is {shown(value)}; expected {rule}.{step}"
            found.append(Conflict(text, frozenset((field, *others))))

        softmax = network.output == "softmax"
        cross_entropy = self.loss.kind == "cross-entropy" and network.model is None
        if problem.gate is None and problem.table is None:
            text = (
                "problem.gate and problem.table are missing; expected exactly one: a file's "
                f"path as table, or as gate {GATES_IN_WORDS}."
            )
            found.append(Conflict(text, frozenset(("problem.gate", "problem.table"))))
        elif problem.table is not None:
            if problem.gate is not None:
                rule = f"no gate, because problem.table is {shown(problem.table)}"
                conflict("problem.gate", problem.gate, rule, "problem.table")
            for field in sorted({"inputs", "targets"} & problem.model_fields_set):
                value = getattr(problem, field)
                rule = (
                    "no levels with problem.table, whose values are used as they are. Leave "
                    f"problem.{field} out of the file"
                )
                conflict(f"problem.{field}", value, rule, "problem.table")
        elif softmax and set(problem.targets) != {0.0, 1.0}:
            rule = "0 and 1 with network.output 'softmax'"
            conflict("problem.targets", problem.targets, rule, "problem.table", "network.output")
        elif cross_entropy and not 0 <= min(problem.targets) < max(problem.targets) <= 1:
            others = ("problem.table", "network.output", "loss.kind")
            step = f"{_SQUARED}."
            conflict("problem.targets", problem.targets, _PROBABILITIES, *others, step=step)
        if problem.table is None:
            for field in ("target_columns", "ignored_columns", "held_out"):
                if value := getattr(problem, field):
                    rule = "nothing without problem.table"
                    conflict(f"problem.{field}", value, rule, "problem.table", "problem.gate")
        if problem.held_out is not None and problem.held_out_rows is not None:
            rule = "nothing with problem.held_out"
            conflict("problem.held_out_rows", problem.held_out_rows, rule, "problem.held_out")
        for field, value, rule in success_conflicts(problem, network, training):
            conflict(field, value, rule, "problem.solved", "problem.gate", *SUCCESS_FIELDS)
        if cross_entropy and network.output not in ("sigmoid", "softmax"):
            rule = "'sigmoid' or 'softmax' with loss.kind 'cross-entropy'"
            conflict("network.output", network.output, rule, "loss.kind", step=f"{_SQUARED}.")
        # A table's own width is checked when it is read.
        size = network.n_parameters(GATES.get(problem.gate or "", 1), 2 if softmax else 1)
        if size > MAX_PARAMETERS:
            others = ("problem.gate", "network.output", "network.skip")
            conflict("network.hidden", network.hidden, _at_most(size), *others)
        for field, value, rule, parts in update_conflicts(network, training):
            conflict(field, value, rule, *parts)
        if problem.gate is not None:
            n_patterns = 2 ** GATES[problem.gate] - len(problem.held_out_rows or ())
            fields = ("problem.gate", "problem.table", "network.hidden", "network.output")
            found += [
                Conflict(text, frozenset((f"training.{name}", *fields, *UPDATE_FIELDS)))
                for name, text in table_problems(training, n_patterns, size)
            ]
        for field, value, rule in layer_conflicts(network, training):
            conflict(field, value, rule, "network.hidden", "training.optimizer")
        if network.model is not None:
            return found + self._model_conflicts()
        return found + self._perceptron_conflicts()

    def _model_conflicts(self) -> list[Conflict]:
        """Return the rules of a custom model that these settings break."""
        found = []
        for name, section in (("network", self.network), ("loss", self.loss)):
            for field in sorted(section.model_fields_set - {"model", "l2"}):
                path = f"{name}.{field}"
                text = (
                    f"{path} is {shown(getattr(section, field))}; expected nothing {_WITH_MODEL}."
                )
                found.append(Conflict(text, frozenset((path, "network.model"))))
        return found + _without_layers(
            "training.optimizer", self.training.optimizer, _WITHOUT_LAYERS
        )

    def _perceptron_conflicts(self) -> list[Conflict]:
        """Return the rules of the perceptron that these settings break."""
        if self.training.optimizer != "perceptron":
            return []
        found: list[Conflict] = []

        def conflict(field: str, value: object, rule: str, *others: str) -> None:
            text = f"{field} is {shown(value)}; expected {rule}."
            found.append(Conflict(text, frozenset((field, "training.optimizer", *others))))

        problem, network, training = self.problem, self.network, self.training
        if network.hidden:
            conflict("network.hidden", network.hidden, f"[] {_WITH_PERCEPTRON}")
        if not network.has_biases:
            conflict("network.bias", network.bias, f"true {_WITH_PERCEPTRON}")
        if network.output != "step":
            conflict("network.output", network.output, f"'step' {_WITH_PERCEPTRON}")
        if problem.table is None and set(problem.targets) != {0.0, 1.0}:
            rule = f"0 and 1 {_WITH_PERCEPTRON}"
            conflict("problem.targets", problem.targets, rule, "problem.table")
        if self.loss.l2:
            conflict("loss.l2", self.loss.l2, f"0 {_WITH_PERCEPTRON}")
        if training.stop_gradient:
            rule = f"0 {_WITH_PERCEPTRON}, which has no gradient"
            conflict("training.stop_gradient", training.stop_gradient, rule)
        width = GATES.get(problem.gate or "", 0)
        if 2**width * (width + 1) > MAX_PASS and not network.hidden:
            conflict("problem.gate", problem.gate, _SMALL_TABLE, "problem.table")
        return found

    def conflicts_of_starts(self) -> list[Conflict]:
        """Return those in which a field of `init` plays a part."""
        init = self.init
        found = []
        if self.network.model is not None:
            found += _without_layers("init.distribution", init.distribution, _DRAWN_WITHOUT_LAYERS)
        found += [
            Conflict(text, _STARTS | {"network.hidden", "network.model", "training.plateau"})
            for text in start_conflicts(init, self.network, self.training.plateau)
        ]
        n_inputs = GATES.get(self.problem.gate or "")
        # A model's own weights are checked when it is read.
        if init.at and n_inputs is not None and self.network.model is None:
            n_outputs = 2 if self.network.output == "softmax" else 1
            texts = self._slice_problems(n_inputs, n_outputs)
            parts = _STARTS | {
                "problem.gate",
                "network.hidden",
                "network.output",
                "network.skip",
                "network.bias",
            }
            found += [Conflict(text, parts) for text in texts]
        return found

    def _slice_problems(self, n_inputs: int, n_outputs: int) -> list[str]:
        """Say where named weights do not fit the network."""
        net = self.network
        if not self.init.at or net.n_parameters(n_inputs, n_outputs) > MAX_PARAMETERS:
            return []
        names = net.architecture(n_inputs, n_outputs).parameter_names
        return weight_problems(self.init, names)

    def truth_table(self, directory: Path, given: Mapping[str, TableSource] = _NONE) -> TruthTable:
        """Read or build the truth table, and check that it suits the network and the loss.

        Parameters
        ----------
        directory : Path
            Where a relative `problem.table` starts: `Experiment.directory`.
        given : mapping of str to TableSource
            Tables that are no files: `Experiment.given`.

        Raises
        ------
        ExperimentError
            If the table is wrong, is too wide for the network, or has targets outside 0 to 1
            under cross-entropy.
        """
        softmax = self.network.output == "softmax"
        table = truth_table(self.problem, directory, one_hot=softmax, given=given)
        if self.problem.table is None:
            return table
        where = printable(str(directory / self.problem.table))
        low, high = float(table.targets.min()), float(table.targets.max())
        problems = []
        if self.problem.solved == "class" and (text := class_problem(table.targets)):
            problems.append(f"{where}: {text}")
        if self.network.model is not None:
            return table
        if self.loss.kind == "cross-entropy" and not 0 <= low <= high <= 1:
            state = f"the targets go from {low!r} to {high!r}"
            hint = _BY_TANH if np.isin(table.targets, (-1, 1)).all() else _BY_SQUARED
            problems.append(f"{where}: {state}; expected {_PROBABILITIES}.{hint}")
        size = self.network.n_parameters(table.n_inputs, table.n_outputs)
        if size > MAX_PARAMETERS:
            state = f"network.hidden is {shown(self.network.hidden)}"
            problems.append(f"{where}: {state}; expected {_at_most(size)}.")
        slice_problems = self._slice_problems(table.n_inputs, table.n_outputs)
        problems += [f"{where}: {text}" for text in slice_problems]
        if self.training.optimizer == "perceptron":
            if not np.isin(table.targets, (0.0, 1.0)).all():
                state = f"the targets go from {low!r} to {high!r}"
                problems.append(f"{where}: {state}; expected 0 and 1 {_WITH_PERCEPTRON}.")
            if table.n_patterns * size > MAX_PASS:
                state = f"the table has {counted(table.n_patterns, 'row')} and "
                state += counted(table.n_inputs, "input")
                problems.append(f"{where}: {state}; expected {_SMALL_TABLE}.")
        problems += [
            f"{where}: {text}" for _, text in table_problems(self.training, table.n_patterns, size)
        ]
        if problems:
            raise ExperimentError("\n".join(problems))
        return table

    def canonical(self) -> dict[str, Any]:
        """Return every field, ready for JSON, as what identifies a configuration.

        Notes
        -----
        A gate stands for itself. A table's path is left out (all fields of `problem` are null
        then): add `TruthTable.canonical()` to tell tables apart by their content. Likewise a
        file's of starts, and a model's: add `Model.canonical()`.
        """
        dump = self.model_dump(mode="json", exclude={"problem": True, "init": {"table"}})
        if self.network.model is not None:
            dump |= {"network": {"model": None}, "loss": {"l2": self.loss.l2}}
        return {"problem": _canonical_problem(self.problem)} | dump

    def canonical_texts(self) -> dict[str, str]:
        """Return the same, each section as `runner.experiment.content_hash.canonical_json`."""
        if self.network.model is not None:
            return {name: canonical_json(part) for name, part in self.canonical().items()}
        texts = {"problem": text_of(self.problem, partial(_canonical_problem, self.problem))}
        for name, section in (("network", self.network), ("loss", self.loss)):
            texts[name] = text_of(section, partial(section.model_dump, mode="json"))
        init, training = self.init, self.training
        texts["init"] = text_of(init, partial(init.model_dump, mode="json", exclude={"table"}))
        texts["training"] = text_of(training, partial(training.model_dump, mode="json"))
        return texts


def _canonical_problem(section: Problem) -> dict[str, Any]:
    problem = {field: getattr(section, field) for field in _PROBLEM}
    levels = {key: list(problem[key]) for key in ("inputs", "targets")}
    known = dict.fromkeys(problem) if section.table is not None else problem | levels
    # What is not set was no part of a configuration's identity before there were these.
    for field in ("tolerance", "solved"):
        if (value := getattr(section, field)) is not None:
            known[field] = value
    return known


def _without_layers(path: str, value: str, known: Sequence[str]) -> list[Conflict]:
    """Return the conflict of a field with a custom model, if its value is none of those known."""
    if value in known:
        return []
    rule = f"{_or(known)} with network.model, whose layers are not known"
    text = f"{path} is {shown(value)}; expected {rule}."
    return [Conflict(text, frozenset((path, "network.model")))]


def _or(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)


def _at_most(size: int) -> str:
    return f"at most {MAX_PARAMETERS:,} parameters, not {size:,}"
