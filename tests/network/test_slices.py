"""Grids of starts: exact values, order, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.experiment.slice import sliced
from runner.network.slices import Axis, Slice, fixed_weights, parse_axis, parse_weight

ROOT = Path(__file__).parents[2]
NAMES = (*("W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]"), *("b1[0]", "b1[1]"), "W2[0,0]", "W2[0,1]")
NAMES = (*NAMES, "b2[0]")
INIT = {
    "distribution": "slice",
    "x": "W1[0,0]=-1:1:5",
    "y": "b2[0]=0:2:3",
    "at": [f"{name}=0.5" for name in NAMES if name not in ("W1[0,0]", "b2[0]")],
}
CONTENT = {"name": "s", "problem": {"gate": "XOR"}, "init": INIT}


def refused(**changes) -> str:
    init = {key: value for key, value in (INIT | changes).items() if value is not None}
    with pytest.raises(ExperimentError) as caught:
        load_experiment({**CONTENT, "init": init})
    return str(caught.value)


def test_the_starts_are_the_points_of_the_grid() -> None:
    plan = Plan(load_experiment(CONTENT))
    assert plan.experiment.restarts == 15
    (configuration,) = plan.configurations
    drawn = configuration.starts(plan.experiment.seed).draw(0, 15)
    names = configuration.architecture.parameter_names
    assert drawn.shape == (9, 15)
    for k in range(15):
        start = dict(zip(names, drawn[:, k].tolist(), strict=True))
        assert start.pop("W1[0,0]") == [-1, -0.5, 0, 0.5, 1][k % 5]
        assert start.pop("b2[0]") == [0, 1, 2][k // 5]
        assert set(start.values()) == {0.5}


@given(st.integers(2, 9), st.integers(2, 9), st.data())
def test_any_range_of_starts_is_part_of_the_whole(nx: int, ny: int, data) -> None:
    grid = Slice(Axis("W1[0,0]", -3, 4, nx), Axis("b2[0]", 1, 2, ny), dict.fromkeys(NAMES, 0.1))
    start = data.draw(st.integers(0, nx * ny))
    stop = data.draw(st.integers(start, nx * ny))
    whole = grid.draw(NAMES, 0, nx * ny)
    assert (grid.draw(NAMES, start, stop) == whole[:, start:stop]).all()
    assert len(np.unique(whole, axis=1).T) == nx * ny


@given(
    st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10_000), st.sampled_from(NAMES)
)  # fmt: skip
def test_an_axis_is_read_as_it_is_written(low: float, width: float, n: int, name: str) -> None:
    axis = parse_axis(f"{name}={low!r}:{low + width!r}:{n}")
    assert axis == Axis(name, low + 0.0, low + width, n)
    assert axis.values()[[0, -1]].tolist() == [axis.low, axis.high]


@pytest.mark.parametrize(
    "text",
    [
        *("", "W1[0,0]", "W1[0,0]=1:2", "W1[0,0]=2:1:5", "W1[0,0]=1:1:5", "W1[0,0]=0:1:1"),
        *("W1[0,0]=0:nan:5", "W1[0,0]=0:1e999:5", "W1[0,0]=0:1:20000", "W1=0:1:5", "x=0:1:5"),
        *("W1[0,0]=0:1:5:6", "W1[0,0]=0:1:5.5", "W1[0,0]=1-1:2:5"),
    ],
)
def test_what_is_no_axis_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_axis(text)
    assert "as in 'W1[0,0]=-10:10:200'" in refused(x=text)


def test_fixed_weights_are_read_once_each() -> None:
    assert parse_weight(" b1[0] = -0.6 ") == ("b1[0]", -0.6)
    with pytest.raises(ValueError, match="twice"):
        fixed_weights(["b1[0]=1", "b1[0]=2"])
    assert "each weight once" in refused(at=[*INIT["at"], "b1[0]=2"])


def test_a_slice_that_does_not_fit_says_how() -> None:
    others = [w for w in INIT["at"] if not w.startswith("b1[0]")]
    assert "there is none for b1[0]." in refused(at=others)
    assert "not W9[0,0]" in refused(at=[*INIT["at"], "W9[0,0]=1"])
    assert "not b2[0] twice" in refused(x="b2[0]=0:1:4")
    assert "either as x or y or in at" in refused(at=[*INIT["at"], "b2[0]=1"])
    assert "init.y is missing" in refused(y=None)
    assert "init.scale is 2.0; expected 1" in refused(scale=2.0)
    assert "init.x is" in refused(distribution="uniform", y=None)
    with pytest.raises(ExperimentError, match="expected 15, the points of"):
        load_experiment({**CONTENT, "restarts": 14})


def test_other_experiments_say_nothing_of_slices() -> None:
    experiment = load_experiment(ROOT / "experiments" / "gates.toml")
    assert set(experiment.model_dump(mode="json")["init"]) == {"distribution", "scale"}


def test_a_stored_slice_is_the_same_slice() -> None:
    experiment = load_experiment(ROOT / "experiments" / "slice.toml")
    assert experiment.restarts == 10_000
    again = load_experiment(experiment.model_dump(mode="json"))
    assert again.init == experiment.init
    assert Plan(again).configurations[0].id == Plan(experiment).configurations[0].id


def test_the_other_weights_are_those_of_restart_0() -> None:
    source = ROOT / "experiments" / "width.toml"
    changes = {"network.hidden": [2]}
    experiment = sliced(source, "W1[0,0]=-10:10:4", "b2[0]=-1:1:3", ["b1[0]=0.25"], changes)
    assert (experiment.name, experiment.restarts) == ("width-slice", 12)
    base = Plan(load_experiment(source, changes=changes))
    start = base.configurations[0].starts(base.experiment.seed).draw(0, 1)[:, 0]
    drawn = Plan(experiment).configurations[0].starts(experiment.seed).draw(0, 12)
    names = base.configurations[0].architecture.parameter_names
    for row, name in enumerate(names):
        expected = {
            "W1[0,0]": np.tile(np.linspace(-10, 10, 4), 3),
            "b2[0]": np.repeat([-1.0, 0.0, 1.0], 4),
            "b1[0]": 0.25,
        }.get(name, start[row])
        assert (drawn[row] == expected).all()


def test_a_slice_takes_the_place_of_other_starts(tmp_path) -> None:
    source = tmp_path / "a.toml"
    source.write_text('name = "a"\nproblem.gate = "XOR"\ninit = {range = [0, 1], bias = 0}\n')
    experiment = sliced(source, "W1[0,0]=-10:10:4", "b2[0]=-1:1:3")
    assert "b1[0]=0.0" in experiment.init.at
    assert experiment.init.bias is None


def test_a_wrong_slice_of_an_experiment_is_refused() -> None:
    source = ROOT / "experiments" / "gates.toml"
    with pytest.raises(ExperimentError, match=r"--x is 'q'.*\n--at is 'r'"):
        sliced(source, "q", "b2[0]=-1:1:3", ["r"])
    with pytest.raises(ExperimentError, match="weights of the network"):
        sliced(source, "W1[7,0]=0:1:3", "b1[0]=-1:1:3")
