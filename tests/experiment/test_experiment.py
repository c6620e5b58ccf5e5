from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.experiments import nested, refusal

from runner.errors import ExperimentError
from runner.experiment.experiment import Experiment, load_experiment, parse_axis, parse_change
from runner.experiment.fields.rules import rule_of
from runner.experiment.fields.sections import (
    CONSTANTS,
    PATHS,
    SECTIONS,
    Init,
    Problem,
    Training,
)
from runner.experiment.settings import Settings
from runner.experiment.truth_tables.truth_table import gate_names

ROOT = Path(__file__).parents[2]
XOR: Mapping[str, Any] = {"name": "x", "problem": {"gate": "XOR"}}


def with_field(path: str, value: object) -> dict[str, Any]:
    section, _, field = path.partition(".")
    source: dict[str, Any] = {"name": "x", "problem": {"gate": "XOR"}}
    if not field:
        return source | {section: value}
    source.setdefault(section, {})[field] = value
    return source


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "x.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


GOOD: Mapping[str, st.SearchStrategy[Any]] = {
    "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    "seed": st.integers(0, 2**63 - 1),
    "restarts": st.integers(1, 10**12),
    "problem.gate": st.sampled_from(gate_names()),
    "problem.inputs": st.lists(st.floats(-5, 5), min_size=2, max_size=2, unique=True),
    "problem.targets": st.sampled_from([[0, 1], [0.2, 0.8], [1, 0], [1.0, 0.5]]),
    "network.hidden": st.lists(st.integers(1, 50), max_size=16),
    "network.activation": st.sampled_from(["sigmoid", "tanh", "relu", "leaky-relu", "linear"]),
    "network.output": st.sampled_from(["sigmoid"]),
    "network.skip": st.sampled_from([False, True, "inputs", "all"]),
    "loss.kind": st.sampled_from(["cross-entropy", "squared-error"]),
    "loss.reduction": st.sampled_from(["mean", "sum", "half-sum", "half-mean"]),
    "loss.l2": st.floats(0, 10) | st.integers(0, 10),
    "init.distribution": st.sampled_from(["uniform", "normal", "glorot-uniform", "he-normal"]),
    "init.scale": st.floats(0, 10, exclude_min=True) | st.integers(1, 10),
    "training.optimizer": st.just("momentum"),
    "training.learning_rate": st.floats(0, 10, exclude_min=True) | st.integers(1, 10),
    "training.momentum": st.floats(0, 1) | st.just(0),
    "training.max_steps": st.integers(1, 2_000_000_000),
    "training.stop_solved": st.booleans(),
    "training.stop_loss": st.floats(0, 10),
    "training.stop_gradient": st.floats(0, 10),
    "training.dtype": st.sampled_from(["float64", "float32"]),
}
NOT_A_NUMBER = ["1", True, None, [], {}, float("nan"), float("inf"), 10**400]
NOT_AN_INTEGER = ["1", True, None, 1.0, [1], float("inf")]
NOT_A_NAME: list[Any] = [1, True, None, [], "", "Sigmoid", "x" * 10_000, "\x1b[2J"]
NOT_LEVELS: list[Any] = [
    1,
    [0],
    [0, 0],
    [0, 0.0],
    [0, 1, 2],
    ["0", "1"],
    [False, True],
    [0, float("inf")],
]
OPTIONAL = [
    f"training.{name}" for name, field in Training.model_fields.items() if field.default is None
]
BAD: Mapping[str, tuple[str, list[Any]]] = {
    "name": ("1 to 64 letters", [1, None, "", ".x", "a b", "a/b", "a\n", "x" * 65, "é"]),
    "seed": ("an integer from 0 to 2**63 - 1", [*NOT_AN_INTEGER, -1, 2**63, 1 << 99_999]),
    "restarts": ("an integer from 1 to 10**12", [*NOT_AN_INTEGER, 0, 10**12 + 1]),
    "problem.gate": (
        "one of FALSE, AND, A-AND-NOT-B",
        [1, True, [], "", "xor", "PARITY-1", "PARITY-11", "PARITY-02", "MAJORITY-x"],
    ),
    "problem.table": ("the path of a table", [1, True, [], ""]),
    "problem.target_columns": ("a list of names of columns", [[], "y", 1, [1]]),
    "problem.ignored_columns": ("a list of names of columns", [[], "y", 1, [1]]),
    "problem.tolerance": ("a finite number > 0", ["1", True, [], float("nan"), 0, -1]),
    "problem.solved": ("one of 'side', 'tolerance', 'class', 'loss'", [1, True, [], "", "x"]),
    "problem.inputs": ("a list of two different finite numbers", NOT_LEVELS),
    "problem.targets": ("a list of two different finite numbers", NOT_LEVELS),
    "network.hidden": (
        "a list of at most 16 integers from 1 to 4096",
        [2, "2", [0], [4097], [2.0], [True], ["2"], [[2]], [1] * 17, [0] * 100_000],
    ),
    "network.activation": (
        "one of 'sigmoid', 'tanh', 'relu', 'leaky-relu', 'linear', 'step', or a list with one of "
        "them for each hidden layer",
        [*NOT_A_NAME, [], ["tanh", "softmax"]],
    ),
    "network.output": ("one of 'sigmoid', 'tanh', 'relu', 'leaky-relu', 'linear'", NOT_A_NAME),
    "network.bias": ("true or false", [1, "yes", []]),
    "problem.held_out": ("the path of a table", [1, "", []]),
    "problem.held_out_rows": ("a list of integers >= 0", [1, [], [-1], [0.5], "1"]),
    "network.skip": ("one of 'inputs', 'all', or true or false", [0, 1, "true", None, []]),
    "network.freeze": ("a list of arrays of weights or biases", ["W1", 1, [], [1]]),
    "network.model": (
        "'FILE.py:FUNCTION', the path of a Python file",
        [1, True, [], "", "loss", "own.py", "own.py:", "own.txt:loss", "own.py:a b", "a.py:b.py:c"],
    ),
    "loss.kind": ("one of 'cross-entropy', 'squared-error'", NOT_A_NAME),
    "loss.reduction": ("one of 'mean', 'sum', 'half-sum', 'half-mean'", NOT_A_NAME),
    "loss.l2": ("a finite number >= 0", [*NOT_A_NUMBER, -1e-9, -1]),
    "loss.l2_biases": ("true or false", [1, "no", []]),
    "init.distribution": ("one of 'uniform', 'normal', 'glorot-uniform'", NOT_A_NAME),
    "init.scale": ("a finite number > 0", [*NOT_A_NUMBER, 0, -1.0]),
    "init.range": (
        "a list of two finite numbers, the smaller one",
        [1, [1], [1, 1], [2, 1]],
    ),
    "init.value": ("a finite number", [x for x in NOT_A_NUMBER if x is not None]),
    "init.layer_scales": ("a list of at most 17 finite numbers > 0", [1, [], [0.0], [1.0] * 18]),
    "init.bias": ("a finite number", [x for x in NOT_A_NUMBER if x is not None]),
    "init.bias_range": ("a list of two finite numbers, the smaller one", [0, [0, 0], [1, -1]]),
    "init.table": ("the path of a file", [1, ""]),
    "init.noise": ("a finite number > 0", [0, -1.0, "1"]),
    "init.x": ("'NAME=LOW:HIGH:N' with a weight's name", [1, "", "W1[0,0]", "W1[0,0]=1:0:9"]),
    "init.y": ("'NAME=LOW:HIGH:N' with a weight's name", [True, [], "W1[0,0]=0:1:1"]),
    "init.at": ("a list of 'NAME=VALUE'", ["b1[0]=1", [1], ["b1[0]"], ["b1[0]=1", "b1[0]=2"]]),
    "training.optimizer": ("one of 'gradient-descent', 'momentum', 'nesterov'", NOT_A_NAME),
    "training.learning_rate": ("a finite number > 0", [*NOT_A_NUMBER, 0, -1.0]),
    "training.momentum": ("a number from 0 to 1", [*NOT_A_NUMBER, 1.5, -0.1]),
    "training.max_steps": (
        "an integer from 1 to 2000000000",
        [*NOT_AN_INTEGER, 0, -1, 2_000_000_001],
    ),
    "training.stop_solved": ("true or false", [0, 1, "yes", None]),
    "training.stop_loss": ("a finite number >= 0", [*NOT_A_NUMBER, -1e-9]),
    "training.stop_gradient": ("a finite number >= 0", [*NOT_A_NUMBER, -1e-9]),
    "training.dtype": ("one of 'float64', 'float32'", NOT_A_NAME),
    "training.rate_schedule": ("a schedule: 'step:FACTOR:EVERY'", [1, "", "x", "step:2"]),
    "training.momentum_schedule": ("a schedule: 'step:FACTOR:EVERY'", [1, "", "inverse:a"]),
    "training.patterns_per_update": (
        "an integer from 1 to 1000000",
        [0, 1.0, "1", True, 10**6 + 1],
    ),
    "training.order": ("one of 'file', 'shuffled'", [1, "", "random"]),
    "training.slopes": ("one of 'exact', 'cut'", [1, "", "steep"]),
    "training.plateau": ("one of 'new-start', 'perturb'", [1, "", "restart"]),
    "training.plateau_steps": ("an integer from 1 to 2000000000", [0, 1.0, "1", True]),
    "training.plateau_fall": ("a number > 0 and at most 1", ["1", [], 0, 1.5, float("nan")]),
    "training.plateau_noise": ("a finite number > 0", ["1", [], 0, -1.0]),
    **{
        f"training.{name}": (rule_of(Training, name), ["1", [], -1.0, float("nan")])
        for name in CONSTANTS
    },
}


