"""The settings of one configuration keep the rules between fields, and those of their table."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.experiments import nested, refusal

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.sections import Network, Problem
from runner.experiment.settings import Settings


class TestRulesBetweenFields:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            (
                {"network.output": "tanh"},
                "network.output is 'tanh'; expected 'sigmoid' or 'softmax' with loss.kind "
                "'cross-entropy'",
            ),
            (
                {"network.output": "step"},
                "network.output is 'step'; expected 'sigmoid' or 'softmax' with loss.kind "
                "'cross-entropy'",
            ),
            (
                {"problem.targets": [-0.1, 1]},
                "problem.targets is [-0.1, 1.0]; expected numbers from 0 to 1 with loss.kind "
                "'cross-entropy'",
            ),
            (
                {"problem.targets": [1.5, 0]},
                "problem.targets is [1.5, 0.0]; expected numbers from 0 to 1 with loss.kind "
                "'cross-entropy'",
            ),
            (
                {"problem.targets": [0.1, 0.9], "network.output": "softmax"},
                "problem.targets is [0.1, 0.9]; expected 0 and 1 with network.output 'softmax'",
            ),
            (
                {
                    "problem.targets": [-1, 1],
                    "network.output": "softmax",
                    "loss.kind": "squared-error",
                },
                "problem.targets is [-1.0, 1.0]; expected 0 and 1 with network.output 'softmax'",
            ),
            (
                {"training.momentum": 0.5},
                "training.momentum is 0.5; expected 0 with training.optimizer 'gradient-descent'",
            ),
            (
                {"training.momentum": 0.9, "training.optimizer": "adam"},
                "training.momentum is 0.9; expected 0 with training.optimizer 'adam'",
            ),
            (
                {"problem.table": "t.csv"},
                "problem.gate is 'XOR'; expected no gate, because problem.table is 't.csv'",
            ),
            (
                {"problem.gate": None, "problem.table": "t.csv", "problem.targets": [0, 1]},
                "problem.targets is [0.0, 1.0]; expected no levels with problem.table",
            ),
            (
                {"problem.gate": None, "problem.table": "t.csv", "problem.inputs": [-1, 1]},
                "problem.inputs is [-1.0, 1.0]; expected no levels with problem.table",
            ),
            (
                {"network.hidden": [1000, 1000]},
                "network.hidden is [1000, 1000]; expected at most 1,000,000 parameters, "
                "not 1,005,001",
            ),
            (
                {"network.hidden": [995, 1000], "network.output": "softmax"},
                "network.hidden is [995, 1000]; expected at most 1,000,000 parameters, "
                "not 1,000,987",
            ),
        ],
    )
    def test_refused(self, fields: dict[str, Any], message: str) -> None:
        (line,) = refusal(nested({"name": "x", "problem.gate": "XOR"} | fields))
        assert line.startswith(f"experiment: {message}")

    @pytest.mark.parametrize(
        "fields",
        [
            {"network.output": "tanh", "loss.kind": "squared-error"},
            {"network.output": "step", "loss.kind": "squared-error", "problem.targets": [-1, 1]},
            {"network.output": "softmax"},
            {"network.output": "softmax", "problem.targets": [1, 0]},
            {"training.momentum": 0.0, "training.optimizer": "adam"},
            {"training.momentum": 0, "training.optimizer": "momentum"},
            {"problem.gate": None, "problem.table": "t.csv"},
            {"network.hidden": [4096]},
        ],
    )
    def test_accepted(self, fields: dict[str, Any]) -> None:
        source = nested({"name": "x", "problem.gate": "XOR"} | fields)
        assert len(load_experiment(source).points()) == 1

    def test_settings_hold_them_by_themselves(self) -> None:
        with pytest.raises(ValidationError, match=r"network\.output is 'tanh'; expected"):
            Settings(problem=Problem(gate="XOR"), network=Network(output="tanh"))

    @settings(deadline=None)
    @given(
        st.lists(st.integers(1, 8), max_size=4),
        st.booleans(),
        st.integers(1, 5),
        st.integers(1, 3),
    )
    def test_n_parameters_counts_arrays(
        self, hidden: list[int], skip: bool, n_inputs: int, n_outputs: int
    ) -> None:
        widths = [n_inputs, *hidden, n_outputs]
        arrays: list[Any] = [np.zeros((a, b)) for a, b in itertools.pairwise(widths)]
        arrays += [np.zeros(b) for b in widths[1:]]
        if skip and hidden:
            arrays.append(np.zeros((n_inputs, n_outputs)))
        network = Network(hidden=tuple(hidden), skip=skip)
        assert network.n_parameters(n_inputs, n_outputs) == sum(a.size for a in arrays)


class TestTruthTable:
    def table(self, folder: Path, content: str, fields: dict[str, Any]) -> Any:
        (folder / "t.csv").write_text(content)
        source = nested({"name": "x", "problem.table": "t.csv"} | fields)
        ((_, settings),) = load_experiment(source).points()
        return settings.truth_table(folder)

    def test_of_a_gate(self) -> None:
        settings = Settings(problem=Problem(gate="AND"), network=Network(output="softmax"))
        assert settings.truth_table(Path()).targets.tolist() == [[1, 0], [1, 0], [1, 0], [0, 1]]

    def test_starts_at_the_folder(self, tmp_path: Path) -> None:
        table = self.table(tmp_path, "a,y\n0,1\n1,0\n", {})
        assert table.targets.tolist() == [[1], [0]]
        table = self.table(tmp_path, "a,y\n0,1\n1,0\n", {"network.output": "softmax"})
        assert table.targets.tolist() == [[0, 1], [1, 0]]

    def test_targets_must_suit_the_loss(self, tmp_path: Path) -> None:
        content = "a,y\n0,-1\n1,2\n"
        rule = "the targets go from -1.0 to 2.0; expected numbers from 0 to 1"
        with pytest.raises(ExperimentError, match=rf"t\.csv: {rule}"):
            self.table(tmp_path, content, {})
        table = self.table(tmp_path, content, {"loss.kind": "squared-error"})
        assert table.targets.tolist() == [[-1], [2]]

    def test_width_must_suit_the_network(self, tmp_path: Path) -> None:
        names = ",".join(f"x{i}" for i in range(300))
        content = f"{names},y\n{'0,' * 300}0\n{'1,' * 300}1\n"
        with pytest.raises(ExperimentError, match="expected at most 1,000,000 parameters"):
            self.table(tmp_path, content, {"network.hidden": [4000]})
