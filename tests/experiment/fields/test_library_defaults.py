"""`like`: the same losses as the programs themselves, from the same starts."""

from __future__ import annotations

import json
import runpy
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.plain import Net, Rule
from support.plain import train as train_plain

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.library_defaults import LIKES
from runner.experiment.fields.sections import CONSTANTS
from runner.experiment.plan import Plan
from runner.network.optimizers.registry import OPTIMIZERS
from runner.training.lanes import train
from runner.training.worker import Task, prepare

ROOT = Path(__file__).parents[3]
RECORDED = json.loads((Path(__file__).parent / "likes.json").read_text())
SCRIPT = runpy.run_path(str(ROOT / "docs" / "likes.py"))
TOLERANCES = {"float64": 1e-10, "float32": 1e-5}
CLOSER = {"fann": {"float64": 1e-12, "float32": 2e-6}}
"""What FANN is held to: it does the same in nearly the same order."""
AT_MINIMA = {"float64": 5e-9, "float32": 1e-6}
"""scikit-learn leaves SciPy's L-BFGS-B its own tolerance, 2e-9 of the loss, whatever `tol` is."""


def trained(content: dict, starts: np.ndarray):
    plan = Plan(load_experiment(content))
    (configuration,) = plan.configurations
    n = len(starts)
    work = prepare(Task(plan.segments(Batch(0, 0, n)), plan.experiment.seed, "pytensor", 0))
    work = replace(work, starts=starts.T)
    return train(compiled("pytensor", configuration.signature()), work)


@pytest.mark.parametrize("case", RECORDED["losses"])
def test_losses_are_those_of_the_program_itself(case) -> None:
    """What torch 2.13 and scikit-learn came to: docs/likes.py has written it."""
    system, optimizer, dtype = case.split()
    starts = np.array(RECORDED["starts"][system])
    found = trained(SCRIPT["experiment"](system, optimizer, dtype), starts)
    epochs = found.steps // (4 if (system, optimizer) == ("fann", "momentum") else 1)
    assert (epochs == SCRIPT["steps_of"](optimizer, dtype)).all()
    # The loss at the start is another: what is compared is what a hundred steps have made.
    moved = np.abs(found.state[:9].T - starts).max(axis=1)
    assert (moved > 0.01).all()
    closer = AT_MINIMA if optimizer == "lbfgs" else CLOSER.get(system, TOLERANCES)
    closer = TOLERANCES if optimizer == "quickprop" else closer
    wanted = np.array(RECORDED["losses"][case])
    np.testing.assert_allclose(found.seen.loss, wanted, rtol=0, atol=closer[dtype])


@pytest.mark.parametrize("case", RECORDED["later"])
def test_after_100_epochs_fann_is_met_as_often_as_it_meets_itself(case) -> None:
    """FANN's own losses from starts one last digit up say what rounding makes of a path.

    Its RPROP follows signs of rounding errors once outputs are all but exact, and its quickprop
    divides by differences of slopes.
    """
    optimizer, dtype = case.split()
    content = SCRIPT["experiment"]("fann", optimizer, dtype, SCRIPT["LATER"])
    found = trained(content, np.array(RECORDED["starts"]["fann"]))
    losses = {name: np.array(values) for name, values in RECORDED["later"][case].items()}
    ours, own = (
        np.mean(np.abs(other - losses["fann"]) <= TOLERANCES[dtype])
        for other in (found.seen.loss, losses["a digit up"])
    )
    assert ours >= own - 0.1


def test_every_case_of_the_script_was_recorded() -> None:
    cases = {" ".join((*case, dtype)) for case in SCRIPT["CASES"] for dtype in TOLERANCES}
    assert set(RECORDED["losses"]) == cases


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_keras_is_held_to_its_documented_formulas(optimizer) -> None:
    content = {
        "name": "keras",
        "like": "keras",
        "restarts": 3,
        "problem": {"gate": "XOR"},
        "training": {"optimizer": optimizer, "max_steps": 50, "learning_rate": 0.02},
    }
    (configuration,) = Plan(load_experiment(content)).configurations
    starts = configuration.starts(1990).draw(0, 3)
    names = configuration.architecture.parameter_names
    biases = [i for i, name in enumerate(names) if name.startswith("b")]
    assert (starts[biases] == 0).all()
    bound = np.sqrt(6 / 4)
    assert (np.abs(starts[:4]) < bound).all()
    assert (np.abs(starts[:4]) > 0.2 * bound).any()
    found = trained(content, starts.T)
    constants = {
        "rmsprop": {"decay": 0.9, "epsilon": 1e-7, "epsilon_in_root": 1.0},
        "adam": {"epsilon": 1e-7, "epsilon_hat": 1.0},
    }[optimizer]
    table = configuration.table
    net = Net((2,), "sigmoid", "sigmoid", "cross-entropy", "mean", table.inputs, table.targets)
    for k in range(3):
        path = train_plain(net, Rule(optimizer, 0.02, constants=constants), starts[:, k], 50)
        np.testing.assert_allclose(found.state[:9, k], path[-1], rtol=1e-9)