class TestFields:
    def test_every_field_is_tested(self) -> None:
        assert set(BAD) == {"name", "seed", "restarts", *PATHS}
        alone = {"problem.table", "network.model"}  # these exclude others: see below
        # and these are of tables or of success: test_formats.py, test_success_rules.py
        alone |= {"problem.target_columns", "problem.ignored_columns"}
        alone |= {"problem.tolerance", "problem.solved"}
        alone |= {"problem.held_out", "problem.held_out_rows"}  # test_rows_right.py
        # and these belong to one optimizer or to one kind of update: test_updates.py
        alone |= set(OPTIONAL)
        # true leaves no trace: test_without_biases.py, test_layers.py
        alone |= {"network.bias", "loss.l2_biases"}
        alone |= {"network.freeze"}  # names arrays that there must be: test_layers.py
        # and these to kinds of starts: test_start_rules.py
        alone |= {path for path in BAD if path.startswith("init.")} - set(GOOD)
        assert set(GOOD) == set(BAD) - alone

    @settings(deadline=None)
    @given(st.fixed_dictionaries(dict(GOOD)))
    def test_good_values_are_kept(self, fields: dict[str, Any]) -> None:
        experiment = load_experiment(nested(fields))
        for path, value in fields.items():
            section, _, field = path.partition(".")
            got = getattr(experiment, section)
            got = getattr(got, field) if field else got
            assert got == (tuple(value) if isinstance(value, list) else value)
            if isinstance(got, float):
                assert str(got) != "-0.0"

    @pytest.mark.parametrize("path", BAD)
    def test_bad_values_are_refused(self, path: str) -> None:
        rule, values = BAD[path]
        for value in values:
            (line,) = refusal(with_field(path, value))[:1]
            assert line.startswith(f"experiment: {path} is "), value
            assert f"; expected {rule}" in line

    @pytest.mark.parametrize("path", [path for path in BAD if "." in path])
    def test_bad_values_are_refused_in_the_grid(self, path: str) -> None:
        rule, values = BAD[path]
        for value in values:
            (line,) = refusal(dict(XOR) | {"grid": {path: [value]}})
            assert line.startswith(f"experiment: grid {path} is "), value
            assert f"; expected {rule}" in line

    @pytest.mark.parametrize(
        ("path", "value", "shown"),
        [
            ("network.hidden", [0], "[0]"),
            ("network.output", "sigmod", "'sigmod'"),
            ("training.max_steps", 1.5, "1.5"),
            ("loss.kind", "\x1b[2J", r"'\x1b[2J'"),
            ("seed", 1 << 9999, "an integer of 10000 bits"),
        ],
    )
    def test_values_are_shown(self, path: str, value: object, shown: str) -> None:
        assert refusal(with_field(path, value))[0].startswith(f"experiment: {path} is {shown};")

    @pytest.mark.parametrize("value", ["x" * 100_000, [1] * 100_000, 10**300, {"a": "b" * 1000}])
    def test_long_values_are_cut(self, value: object) -> None:
        (line,) = refusal(with_field("loss.kind", value))
        assert len(line.partition(" is ")[2].partition("; expected")[0]) <= 80

    @pytest.mark.parametrize(
        ("path", "value", "hint"),
        [
            ("network.output", "sigmod", "'sigmoid'"),
            ("network.output", "SoftMax", "'softmax'"),
            ("problem.gate", "nand", "'NAND'"),
            ("problem.gate", "PARTY-3", "'PARITY-3'"),
            ("training.dtype", "float_32", "'float32'"),
        ],
    )
    def test_near_misses(self, path: str, value: str, hint: str) -> None:
        assert refusal(with_field(path, value))[0].endswith(f" Did you mean {hint}?")

    @pytest.mark.parametrize(
        ("path", "listed", "hint"),
        [
            (
                "netwrk",
                "name, seed, restarts, curves, like, problem, network",
                " Did you mean 'network'?",
            ),
            ("directory", "name, seed, restarts", ""),
            ("init.zzzzzz", "init.distribution, init.scale", ""),
        ],
    )
    def test_unknown_keys(self, path: str, listed: str, hint: str) -> None:
        (line,) = refusal(with_field(path, 1))
        assert line.startswith(f"experiment: {path} is unknown; expected one of {listed}")
        assert line.endswith(f".{hint}")

    def test_a_hint_is_not_buried_under_all_fields_of_its_section(self) -> None:
        (line,) = refusal(with_field("training.epochs", 1))
        assert line == (
            "experiment: training.epochs is unknown; expected a field of [training]. "
            "Did you mean 'training.max_steps'?"
        )

    def test_sections_must_be_tables(self) -> None:
        lines = refusal({"name": "x", "problem": {"gate": "OR"}, "loss": 3, "grid": [1]})
        assert lines == [
            "experiment: loss is 3; expected a table, [loss].",
            "experiment: grid is [1]; expected a table of dotted path = list.",
        ]

    def test_name_and_problem_are_required(self) -> None:
        name, problem = refusal({})
        assert name.startswith("experiment: name is missing; expected 1 to 64 letters")
        assert problem.startswith("experiment: problem.gate and problem.table are missing;")

    def test_all_problems_at_once(self) -> None:
        lines = refusal(
            {
                "seed": -1,
                "restart": 5,
                "problem": {"gate": "XOR", "inputs": [0, 0]},
                "network": {"output": "tanh", "hiden": []},
                "training": {"momentum": 0.5, "max_steps": 0},
                "grid": {"init.scale": [1, 0, "x"], "seed": [1], "loss.l2": []},
            }
        )
        assert [line.removeprefix("experiment: ").partition(";")[0] for line in lines] == [
            "restart is unknown",
            "name is missing",
            "seed is -1",
            "problem.inputs is [0, 0]",
            "network.hiden is unknown",
            "training.max_steps is 0",
            "grid init.scale is 0",
            "grid init.scale is 'x'",
            "grid seed is one value for all configurations",
            "grid loss.l2 is []",
            "network.output is 'tanh'",
            "training.momentum is 0.5",
        ]

    def test_a_rule_between_fields_waits_for_the_fields(self) -> None:
        source = nested({"name": "x", "problem.gate": "XR", "network.output": "tan"})
        assert len(refusal(source)) == 2

    def test_many_problems_are_counted(self) -> None:
        lines = refusal(dict(XOR) | {f"key{i}": 1 for i in range(300)})
        assert len(lines) == 51
        assert lines[-1] == "and 250 more."


