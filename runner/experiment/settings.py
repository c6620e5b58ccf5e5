"""One configuration's settings; the rules between its fields are in `conflicts/`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pydantic import model_validator

from runner.errors import ExperimentError
from runner.errors.messages import printable
from runner.experiment.conflicts.conflict import Conflict
from runner.experiment.conflicts.custom_models import model_conflicts, model_start_conflicts
from runner.experiment.conflicts.layers import layer_conflicts, size_conflicts, size_problems
from runner.experiment.conflicts.losses import loss_conflicts, target_problems
from runner.experiment.conflicts.perceptron import perceptron_conflicts, perceptron_problems
from runner.experiment.conflicts.starts import fit_problems, start_conflicts, weight_conflicts
from runner.experiment.conflicts.success import class_problem, solved_by, success_conflicts
from runner.experiment.conflicts.tables import table_conflicts
from runner.experiment.conflicts.updates import epoch_conflicts, epoch_problems, update_conflicts
from runner.experiment.content_hash import canonical_json, text_of
from runner.experiment.fields.sections import Init, Loss, Network, Problem, Section, Training
from runner.experiment.formats.base import TableSource
from runner.experiment.truth_tables.gates import GATES
from runner.experiment.truth_tables.truth_table import TruthTable, truth_table

__all__ = ["Settings"]

_NONE: Final[Mapping[str, TableSource]] = MappingProxyType({})
_PROBLEM: Final = ("gate", "table", "inputs", "targets")
"""The fields of a problem that identify it; a table's columns do so by their numbers."""


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
        problem, network, loss, training = self.problem, self.network, self.loss, self.training
        # A table's own width is checked when it is read.
        n_outputs = 2 if network.output == "softmax" else 1
        size = network.n_parameters(GATES.get(problem.gate or "", 1), n_outputs)
        return [
            *table_conflicts(problem, network, loss),
            *success_conflicts(problem, network, training),
            *loss_conflicts(network, loss),
            *size_conflicts(network, size),
            *update_conflicts(network, training),
            *epoch_conflicts(problem, training, size),
            *layer_conflicts(network, training),
            *model_conflicts(network, loss, training),
            *perceptron_conflicts(problem, network, loss, training),
        ]

    def conflicts_of_starts(self) -> list[Conflict]:
        """Return those in which a field of `init` plays a part."""
        init, network = self.init, self.network
        return [
            *model_start_conflicts(init, network),
            *start_conflicts(init, network, self.training.plateau),
            *weight_conflicts(init, self.problem, network),
        ]

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
        problems = []
        if self.problem.solved == "class" and (text := class_problem(table.targets)):
            problems.append(text)
        if self.network.model is not None:
            return table
        size = self.network.n_parameters(table.n_inputs, table.n_outputs)
        problems += target_problems(self.loss, table.targets)
        problems += size_problems(self.network, size)
        problems += fit_problems(self.init, self.network, table.n_inputs, table.n_outputs)
        problems += perceptron_problems(self.training, table, size)
        problems += [text for _, text in epoch_problems(self.training, table.n_patterns, size)]
        if problems:
            raise ExperimentError("\n".join(f"{where}: {text}" for text in problems))
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
