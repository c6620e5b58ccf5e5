"""The JSON Schema of an experiment file: what the standard makes of it, beside what we load."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.schema import schema
from runner.experiment.fields.sections import PATHS
from runner.experiment.fields.template import template

ROOT = Path(__file__).parents[3]
SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILES = sorted((ROOT / "experiments").rglob("*.toml"))
LEAST: dict[str, Any] = {"name": "t", "problem": {"gate": "XOR"}}

RIGHT = [
    {"training": {"learning_rate": 1}},
    {"network": {"hidden": []}},
    {"init": {"layer_scales": [1.0, 0.5]}},
    {"like": "pytorch"},
    {"grid": {"init.scale": "linspace(0.5, 2, 4)"}},
    {"grid": {"init.scale": {"logspace": [-1, 1, 3]}}},
    {"grid": {"init.scale": [0.1, "linspace(1, 2, 3)"]}},
    {"grid": {"network.hidden": [[2], "range(3, 6)"]}},
    {"grid": {"network.hidden,training.learning_rate": [[[2], 1], [[3], 0.5]]}},
    {"extra": [{"training.optimizer": "adam", "training.learning_rate": 0.01}]},
]
WRONG = [
    {"nmae": "x"},
    {"name": "a b"},
    {"restarts": 0},
    {"restarts": "5"},
    {"like": "tensorflow"},
    {"problem": {"gate": "XR"}},
    {"network": {"hidden": 2}},
    {"network": {"hidden": [0]}},
    {"network": {"hidden": [1] * 17}},
    {"network": {"activation": "swish"}},
    {"init": {"scale": 0}},
    {"init": {"scale": -1}},
    {"init": {"range": [0, 1, 2]}},
    {"init": {"layer_scales": []}},
    {"training": {"beta1": 1}},
    {"training": {"stop_solved": 1}},
    {"training": {"lr": 1}},
    {"grid": {"init.scale": []}},
    {"grid": {"init.scale": [0]}},
    {"grid": {"init.skale": [1]}},
    {"grid": {"init.scale": {"arange": [1, 2, 3]}}},
    {"exclude": [{"init.skale": 1}]},
]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def words(node: Any, names: bool = False) -> set[str]:
    """Every keyword that a schema uses; ``names`` if the keys here are names of fields."""
    if isinstance(node, list):
        return set().union(*map(words, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    own = set() if names else set(node)
    return own.union(*(words(v, k in ("properties", "patternProperties")) for k, v in node.items()))


def test_every_word_of_it_is_the_standards() -> None:
    """A word that the standard does not know asks for nothing."""
    known = set(VALIDATOR.VALIDATORS) | {"$schema", "title", "description", "default"}
    assert words(SCHEMA) <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_experiments_fit(path) -> None:
    VALIDATOR.validate(tomllib.loads(path.read_text()))


def test_what_init_writes_fits() -> None:
    VALIDATOR.validate(tomllib.loads(template("x.toml")))


@pytest.mark.parametrize("more", RIGHT, ids=str)
def test_what_loads_fits(more) -> None:
    load_experiment(LEAST | more)
    VALIDATOR.validate(LEAST | more)


@pytest.mark.parametrize("more", WRONG, ids=str)
def test_what_is_wrong_by_itself_does_neither(more) -> None:
    assert not VALIDATOR.is_valid(LEAST | more)
    with pytest.raises(ExperimentError):
        load_experiment(LEAST | more)


def test_every_field_is_there_and_says_what_it_means() -> None:
    for path in PATHS:
        section, _, field = path.partition(".")
        drawn = SCHEMA["properties"][section]["properties"][field]
        assert drawn["description"]
        assert path in SCHEMA["properties"]["grid"]["properties"]