class TestGrid:
    def test_without_one(self) -> None:
        ((cell, settings),) = load_experiment(XOR).points()
        assert cell == {}
        assert settings == Settings(problem=Problem(gate="XOR"))

    def test_order_is_as_written(self) -> None:
        grid = {"network.hidden": [[], [2]], "init.scale": [3, 1.0], "problem.gate": ["OR", "A"]}
        points = load_experiment(dict(XOR) | {"grid": grid}).points()
        expected = [
            {"network.hidden": hidden, "init.scale": scale, "problem.gate": gate}
            for hidden in [(), (2,)]
            for scale in [3.0, 1.0]
            for gate in ["OR", "A"]
        ]
        assert [cell for cell, _ in points] == expected
        assert [list(cell) for cell, _ in points] == [list(grid)] * 8
        for cell, each in points:
            assert each.network.hidden == cell["network.hidden"]
            assert each.init.scale == cell["init.scale"]
            assert each.problem.gate == cell["problem.gate"]
            assert each == Settings.model_validate(each.model_dump())

    @pytest.mark.parametrize(
        ("default", "axis"),
        [
            ({"table": "a.csv"}, {"problem.gate": ["AND", "OR"]}),
            ({"gate": "AND"}, {"problem.table": ["a.csv", "b.csv"]}),
        ],
    )
    def test_an_axis_of_gates_or_tables_replaces_the_default(
        self, default: dict[str, Any], axis: dict[str, Any]
    ) -> None:
        points = load_experiment({"name": "x", "problem": default, "grid": axis}).points()
        ((path, values),) = axis.items()
        both = [(s.problem.gate, s.problem.table) for _, s in points]
        assert both == [(v, None) if path == "problem.gate" else (None, v) for v in values]

    def test_gates_and_tables_cannot_be_crossed(self) -> None:
        grid = {"problem.gate": ["AND"], "problem.table": ["a.csv", "b.csv"]}
        lines = refusal({"name": "x", "grid": grid})
        assert [line.partition("because ")[2] for line in lines] == [
            "problem.table is 'a.csv'.",
            "problem.table is 'b.csv'.",
        ]

    def test_a_bad_value_is_reported_once(self) -> None:
        grid = {
            "init.scale": [0, 1, 0, 2, 3],
            "training.momentum": [0, 0.5],
            "network.hidden": [[1], [2], [3]],
        }
        scale, momentum = refusal(dict(XOR) | {"grid": grid})
        assert scale.startswith("experiment: grid init.scale is 0; expected a finite number > 0")
        assert momentum.startswith("experiment: training.momentum is 0.5; expected 0 with")

    @pytest.mark.parametrize(
        ("path", "values", "shown"),
        [
            ("init.scale", [1, 2, 1.0], "1.0"),
            ("network.hidden", [[2], [], [2]], "[2]"),
            ("loss.l2", [0.0, -0.0], "-0.0"),
            ("network.skip", [True, True], "True"),
        ],
    )
    def test_duplicates(self, path: str, values: list[Any], shown: str) -> None:
        (line,) = refusal(dict(XOR) | {"grid": {path: values}})
        assert line == f"experiment: grid {path} is {shown} twice; expected different values."

    def test_an_axis_has_no_missing_values(self) -> None:
        (line,) = refusal(dict(XOR) | {"grid": {"problem.gate": [None, "OR"]}})
        assert line.startswith("experiment: grid problem.gate is None; expected one of FALSE")

    @pytest.mark.parametrize("values", [[], "AND", 3, {}, None])
    def test_an_axis_is_a_list(self, values: object) -> None:
        (line,) = refusal(dict(XOR) | {"grid": {"problem.gate": values}})
        assert line.endswith("; expected a list of one value or more.")

    @pytest.mark.parametrize("path", ["seed", "name", "restarts", "grid", "init.scal", "", "a\n"])
    def test_an_axis_is_a_field_of_a_section(self, path: str) -> None:
        (line,) = refusal(dict(XOR) | {"grid": {path: [1]}})
        whole = path in ("seed", "name", "restarts")
        assert ("is unknown; expected " in line) != whole
        assert ("is one value for all configurations; expected a field of" in line) == whole
        named = "init.scale" if path == "init.scal" else "init.FIELD"
        assert (named in line) != whole

    def test_an_unquoted_path(self) -> None:
        (line,) = refusal(dict(XOR) | {"grid": {"problem": {"gate": ["OR"]}}})
        assert line.endswith('expected a quoted path, as "problem.gate" = [...].')

    def test_cells_are_limited_before_they_are_crossed(self) -> None:
        axis = [float(i) for i in range(1, 1001)]
        grid = {"init.scale": axis, "loss.l2": axis, "training.learning_rate": axis}
        (line,) = refusal(dict(XOR) | {"grid": grid})
        assert (
            line == "experiment: grid has 1,000,000,000 configurations; expected at most 100,000."
        )
        (line,) = refusal(dict(XOR) | {"grid": {"init.scale": range(1, 100_002)}})
        assert "grid init.scale has 100,001 values; expected at most 100,000" in line

    def test_an_experiment_checks_its_grid_by_itself(self) -> None:
        with pytest.raises(ValidationError, match=r"grid init\.scale is -1; expected a finite"):
            Experiment(name="x", grid={"init.scale": (-1,)})
        with pytest.raises(ExperimentError, match=r"^x: problem.gate and problem.table are miss"):
            Experiment(name="x").points()


