"""What is set to its documented default is as if it were not set: the same identifiers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from runner.errors import ExperimentError, StudyError
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.meanings import default_in_words, default_of
from runner.experiment.grid.grid import PATHS, SECTIONS
from runner.experiment.plan import Plan
from runner.network.optimizers.registry import OPTIMIZERS
from runner.study.growth import planned
from runner.study.store import Store

XOR = {"name": "t", "restarts": 4, "problem": {"gate": "XOR"}}
CONTEXTS = [
    {},
    *({"training.optimizer": name} for name in OPTIMIZERS),
    {"training.optimizer": "perceptron", "network.hidden": [], "network.output": "step"},
    {"training.plateau": "perturb"},
    {"training.patterns_per_update": 2},
    {"init.distribution": "constant"},
    {"network.output": "softmax"},
    {"loss.l2": 0.1},
]
IN_WORDS = {"init.layer_scales": [1, 1], "problem.solved": "side"}
NOT_A_VALUE = {"training.patterns_per_update"}  # all


def documented() -> Iterator[tuple[str, object]]:
    """Every field with its default, as docs/experiment.md has it."""
    for path in PATHS:
        section, _, field = path.partition(".")
        value = default_of(SECTIONS[section], field)
        words = default_in_words(SECTIONS[section], field)
        if path in IN_WORDS:
            yield path, IN_WORDS[path]
        elif value is not None:
            yield path, value
        elif words is not None and " " not in words and path not in NOT_A_VALUE:
            try:
                yield path, json.loads(words)
            except ValueError:
                yield path, words


DOCUMENTED = dict(documented())


def plan(changes: dict[str, object]) -> Plan:
    return Plan(load_experiment(XOR, changes=changes))


def accepted(path: str, value: object) -> Iterator[tuple[dict[str, object], Plan]]:
    for context in CONTEXTS:
        optimizer = OPTIMIZERS[str(context.get("training.optimizer", "gradient-descent"))]
        own = optimizer.constants.get(path.removeprefix("training."), value)
        usual = bool(own) if isinstance(value, bool) else own
        if path == "problem.solved" and "softmax" in context.values():
            usual = "class"
        try:
            yield context, plan({**context, path: usual})
        except ExperimentError:
            continue


def test_most_fields_have_a_default() -> None:
    assert {"training.slopes", "init.value", "network.bias"} <= DOCUMENTED.keys()
    assert len(DOCUMENTED) > 40


@pytest.mark.parametrize("path", DOCUMENTED)
def test_a_field_set_to_its_default_is_no_change(path) -> None:
    found = list(accepted(path, DOCUMENTED[path]))
    assert found
    for context, written in found:
        if path in context:
            continue
        without = plan(context)
        assert [c.id for c in written.configurations] == [c.id for c in without.configurations]


def ids(axis: dict[str, list[object]]) -> list[str]:
    return [c.id for c in Plan(load_experiment(XOR, grid=axis)).configurations]


def test_a_default_on_an_axis_is_what_there_is_without_the_axis() -> None:
    assert ids({"training.slopes": ["exact", "cut"]})[0] == ids({})[0]
    assert len(set(ids({"training.slopes": ["exact", "cut"]}))) == 2


def stored(folder, plan: Plan) -> Store:
    with Store(folder).writer() as writer:
        writer.create(plan)
    return Store(folder)


EXACT = {"training.slopes": "exact", "training.optimizer": "adam", "training.beta1": 0.9}
PLAIN = {"training.optimizer": "adam"}


@pytest.mark.parametrize(("first", "then"), [(PLAIN, EXACT), (EXACT, PLAIN)])
def test_a_study_goes_on_whether_defaults_are_written_or_not(tmp_path, first, then) -> None:
    store = stored(tmp_path / "s", plan(first))
    assert len(planned(store, plan(then), "cpu").rounds) == 1
    more = Plan(load_experiment({**XOR, "restarts": 6}, changes=then))
    assert planned(store, more, "cpu").counts.tolist() == [6]
    with pytest.raises(StudyError) as caught:
        planned(store, plan({**then, "training.learning_rate": 2.0}), "cpu")
    assert "training.learning_rate was 1.0, now 2.0. Choose" in str(caught.value)


def test_a_study_with_identifiers_of_what_is_written_is_read_and_goes_on(tmp_path) -> None:
    """Version 0.1.0 took a default that was set for something else."""
    old = Plan(load_experiment(XOR, changes=EXACT), as_written=True)
    assert old.configurations[0].id != plan(EXACT).configurations[0].id
    store = stored(tmp_path / "s", old)
    read, _ = store.read_plan()
    assert read.configurations[0].id == old.configurations[0].id
    more = Plan(load_experiment({**XOR, "restarts": 6}, changes=EXACT))
    grown = planned(store, more, "cpu")
    with store.writer() as writer:
        writer.grow(grown)
    again, _ = store.read_plan()
    assert again.counts.tolist() == [6]
    assert again.configurations[0].id == old.configurations[0].id
