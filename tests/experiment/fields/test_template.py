"""The experiment that `init` writes: every field, and each of its defaults is one."""

from __future__ import annotations

import re
import tomllib

import pytest

from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.fields.sections import SECTIONS
from runner.experiment.fields.template import template
from runner.experiment.grid.changes import SCALARS


def test_it_loads_and_is_named_after_its_file() -> None:
    experiment = load_experiment(tomllib.loads(template("my parity.toml")))
    assert experiment.name == "my-parity"
    assert len(experiment.points()) == 2


@pytest.mark.parametrize("file", ["-.toml", "ä.toml", f"{'x' * 300}.toml", "9.toml"])
def test_any_file_gives_a_valid_name(file) -> None:
    load_experiment(tomllib.loads(template(file)))


def test_every_field_is_there() -> None:
    lines = re.findall(r"^(?:#?(\w+) = |\[(\w+)\]$)", template("x.toml"), re.MULTILINE)
    found, section = [], ""
    for field, header in lines:
        section = header or section
        found += [f"{section}.{field}".lstrip(".")] if field else []
    expected = [name for name in SCALARS if name in Experiment.model_fields]
    for name, kind in SECTIONS.items():
        expected += [f"{name}.{field}" for field in kind.model_fields]
    assert found == expected


def test_a_default_is_valid_where_the_sign_before_it_is_taken_away() -> None:
    lines = template("x.toml").splitlines()
    tried = 0
    for i, line in enumerate(lines):
        field, _, value = line.partition(" = ")
        if not field.startswith("#") or field.startswith("# "):
            continue
        try:
            tomllib.loads(f"x = {value}")
        except tomllib.TOMLDecodeError:
            continue  # a rule in words, where there is no default
        tried += 1
        changed = "\n".join([*lines[:i], line[1:], *lines[i + 1 :]])
        Experiment.model_validate(tomllib.loads(changed))
    assert tried >= 30