class TestChanges:
    def test_changes(self) -> None:
        changes = {"restarts": 7, "seed": 8, "name": "y", "network.hidden": [3], "loss.l2": 0.5}
        experiment = load_experiment(XOR, changes=changes)
        assert (experiment.restarts, experiment.seed, experiment.name) == (7, 8, "y")
        assert (experiment.network.hidden, experiment.loss.l2) == ((3,), 0.5)
        assert "network" not in XOR

    def test_a_change_removes_the_axis(self) -> None:
        source = dict(XOR) | {"grid": {"init.scale": [1, 2], "loss.l2": [0, 1]}}
        experiment = load_experiment(source, changes={"init.scale": 5})
        assert experiment.grid == {"loss.l2": (0.0, 1.0)}
        assert {settings.init.scale for _, settings in experiment.points()} == {5.0}

    def test_axes_are_added_and_replaced(self) -> None:
        source = dict(XOR) | {"grid": {"init.scale": [1, 2], "loss.l2": [0, 1]}}
        grid: Any = {"network.hidden": [[], [2]], "init.scale": np.array([4.0, 5.0])}
        experiment = load_experiment(source, grid=grid)
        assert list(experiment.grid.items()) == [
            ("init.scale", (4.0, 5.0)),
            ("loss.l2", (0.0, 1.0)),
            ("network.hidden", ((), (2,))),
        ]

    def test_a_table_in_the_place_of_gates(self) -> None:
        source = {"name": "x", "problem": {"gate": "OR"}, "grid": {"problem.gate": ["A", "B"]}}
        experiment = load_experiment(source, changes={"problem.table": "t.csv"})
        assert (experiment.problem.gate, experiment.problem.table) == (None, "t.csv")
        assert experiment.grid == {}
        experiment = load_experiment(source, grid={"problem.table": ["t.csv", "u.csv"]})
        assert list(experiment.grid) == ["problem.table"]
        changes = {"problem.table": "t.csv", "problem.gate": "OR"}
        assert "expected no gate" in refusal(source, changes=changes)[0]

    def test_problems_say_where_they_come_from(self, write: Callable[[str], Path]) -> None:
        path = write('name = "x"\nseed = -1\nproblem.gate = "XOR"\n')
        changes = {"init.scale": 0, "init.scal": 1, "network": 3}
        lines = refusal(path, changes=changes, grid={"loss.l2": [-1], "losss.l2": [1]})
        assert [line.partition(";")[0] for line in lines] == [
            f"{path} with changes (--set): init.scal is unknown",
            f"{path} with changes (--set): network is 3",
            f"{path}: seed is -1",
            f"{path} with changes (--set): init.scale is 0",
            f"{path} with grid (--grid): grid loss.l2 is -1",
            f"{path} with grid (--grid): grid losss.l2 is unknown",
        ]

    @pytest.mark.parametrize(
        ("changes", "ending"),
        [
            (
                {"init": 3},
                "init is 3; expected one of its fields, as init.FIELD: distribution, scale, range, "
                "value, layer_scales, bias, bias_range, table, noise, x, y, at.",
            ),
            (
                {"network": "tanh"},
                "network.FIELD: hidden, activation, output, skip, bias, freeze, model. Did you "
                "mean network.activation and network.output?",
            ),
            ({"problem": "XOR"}, " Did you mean problem.gate?"),
            ({"loss": {"l2": 0.1}}, " Did you mean loss.l2?"),
            ({"loss": [0.1]}, "loss is [0.1]; expected one of its fields, as loss.FIELD: kind, "),
            ({"grid": 3}, "grid is 3; expected axes as grid (--grid), as in init.scale=1,2."),
            ({"extra": []}, "extra is []; expected [[extra]] in the experiment file, which"),
        ],
    )
    def test_a_whole_section_is_not_changed_and_its_fields_are_named(self, changes, ending) -> None:
        (line,) = refusal(XOR, changes=changes)
        assert line.startswith("experiment with changes (--set): ")
        assert ending in line

    @pytest.mark.parametrize("keyword", ["changes", "grid"])
    @pytest.mark.parametrize("given", [["init.scale=1"], ["seed", 1], "seed=1", 5, None])
    def test_what_maps_no_paths_is_no_change_and_no_grid(self, keyword, given) -> None:
        (line,) = refusal(XOR, **{keyword: given})
        assert line.startswith(f"{keyword} is {given!r}; expected a mapping of dotted paths, as in")

    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("problem.gate=XOR", "problem.gate", "XOR"),
            (" problem.gate = A-AND-NOT-B ", "problem.gate", "A-AND-NOT-B"),
            ("problem.gate=TRUE", "problem.gate", "TRUE"),
            ("problem.table=/a b/c#1=2.csv", "problem.table", "/a b/c#1=2.csv"),
            ("problem.table='a,b.csv'", "problem.table", "a,b.csv"),
            ('name="12"', "name", "12"),
            ("name=2024-01-31", "name", "2024-01-31"),
            ("name=12#3", "name", "12#3"),
            ("seed=12", "seed", 12),
            ("init.scale=-1e-3", "init.scale", -1e-3),
            ("network.skip=true", "network.skip", True),
            ("network.hidden=[]", "network.hidden", []),
            ("network.hidden=[2, 3]", "network.hidden", [2, 3]),
        ],
    )
    def test_parse_change(self, text: str, path: str, value: object) -> None:
        got = parse_change(text)
        assert got == (path, value)
        assert type(got[1]) is type(value)

    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("a.b=AND,OR", ["AND", "OR"]),
            ("a.b= AND , OR ", ["AND", "OR"]),
            ("a.b=[],[2]", [[], [2]]),
            ("a.b=[2,3],[ [1,2], 'x]' ]", [[2, 3], [[1, 2], "x]"]]),
            ("a.b=0.1,1,10", [0.1, 1, 10]),
            ('a.b=\'a,b.csv\',"c,\\"d"', ["a,b.csv", 'c,"d']),
            ("a.b=true,false", [True, False]),
            ("a.b=XOR", ["XOR"]),
        ],
    )
    def test_parse_axis(self, text: str, values: list[Any]) -> None:
        assert parse_axis(text) == ("a.b", values)

    @pytest.mark.parametrize("text", ["", "a.b", "=1", " =1", "a.b=", "a.b= "])
    @pytest.mark.parametrize("parse", [parse_change, parse_axis])
    def test_incomplete(self, parse: Callable[[str], object], text: str) -> None:
        with pytest.raises(ExperimentError, match=r"^--(set|grid) .*; expected|is missing; exp"):
            parse(text)

    @pytest.mark.parametrize("text", ["a.b=1,,2", "a.b=1,", "a.b=,"])
    def test_empty_values(self, text: str) -> None:
        with pytest.raises(ExperimentError, match=r"^--grid '.*': a value is missing"):
            parse_axis(text)

    @pytest.mark.parametrize(
        "value", ["[1", "'x", '"x', "{a=1", "[1]]", "[x]", "[1]\nb=2", "[" * 100_000, "{" * 9999]
    )
    @pytest.mark.parametrize("parse", [parse_change, parse_axis])
    def test_unclosed(self, parse: Callable[[str], object], value: str) -> None:
        with pytest.raises(ExperimentError, match="expected a TOML value") as caught:
            parse(f"a.b={value}")
        assert len(str(caught.value)) < 300

    @settings(deadline=None)
    @given(st.lists(st.lists(st.integers(1, 99), max_size=3), min_size=1, max_size=5))
    def test_an_axis_of_lists_comes_back(self, values: list[list[int]]) -> None:
        assert parse_axis(f"a.b={','.join(map(str, values))}") == ("a.b", values)

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text_is_parsed_or_refused(self, text: str) -> None:
        messages = []
        for parse in (parse_change, parse_axis):
            try:
                path, _ = parse(text)
            except ExperimentError as error:
                messages.append(str(error))
            else:
                assert path == text.partition("=")[0].strip()
        assert all(message.isprintable() for message in messages)


