"""The files that an experiment names, truth tables and models: read, or from a stored plan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import printable
from runner.experiment.conflicts.starts import weight_problems
from runner.experiment.fields.sections import Section
from runner.experiment.formats.base import TableSource
from runner.experiment.given_starts import read_starts, rows_of
from runner.experiment.settings import Settings
from runner.experiment.truth_tables.truth_table import TruthTable
from runner.network.architecture import Network
from runner.network.custom.model import CustomModel
from runner.network.custom.source import make_model, read_source
from runner.network.slices import fixed_weights
from runner.network.starts.given import Given

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration


class Sources:
    """The contents of the files that an experiment names.

    Parameters
    ----------
    directory : Path
        Where relative paths start.
    tables, models, starts : mapping, optional
        Contents by path, as `stored` returns them: those of a stored plan, for which no other file
        is read.
    trust_model : bool
        Whether the models may be executed, where they are compiled.
    given : mapping of str to TableSource
        Tables that are no files: `Experiment.given`.
    """

    def __init__(
        self,
        directory: Path,
        tables: Mapping[str, Any] | None,
        models: Mapping[str, Any] | None,
        starts: Mapping[str, Any] | None,
        trust_model: bool,
        given: Mapping[str, TableSource],
    ) -> None:
        self._directory = directory
        self._given = given
        self._stored_tables = tables
        self._models = dict(models or {})
        self._starts = dict(starts or {})
        self._trust_model = trust_model
        self._tables: dict[Any, TruthTable] = {}
        # with the sections, whose identities are the key as long as they are alive
        self._of_sections: dict[tuple[int, ...], tuple[tuple[Section, ...], TruthTable]] = {}

    def table(self, settings: Settings) -> TruthTable:
        """Return the truth table of one configuration's settings.

        Raises
        ------
        ExperimentError
            If its file cannot be read, or does not suit the settings.
        """
        # by identity first: points of a grid share sections, and a hash reads all their fields
        parts = (settings.problem, settings.network, settings.loss, settings.training)
        shared = tuple(map(id, parts))
        if shared not in self._of_sections:
            rule = settings.training.optimizer
            key = (settings.problem, settings.network, settings.loss.kind, rule == "perceptron")
            if key not in self._tables:
                self._tables[key] = self._read_table(settings)
            self._of_sections[shared] = parts, self._tables[key]
        return self._of_sections[shared][1]

    def _read_table(self, settings: Settings) -> TruthTable:
        if self._stored_tables is None or settings.problem.table is None:
            return settings.truth_table(self._directory, self._given)
        stored = self._stored_tables[_table_key(settings)]
        middles = [np.nan if m is None else m for m in stored["middles"]]
        return TruthTable(**(stored | {"middles": np.array(middles)}))

    def model(self, settings: Settings, table: TruthTable) -> CustomModel | None:
        """Return the custom model of one configuration's settings, if it has one.

        Raises
        ------
        ExperimentError
            If its file cannot be read or declares no model, or a slice names other weights.
        """
        name = settings.network.model
        if name is None:
            return None
        if name not in self._models and self._stored_tables is None:
            self._models[name] = {"source": read_source(name, self._directory)}
        text = self._models[name]["source"]
        model = make_model(
            name, text, table.n_inputs, table.n_outputs, is_trusted=self._trust_model
        )
        if texts := weight_problems(settings.init, model.parameter_names):
            raise ExperimentError("\n".join(f"{name}: {text}" for text in texts))
        return model

    def given(self, settings: Settings, network: Network) -> Given | None:
        """Return the given starts of one configuration's settings, if it has some.

        Parameters
        ----------
        settings : Settings
        network : Network
            Whose parameters start there.

        Raises
        ------
        ExperimentError
            If their file cannot be read, or does not suit the network.
        """
        init = settings.init
        if init.distribution != "given":
            return None
        names = network.parameter_names
        if init.table is None:
            weights = fixed_weights(init.at)
            rows = np.array([[weights[name] for name in names]])
        else:
            if init.table not in self._starts and self._stored_tables is None:
                given = self._given.get(init.table)
                self._starts[init.table] = read_starts(init.table, self._directory, given)
            rows = rows_of(self._starts[init.table], names, printable(init.table))
        return Given(rows, init.noise or 0.0)


def stored_tables(configurations: Iterable[Configuration]) -> dict[str, Any]:
    """Return the users' own tables, whole and ready for JSON, so that a study needs no file."""
    return {
        _table_key(c.settings): {
            "name": c.table.name,
            "inputs": c.table.inputs.tolist(),
            "targets": c.table.targets.tolist(),
            "middles": [None if np.isnan(m) else m for m in c.table.middles.tolist()],
            "tolerances": c.table.tolerances.tolist(),
        }
        | _names(c.table)
        | _held(c.table)
        for c in configurations
        if c.settings.problem.table is not None
    }


def stored_models(configurations: Iterable[Configuration]) -> dict[str, Any]:
    """Return the custom models, whole and ready for JSON."""
    return {
        c.model.name: {"sha256": c.model.sha256, "source": c.model.source}
        for c in configurations
        if c.model is not None
    }


def stored_starts(configurations: Iterable[Configuration]) -> dict[str, Any]:
    """Return the given starts of files, whole and ready for JSON."""
    stored: dict[str, dict[str, list[float]]] = {}
    for c in configurations:
        if c.given is not None and c.settings.init.table is not None:
            columns = zip(c.architecture.parameter_names, c.given.rows.T.tolist(), strict=True)
            stored.setdefault(c.settings.init.table, {}).update(columns)
    return stored


def _names(table: TruthTable) -> dict[str, Any]:
    """Return the names of columns and how they were read; of neither what is not known."""
    names = {"input_names": list(table.input_names), "target_names": list(table.target_names)}
    known: dict[str, Any] = names if table.target_names else {}
    return known | ({"understood": table.understood} if table.understood else {})


def _held(table: TruthTable) -> dict[str, Any]:
    """Return the rows that are not trained on, if there are some."""
    rows = {
        "held_inputs": table.held_inputs.tolist(),
        "held_targets": table.held_targets.tolist(),
    }
    return rows if table.n_held else {}


def _table_key(settings: Settings) -> str:
    """Name a user's table in a stored plan: settings make several tables of the same file."""
    problem = settings.problem
    key = f"{settings.network.output == 'softmax'}|{problem.table}"
    more = (problem.target_columns, problem.ignored_columns, problem.tolerance)
    key = f"{key}|{json.dumps(more)}" if any(more) else key
    held = (problem.held_out, problem.held_out_rows)
    return f"{key}|{json.dumps(held)}" if any(held) else key
