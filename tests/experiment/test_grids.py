"""Ranges, axes that vary together, cells that are left out, and single extra configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.cli.printed_tables import summary_table
from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment, parse_axis
from runner.experiment.plan import Plan
from runner.study.tables.plan_tables import configurations
from runner.training.labels import LABELS

XOR: dict[str, Any] = {"name": "t", "restarts": 1, "problem": {"gate": "XOR"}}
TOGETHER = "init.scale,training.learning_rate"


def axis(written: object, path: str = "init.scale") -> tuple[Any, ...]:
    return load_experiment(XOR | {"grid": {path: written}}).grid[path]


def points(**more: Any) -> list[dict[str, Any]]:
    return [point for point, _ in load_experiment(XOR | more).points()]


def refusal(**more: Any) -> str:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(XOR | more)
    return str(caught.value)


class TestRanges:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("linspace(0.1, 1, 10)", np.linspace(0.1, 1, 10)),
            ("linspace(2,1,3)", np.linspace(2, 1, 3)),
            ("logspace(-3, 1, 9)", np.logspace(-3, 1, 9)),
            ("logspace(-3,0,4)", [0.001, 0.01, 0.1, 1]),
            ("range(1, 4)", np.arange(1, 4)),
            ("range(0.1, 1, 0.1)", np.arange(0.1, 0.95, 0.1)),
            ("range(3, 1, -0.5)", np.arange(3, 1, -0.5)),
        ],
    )
    def test_are_those_of_numpy(self, text: str, expected: Any) -> None:
        name, _, arguments = text.rstrip(")").partition("(")
        table = {name: [float(x) for x in arguments.split(",")]}
        for written in (text, table, [text], [table]):
            np.testing.assert_allclose(axis(written), expected, rtol=1e-15)

    def test_are_exact_in_decimal(self) -> None:
        assert axis("range(0.1, 1, 0.1)") == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

    def test_beside_other_values(self) -> None:
        assert axis([0.5, "range(1, 3)", {"linspace": [10, 20, 2]}]) == (0.5, 1, 2, 10, 20)

    def test_of_integers_and_of_widths(self) -> None:
        assert axis("linspace(100, 300, 3)", "training.max_steps") == (100, 200, 300)
        assert axis("range(2, 5)", "network.hidden") == ((2,), (3,), (4,))

    def test_on_the_command_line(self) -> None:
        path, values = parse_axis("init.scale=0.1,linspace(1, 2, 3),[4]")
        assert values == [0.1, "linspace(1, 2, 3)", [4]]
        grid = dict([parse_axis("init.scale=logspace(-1,1,3)")])
        assert load_experiment(XOR, grid=grid).grid == {path: (0.1, 1, 10)}

    @pytest.mark.parametrize(
        "text",
        [
            *("range(1)", "range(1, 2, 0)", "range(2, 1)", "range(1, nan)", "range(0, 1, 1e-9)"),
            *("linspace(0.1, 1)", "linspace(1, 2, 2.5)", "linspace(1, 2, 1)", "linspace(a, b, 3)"),
            *("logspace(0, 301, 3)", "linspace(0, 1e999999, 3)", "linspace(0, 1, 1000001)"),
        ],
    )
    def test_refuses(self, text: str) -> None:
        line = refusal(grid={"init.scale": text})
        assert line.startswith(f"experiment: grid init.scale is {text!r}; expected {text[:5]}")
        assert "\n" not in line


class TestTogether:
    GRID: ClassVar = {"problem.gate": ["AND", "XOR"], TOGETHER: [[0.5, 1], [1, 2]]}

    def test_one_point_for_each_list(self) -> None:
        got = [tuple(point.values()) for point in points(grid=self.GRID)]
        assert got == [(g, s, r) for g in ("AND", "XOR") for s, r in ((0.5, 1.0), (1.0, 2.0))]

    def test_the_tables_have_a_column_for_each(self) -> None:
        plan = Plan(load_experiment(XOR | {"grid": self.GRID}))
        frame = configurations(plan)
        assert list(frame.columns[:3]) == ["problem.gate", *TOGETHER.split(",")]
        assert frame["init.scale"].tolist() == [0.5, 1, 0.5, 1]
        stored = plan.canonical()
        again = Plan(load_experiment(stored["experiment"]), tables=stored["tables"])
        assert again.canonical() == stored

    def test_a_change_takes_its_path_out(self) -> None:
        raw = XOR | {"grid": self.GRID}
        changed = load_experiment(raw, changes={"init.scale": 3})
        assert changed.grid["training.learning_rate"] == (1, 2)
        assert changed.init.scale == 3
        crossed = load_experiment(raw, grid={"training.learning_rate": [1, 2, 3]})
        assert len(crossed.points()) == 2 * 2 * 3

    @pytest.mark.parametrize(
        ("grid", "message"),
        [
            ({TOGETHER: [[1]]}, "is [1]; expected lists of 2 values, one for each of init.scale,"),
            ({TOGETHER: [1, 2]}, "is 1; expected lists of 2 values"),
            ({TOGETHER: [[1, -1]]}, "grid training.learning_rate is -1; expected a finite number"),
            ({TOGETHER: [[1, 2], [1.0, 2.0]]}, "has a point twice"),
            ({"init.scale,init.scal": [[1, 2]]}, "init.scal is unknown"),
            ({TOGETHER: [[1, 2]], "init.scale": [1]}, "grid init.scale is in more than one axis"),
        ],
    )
    def test_refuses(self, grid: dict[str, Any], message: str) -> None:
        assert message in refusal(grid=grid)


class TestCells:
    GRID: ClassVar = {"problem.gate": ["AND", "XOR"], "network.hidden": [[], [2]]}

    def test_left_out(self) -> None:
        exclude = [{"problem.gate": "XOR", "network.hidden": []}]
        got = [tuple(point.values()) for point in points(grid=self.GRID, exclude=exclude)]
        assert got == [("AND", ()), ("AND", (2,)), ("XOR", (2,))]

    def test_extra(self) -> None:
        extra = [{"network.hidden": [4], "training.optimizer": "adam"}]
        experiment = load_experiment(XOR | {"grid": self.GRID, "extra": extra})
        got = experiment.points()
        assert len(got) == 5
        assert got[-1][0] == {
            "problem.gate": "XOR",
            "network.hidden": (4,),
            "training.optimizer": "adam",
        }
        assert got[-1][1].training.optimizer == "adam"
        assert got[0][0]["training.optimizer"] == "gradient-descent"
        assert tuple(got[0][0]) == experiment.axes
        plan = Plan(experiment)
        assert len({c.id for c in plan.configurations}) == 5
        stored = plan.canonical()
        assert Plan(load_experiment(stored["experiment"]), tables={}).canonical() == stored

    def test_ids_are_those_of_the_whole_grid(self) -> None:
        whole = Plan(load_experiment(XOR | {"grid": self.GRID})).configurations
        some = XOR | {"grid": self.GRID, "exclude": [{"problem.gate": "AND"}]}
        assert [c.id for c in Plan(load_experiment(some)).configurations] == [
            c.id for c in whole[2:]
        ]

    def test_a_grid_without_them_is_stored_as_before(self) -> None:
        dump = load_experiment(XOR | {"grid": self.GRID}).model_dump(mode="json")
        assert not {"exclude", "extra"} & dump.keys()

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"exclude": {"a": 1}}, "exclude is {'a': 1}; expected tables, [[exclude]]"),
            ({"exclude": [{"init.scale": 1}]}, "exclude init.scale is no axis of the grid"),
            ({"exclude": [{"problem.gate": "OR"}]}, "'OR'; expected one of the grid's values"),
            ({"exclude": [{"problem.gate": 1}]}, "exclude problem.gate is 1; expected"),
            (
                {"exclude": [{"problem.gate": "AND"}, {"problem.gate": "XOR"}]},
                "exclude leaves nothing of the grid",
            ),
            ({"extra": [{}]}, "extra is {}; expected a table of dotted path = value."),
            ({"extra": [{"init.sale": 1}]}, "extra init.sale is unknown"),
            ({"extra": [{"network.hidden": [2]}]}, "extra has a configuration that is there"),
            ({"extra": [{"network": {"hidden": [3]}}]}, "Write paths in quotes"),
        ],
    )
    def test_refuses(self, more: dict[str, Any], message: str) -> None:
        assert message in refusal(grid=self.GRID, **more)


def test_the_dry_run_says_how_many(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(
        'name = "t"\nrestarts = 10\n[problem]\ngate = "XOR"\n[grid]\n'
        '"init.scale" = { linspace = [0.1, 1, 10] }\n'
        '"network.hidden,training.learning_rate" = [[[2], 1], [[3], 2]]\n'
        '[[exclude]]\n"init.scale" = 1\n"network.hidden" = [3]\n'
        '[[extra]]\n"init.scale" = 5\n'
    )
    done = CliRunner().invoke(app, ["sweep", str(path), "--dry-run"])
    assert done.exit_code == 0, done.stderr
    assert "20 configurations" in done.stdout + done.stderr


def test_a_field_that_a_configuration_lacks_is_an_empty_cell() -> None:
    raw = XOR | {"extra": [{"training.optimizer": "adam", "training.beta1": 0.5}]}
    raw |= {"grid": {"network.hidden": [[2]]}}
    frame = configurations(Plan(load_experiment(raw)))
    for name in ("success_rate", "ci_low", "ci_high", "loss_median", "n", *list(LABELS)):
        frame[name] = 0
    cells = {column.name: column.cells for column in summary_table(frame, ["training.beta1"])}
    assert cells["beta1"] == ["", "0.5"]


def test_points_on_the_command_line_may_stand_in_one_list_as_in_a_file() -> None:
    expected = (TOGETHER, [[0.5, 1], [2, 3]])
    assert parse_axis(f"{TOGETHER}=[[0.5, 1], [2, 3]]") == expected
    assert parse_axis(f"{TOGETHER}=[0.5, 1],[2, 3]") == expected
    assert parse_axis("network.hidden=[[2], [3]]") == ("network.hidden", [[[2], [3]]])