class TestFiles:
    @pytest.mark.parametrize("path", sorted((ROOT / "experiments").rglob("*.toml")), ids=str)
    def test_the_repository_s_own_experiments(self, path: Path) -> None:
        experiment = load_experiment(str(path))
        assert experiment.name == path.stem
        assert experiment.directory == path.parent
        assert experiment.points()

    def test_gates(self) -> None:
        points = load_experiment(ROOT / "experiments" / "gates.toml").points()
        expected = list(itertools.product(["AND", "OR", "XOR"], [(), (2,)]))
        assert [tuple(cell.values()) for cell, _ in points] == expected
        # The file spells out the defaults.
        assert points[-1][1] == Settings(problem=Problem(gate="XOR"))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("name = \n", "not TOML: Invalid value (at line 1, column 8)"),
            ('name = "a"\n[loss]\nl2 = 0\nl2 = 1\n', "not TOML: Cannot overwrite a value (at line"),
            (b"a = 1\nb = '\xe9'\n", "line 2 holds the byte 0xe9; expected UTF-8 text"),
            ("x = 1\n" * 200_000, "the file is too large; expected at most 1,048,576 bytes"),
            ("x = " + "[" * 500_000, "nested too deeply; expected at most 16 levels"),
            ("x = " + "[" * 20 + "]" * 20, "nested too deeply; expected at most 16 levels"),
            ("a." * 500_000 + "a = 1", "nested too deeply; expected at most 16 levels"),
            ("['a'" + " . 'a'" * 99_999 + "]", "nested too deeply; expected at most 16 levels"),
            ("seed = " + "9" * 5000, "an integer is too long; expected at most 4300 digits"),
        ],
    )
    def test_refused(
        self, write: Callable[[str | bytes], Path], content: str | bytes, message: str
    ) -> None:
        path = write(content)
        (line,) = refusal(path)
        assert line.startswith(f"{path}: {message}")
        assert len(line) < len(str(path)) + 200

    @pytest.mark.parametrize(
        ("content", "end"),
        [
            ("name = gates\n", "Line 1 is 'name = gates'. Write text in quotes."),
            ("[problem]\ngate = XOR\n", "Line 2 is 'gate = XOR'. Write text in quotes."),
            ("a = [AND, OR]\n", "Write text in quotes."),
            ("name = “gates”\n", "Write straight quotes."),
            ('name = "gates\nseed = 1\n', "End the text with the quote that it begins with."),
            ("name: gates\n", "Line 1 is 'name: gates'. Write = in place of the colon."),
            ("skip = True\n", "Write true or false, in small letters."),
            ("table = None\n", "Leave the field out."),
            ("restarts = 1,000\n", "Write a number without commas."),
            ("learning_rate = 0,5\n", "Write a decimal point."),
            ("learning_rate = .5\n", "Write a digit on both sides of a decimal point."),
            ("learning_rate = 1.\n", "Write a digit on both sides of a decimal point."),
            ("levels = [-1., 1.]\n", "Write a digit on both sides of a decimal point."),
            ("max_steps = 10k\n", "Write the number alone."),
            ("name =\n", "Write a value, or leave the field out."),
            ("[training\nmax_steps = 1\n", "Line 1 is '[training'. Close the bracket."),
            ("// XOR\n", "Begin a comment with #."),
            ('{"name": "gates"}\n', "Write TOML, as in experiments/gates.toml."),
            ("[loss]\n[loss]\n", "'[loss]'. Each section and each field stands in the file once."),
            ("a = 1\na = 2\n", "'a = 2'. Each section and each field stands in the file once."),
            ("a = [1\n", "(at end of document)."),
        ],
    )
    def test_what_is_no_toml_is_shown_with_what_to_do(
        self, write: Callable[[str], Path], content: str, end: str
    ) -> None:
        (line,) = refusal(write(content))
        assert ": not TOML: " in line
        assert line.endswith(end)

    @pytest.mark.parametrize("content", [b"a,b,y\n0,1,1\n", b"\x1f\x8b\x08\xff"])
    def test_a_table_in_place_of_an_experiment(self, tmp_path: Path, content: bytes) -> None:
        (path := tmp_path / "t.csv").write_bytes(content)
        (line,) = refusal(path)
        assert "t.csv: a table is no experiment; expected one in TOML. Make one with" in line

    def test_a_model_in_place_of_an_experiment(self, tmp_path: Path) -> None:
        (path := tmp_path / "m.py").write_text("PARAMETERS = {'w': 2}\n")
        (line,) = refusal(path)
        assert "m.py: a Python file is no experiment; expected one in TOML." in line
        assert line.endswith("as network.model = 'FILE.py:FUNCTION'.")

    def test_large_values_within_the_limit(self, write: Callable[[str], Path]) -> None:
        wide = f"name = 'x'\nproblem.gate = 'OR'\nnetwork.hidden = [{'0,' * 500_000}]\n"
        assert "network.hidden is [0, 0, " in refusal(write(wide))[0]
        hexadecimal = f"name = 'x'\nproblem.gate = 'OR'\nseed = 0x{'f' * 1_000_000}\n"
        assert "seed is an integer of 4000000 bits" in refusal(write(hexadecimal))[0]

    def test_byte_order_mark_and_crlf(self, write: Callable[[bytes], Path]) -> None:
        path = write(b"\xef\xbb\xbfname = 'x'\r\nproblem.gate = 'OR'\r\n")
        assert load_experiment(path).problem.gate == "OR"

    @pytest.mark.parametrize(
        ("path", "state"),
        [
            ("none.toml", "does not exist"),
            (".", "is a folder"),
            ("/dev/zero", "is not a regular file"),
            ("a\0b", "does not exist"),
            ("x" * 3000, "cannot be read"),
        ],
    )
    def test_not_a_file(self, path: str, state: str) -> None:
        (line,) = refusal(path)
        assert f": the file {state}" in line

    def test_mappings_are_limited_too(self) -> None:
        loop: list[Any] = []
        loop.append(loop)
        assert "nested too deeply" in refusal(dict(XOR) | {"seed": loop})[0]

    def test_values_of_numpy_and_paths(self) -> None:
        source = {
            "name": "x",
            "restarts": np.int64(5),
            "problem": {"table": Path("a") / "b.csv"},
            "grid": {"init.scale": np.linspace(1, 2, 3), "network.hidden": [(2,), np.array([3])]},
        }
        experiment = load_experiment(source)
        assert experiment.restarts == 5
        assert experiment.problem.table == str(Path("a") / "b.csv")
        assert experiment.grid == {"init.scale": (1.0, 1.5, 2.0), "network.hidden": ((2,), (3,))}