@pytest.mark.parametrize("system", LIKES)
def test_what_is_set_stays_and_everything_else_is_written_out(system) -> None:
    for optimizer, fields in LIKES[system].optimizers.items():
        assert optimizer in OPTIMIZERS
        set_here = {"optimizer": optimizer, "learning_rate": 0.123}
        content = {"name": "t", "like": system, "problem": {"gate": "XOR"}, "training": set_here}
        experiment = load_experiment(content)
        assert experiment.training.learning_rate == 0.123
        written = experiment.model_dump(mode="json")
        assert "like" not in written
        for field, value in fields.items():
            if field != "learning_rate":
                assert written["training"][field] == value
                assert field in {*CONSTANTS, "momentum"}
        again = load_experiment(written)
        assert again.points() == experiment.points()


def test_an_axis_of_the_grid_is_not_filled_in() -> None:
    experiment = load_experiment(
        {
            "name": "t",
            "like": "pytorch",
            "problem": {"gate": "XOR"},
            "grid": {"init.distribution": ["normal", "pytorch"]},
        }
    )
    assert len(experiment.points()) == 2
    other = load_experiment({"name": "t", "problem": {"gate": "XOR"}}, changes={"like": "keras"})
    assert other.training.optimizer == "rmsprop"


@pytest.mark.parametrize("like", LIKES)
@pytest.mark.parametrize(
    ("init", "starts"),
    [
        ({"range": [0, 1]}, ("uniform", 1.0)),
        ({"distribution": "constant"}, ("constant", 1.0)),
        ({"distribution": "glorot-uniform"}, ("glorot-uniform", 1.0)),
        ({"distribution": "normal", "scale": 0.3}, ("normal", 0.3)),
    ],
)
def test_starts_that_are_set_keep_a_width_of_their_own(like, init, starts) -> None:
    """±0.1 is FANN's width of uniform starts, and no factor of another distribution's."""
    content = {"name": "t", "like": like, "problem": {"gate": "XOR"}}
    ((_, settings),) = load_experiment(content | {"init": init}).points()
    assert (settings.init.distribution, settings.init.scale) == starts
    axes = {f"init.{field}": [value] for field, value in init.items()}
    ((_, crossed),) = load_experiment(content | {"grid": axes}).points()
    assert crossed.init == settings.init


@pytest.mark.parametrize("like", LIKES)
def test_a_width_alone_is_one_of_the_programs_own_starts(like) -> None:
    content = {"name": "t", "like": like, "problem": {"gate": "XOR"}, "init": {"scale": 0.3}}
    init = load_experiment(content).init
    assert (init.distribution, init.scale) == (LIKES[like].fields["init.distribution"], 0.3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"like": "torch"}, "like is 'torch'; expected one of 'pytorch', 'keras'"),
        ({"like": 1}, "like is 1; expected one of"),
        (
            tomllib.loads((ROOT / "experiments" / "gates.toml").read_text()) | {"like": "fann"},
            "like is 'fann'; expected something that it can fill in, but all its fields are ",
        ),
        (
            tomllib.loads((ROOT / "experiments" / "gates.toml").read_text()) | {"like": "pytorch"},
            "like is 'pytorch'; expected something that it can fill in, but all its fields are "
            "set, 'init.distribution', 'training.learning_rate' to other values. Take them out.",
        ),
        (
            {"like": "pytorch", "training": {"optimizer": "quickprop"}},
            "training.optimizer is 'quickprop'; expected one of 'gradient-descent'",
        ),
        (
            {"like": "keras", "grid": {"training.optimizer": ["adam", "rmsprop"]}},
            "expected one optimizer with like 'keras'",
        ),
        (
            {
                "like": "keras",
                "grid": {
                    "training.optimizer,training.learning_rate": [["adam", 0.1], ["rmsprop", 0.2]]
                },
            },
            "expected one optimizer with like 'keras'",
        ),
        ({"like": "keras", "training": 3}, "training is 3; expected a table, [training]"),
    ],
)
def test_what_cannot_be_filled_in_is_refused(content, words) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment({"name": "t", "problem": {"gate": "XOR"}} | content)
    assert words in str(caught.value)
