"""A custom model as a file: what is read of it without executing any of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.network.alignment import align
from runner.network.canonical_images import canonical_images, multiplicities
from runner.network.custom.model import CustomModel
from runner.network.custom.source import MAX_BYTES, MAX_PARAMETERS, make_model, read_source
from runner.network.starts.stream import Starts
from runner.network.symmetry import Symmetries

SOURCE = 'PARAMETERS = {"w": 2, "V": (2, 3)}\ndef loss(T, parameters, inputs, targets): ...\n'
EXPERIMENT = {"name": "own", "restarts": 4, "problem": {"gate": "XOR"}}


def plan(folder: Path, source: str = SOURCE, name: str = "own.py:loss", **sections) -> Plan:
    (folder / "own.py").write_text(source)
    content = EXPERIMENT | {"network": {"model": name}} | sections
    experiment = load_experiment(content).model_copy(update={"directory": folder})
    return Plan(experiment)


def model(source: str = SOURCE, name: str = "own.py:loss") -> CustomModel:
    return make_model(name, source, 2, 1)


def test_parameters_are_named_as_the_file_reaches_them() -> None:
    net = model()
    names = ["w[0]", "w[1]", "V[0,0]", "V[0,1]", "V[0,2]", "V[1,0]", "V[1,1]", "V[1,2]"]
    assert list(net.parameter_names) == names
    assert net.n_parameters == 8
    assert net.blocks() == [(slice(0, 2), (2,)), (slice(2, 8), (2, 3))]
    assert net.title == "own.py:loss"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def loss(): ...", "own.py: PARAMETERS is missing; expected a literal"),
        ("PARAMETERS = {}\ndef loss(): ...", r"line 1: PARAMETERS is \{\}; expected a literal"),
        ("\nPARAMETERS = ['w']\ndef loss(): ...", r"line 2: PARAMETERS is \['w'\]; expected"),
        ("PARAMETERS = dict(w=2)\ndef loss(): ...", "PARAMETERS is computed; expected a literal"),
        ("PARAMETERS = {'w': 0}\ndef loss(): ...", "has 'w': 0; expected a name of letters"),
        ("PARAMETERS = {'w': True}\ndef loss(): ...", "has 'w': True; expected a name"),
        ("PARAMETERS = {'w': (1, 2, 3)}\ndef loss(): ...", "a number or two"),
        ("PARAMETERS = {'a b': 1}\ndef loss(): ...", "has 'a b': 1; expected a name"),
        ("PARAMETERS = {'w': (40, 40)}\ndef loss(): ...", "has 1,600 parameters; expected at most"),
        ("PARAMETERS = {'w': 1}\ndef los(): ...", "no function 'loss'; expected .* has 'los'"),
        ("PARAMETERS = {'w': 1}\ndef loss(:\n", "own.py: line 2: invalid syntax"),
        ("PARAMETERS = {'w': 1}\n" + "(" * 5000, "own.py: .*expected Python"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(source, expected) -> None:
    with pytest.raises(runner.ExperimentError, match=expected):
        model(source)


def test_as_many_parameters_as_allowed() -> None:
    source = f"PARAMETERS = {{'w': {MAX_PARAMETERS}}}\ndef loss(): ..."
    assert model(source).n_parameters == MAX_PARAMETERS


def test_a_file_that_cannot_be_read_is_named(tmp_path) -> None:
    with pytest.raises(runner.ExperimentError, match=r"own.py: cannot be read: No such file"):
        read_source("own.py:loss", tmp_path)
    (tmp_path / "own.py").write_bytes(b"x = 1\n# \xff")
    with pytest.raises(runner.ExperimentError, match="line 2 is not UTF-8"):
        read_source("own.py:loss", tmp_path)
    (tmp_path / "own.py").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(runner.ExperimentError, match="too large; expected at most 65,536 bytes"):
        read_source("own.py:loss", tmp_path)


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            {"network": {"model": "own.py:loss", "hidden": [2]}},
            r"network.hidden is \[2\]; expected",
        ),
        ({"network": {"model": "own.py:loss", "skip": False}}, "network.skip is False; expected"),
        ({"loss": {"kind": "cross-entropy"}}, "loss.kind is 'cross-entropy'; expected nothing"),
        ({"loss": {"reduction": "sum"}}, "loss.reduction is 'sum'; expected nothing with"),
        ({"init": {"distribution": "he-normal"}}, "'constant' or 'slice' with network"),
        ({"init": {"distribution": "glorot-uniform"}}, "whose layers are not known"),
        ({"training": {"optimizer": "perceptron"}}, "training.optimizer is 'perceptron'; expected"),
    ],
)
def test_what_a_model_decides_itself_is_refused(sections, expected) -> None:
    content = EXPERIMENT | {"network": {"model": "own.py:loss"}} | sections
    with pytest.raises(runner.ExperimentError, match=expected):
        load_experiment(content)


def test_a_model_may_have_l2_and_targets_of_any_level() -> None:
    content = EXPERIMENT | {"network": {"model": "own.py:loss"}, "loss": {"l2": 0.1}}
    content["problem"] = {"gate": "XOR", "targets": [-1, 1]}
    assert load_experiment(content).loss.l2 == 0.1


def test_planning_executes_nothing(tmp_path) -> None:
    flag = tmp_path / "executed"
    made = plan(tmp_path, f"{SOURCE}open({str(flag)!r}, 'w')\n")
    assert made.configurations[0].architecture.n_parameters == 8
    assert made.canonical()["models"]["own.py:loss"]["source"].startswith("PARAMETERS")
    assert not flag.exists()
    with pytest.raises(
        runner.ExperimentError, match=r"that you trust\. Read it, then pass --trust-"
    ):
        made.trusting(False)
    assert made.trusting(True).canonical() == made.canonical()
    assert made.trusting(True).configurations[0].architecture.is_trusted
    assert not made.configurations[0].architecture.is_trusted


def test_a_changed_file_is_another_configuration(tmp_path) -> None:
    first = plan(tmp_path)
    told = first.canonical()["models"]["own.py:loss"]["sha256"]
    texts = (SOURCE, SOURCE.replace("\n", "\r\n"), f"{SOURCE}# changed\n")
    ids = [plan(tmp_path, text).configurations[0].id for text in texts]
    assert ids[0] == ids[1] != ids[2]  # line ends of another system are no change
    assert ids[0] == first.configurations[0].id
    assert told == hashlib.sha256(SOURCE.encode()).hexdigest()


def test_where_the_file_lies_plays_no_part(tmp_path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.py").write_text(SOURCE)
    here, there = plan(tmp_path), plan(tmp_path, name="sub/own.py:loss")
    assert here.configurations[0].id == there.configurations[0].id


def test_a_stored_plan_needs_no_file(tmp_path) -> None:
    made = plan(tmp_path, grid={"network.model": ["own.py:loss"], "init.scale": [1.0, 2.0]})
    stored = made.canonical()
    (tmp_path / "own.py").unlink()
    again = Plan(load_experiment(stored["experiment"]), models=stored["models"])
    assert [c.id for c in again.configurations] == [c.id for c in made.configurations]


def test_no_symmetries_are_known_and_the_canonical_form_is_the_weights_themselves() -> None:
    weights = np.random.default_rng(0).normal(size=(8, 5))
    symmetries = Symmetries(model(), regularised=False, bound_biases=False)
    assert symmetries.order == 1
    np.testing.assert_array_equal(canonical_images(symmetries, weights), weights)
    np.testing.assert_array_equal(align(symmetries, weights, weights + 1), weights + 1)
    assert symmetries.exchanged(weights) is None
    assert multiplicities(symmetries, weights, 1e-4).tolist() == [1.0] * 5


def test_starts_depend_on_the_number_of_parameters_alone() -> None:
    other = model('PARAMETERS = {"a": 8}\ndef f(T, p, x, y): ...', "other.py:f")
    for distribution in ("uniform", "normal"):
        drawn = [Starts(1, net, distribution, 2.0).draw(3, 50) for net in (model(), other)]
        np.testing.assert_array_equal(*drawn)
        assert drawn[0].std() > 0.8


def test_a_slice_over_a_models_own_weights(tmp_path) -> None:
    source = 'PARAMETERS = {"w": 2, "b": 1}\ndef loss(T, p, x, y): ...\n'
    init = {"distribution": "slice", "x": "w[0]=-1:1:3", "y": "w[1]=0:1:2", "at": ["b[0]=0.5"]}
    (configuration,) = plan(tmp_path, source, init=init, restarts=6).configurations
    drawn = configuration.starts(1).draw(0, 6)
    assert drawn.T.tolist()[:2] == [[-1.0, 0.0, 0.5], [0.0, 0.0, 0.5]]
    init["at"] = ["c[0]=0.5"]
    with pytest.raises(runner.ExperimentError, match=r"own.py:loss: init is a slice; .*not c\[0\]"):
        _ = plan(tmp_path, source, init=init, restarts=6).configurations