class TestAnything:
    scalars = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
    )
    values = st.recursive(
        scalars,
        lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v),
        max_leaves=5,
    )
    any_value = values | st.sampled_from([v for _, bad in BAD.values() for v in bad])
    paths = st.sampled_from([*BAD, "grid", "network", "zz", "init.zz"]) | st.text(max_size=8)

    @settings(deadline=None)
    @given(
        fields=st.dictionaries(paths, any_value | st.lists(any_value, max_size=3), max_size=4),
        grid=st.dictionaries(paths, st.lists(any_value, max_size=3), max_size=3),
        changes=st.dictionaries(paths, any_value, max_size=2),
        axes=st.dictionaries(paths, st.lists(any_value, max_size=3), max_size=2),
    )
    def test_any_mapping_loads_or_is_refused_in_words(
        self, fields: Any, grid: Any, changes: Any, axes: Any
    ) -> None:
        source: dict[str, Any] = {"name": "x", "problem": {"gate": "XOR"}, "grid": grid}
        for path, value in fields.items():
            section, _, field = path.partition(".")
            if field and isinstance(source.setdefault(section, {}), dict):
                source[section][field] = value
            else:
                source[section] = value
        messages = ""
        try:
            experiment = load_experiment(source, changes=changes, grid=axes)
        except ExperimentError as error:
            messages = str(error)
        else:
            assert len(experiment.points()) >= 1
        for line in messages.splitlines():
            assert line.startswith("experiment")
            assert line.isprintable()

    @settings(deadline=None)
    @given(st.data())
    def test_a_damaged_file_loads_or_is_refused_in_words(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        content = bytearray((ROOT / "experiments" / "gates.toml").read_bytes())
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(start + 20, len(content))))
        content[start:stop] = data.draw(st.binary(max_size=5))
        path = tmp_path_factory.mktemp("damaged") / "x.toml"
        path.write_bytes(content)
        messages = ""
        try:
            experiment = load_experiment(path)
        except ExperimentError as error:
            messages = str(error)
        else:
            assert len(experiment.points()) >= 1
        for line in messages.splitlines():
            assert line.startswith(f"{path}: ")
            assert line.isprintable()


class TestDumps:
    @settings(deadline=None)
    @given(
        fields=st.fixed_dictionaries({}, optional=dict(GOOD)),
        grid=st.fixed_dictionaries(
            {},
            optional={
                path: st.lists(GOOD[path], min_size=1, max_size=3, unique_by=repr)
                for path in ("network.hidden", "problem.gate", "network.skip")
            },
        ),
    )
    def test_a_dump_loads_as_the_same(self, fields: dict[str, Any], grid: dict[str, Any]) -> None:
        required = {"name": "x", "problem.gate": "XOR", "training.optimizer": "momentum"}
        experiment = load_experiment(nested(required | fields) | {"grid": grid})
        dump = experiment.model_dump(mode="json")
        assert "directory" not in dump
        again = load_experiment(json.loads(json.dumps(dump)))
        assert again == experiment
        assert again.points() == experiment.points()

    @pytest.mark.parametrize("grid", [{}, {"problem.table": ["t.csv", "u.csv"]}])
    def test_a_dump_with_a_table_loads_as_the_same(self, grid: dict[str, Any]) -> None:
        problem = {} if grid else {"table": "t.csv"}
        experiment = load_experiment({"name": "x", "problem": problem, "grid": grid})
        again = load_experiment(experiment.model_dump(mode="json"))
        assert again == experiment

    def test_a_dump_has_no_missing_values(self) -> None:
        source = {"name": "x", "problem": {"gate": None, "table": "t.csv"}}
        assert load_experiment(source).model_dump()["problem"] == {"table": "t.csv"}

    def test_canonical_has_every_field(self) -> None:
        weights = [f"{name}=1" for name in ("W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "b1[0]")]
        at = (*weights, "b1[1]=2", "b2[0]=3")
        init = Init(distribution="slice", x="W2[0,0]=0:1:3", y="W2[0,1]=0:1:3", at=at)
        canonical = Settings(problem=Problem(gate="XOR"), init=init).canonical()
        paths = [f"{section}.{field}" for section, fields in canonical.items() for field in fields]
        # a model stands in place of the network's other fields: tests/network/custom/test_model.py
        # and what is optional and not set is no part of a configuration
        assert set(paths) <= set(PATHS)
        assert {"init.x", "init.y", "init.at"} <= set(paths)
        for section, kind in SECTIONS.items():
            absent = {f for f in kind.model_fields if f"{section}.{f}" not in paths}
            assert absent == {f for f in absent if kind.model_fields[f].default is None}
        assert json.loads(json.dumps(canonical)) == canonical

    @settings(deadline=None)
    @given(st.sampled_from(sorted(set(GOOD) - {"name", "seed", "restarts"})), st.data())
    def test_canonical_differs_where_settings_differ(self, path: str, data: st.DataObject) -> None:
        def of(value: Any) -> Settings:
            fields = {"problem.gate": "XOR", "training.optimizer": "momentum", path: value}
            return load_experiment({"name": "x"} | nested(fields)).points()[0][1]

        one, two = of(data.draw(GOOD[path])), of(data.draw(GOOD[path]))
        assert (one == two) == (one.canonical() == two.canonical())

    def test_canonical_of_equal_numbers_is_equal(self) -> None:
        texts = {
            json.dumps(load_experiment(dict(XOR) | {"loss": {"l2": l2}}).points()[0][1].canonical())
            for l2 in (0, 0.0, -0.0)
        }
        assert len(texts) == 1

    def test_canonical_leaves_the_table_s_path_out(self) -> None:
        one, two = (Settings(problem=Problem(table=name)).canonical() for name in "ab")
        assert one == two
        assert one != Settings(problem=Problem(gate="XOR")).canonical()
