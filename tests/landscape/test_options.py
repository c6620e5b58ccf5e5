"""Options of an analysis: what is out of range, and what tells one analysis from another."""

from __future__ import annotations

import doctest
import re
from dataclasses import fields

import pytest

import runner
from runner.landscape import options
from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.options import DEFAULTS, AnalysisKeywords, AnalysisOptions


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("endpoints", 0, "an integer >= 1"),
        ("endpoints", 2.5, "an integer >= 1"),
        ("endpoints", True, "an integer >= 1"),
        ("pairs", -1, "an integer >= 0"),
        ("path_points", 1, "an odd integer >= 3"),
        ("path_points", 34, "an odd integer >= 3"),
        ("path_points", "33", "an odd integer >= 3"),
        ("class_tolerance", 0.0, "a finite number > 0"),
        ("search_radius", float("nan"), "a finite number > 0"),
        ("curve_rate", float("inf"), "a finite number > 0"),
    ],
)
def test_a_value_out_of_range_is_refused_with_the_rule(name, value, rule) -> None:
    message = re.escape(f"AnalysisOptions: {name} is {value!r}; expected {rule}.")
    with pytest.raises(runner.ExperimentError, match=f"^{message}$"):
        AnalysisOptions(**{name: value})


def test_the_least_values_are_accepted() -> None:
    AnalysisOptions(endpoints=1, pairs=0, representatives=0, max_parameters=0, path_points=3)


def test_every_field_is_a_keyword_too() -> None:
    assert list(AnalysisKeywords.__annotations__) == [field.name for field in fields(DEFAULTS)]


def test_the_examples_are_true() -> None:
    assert doctest.testmod(options).failed == 0


@pytest.fixture(scope="module")
def study(client, tmp_path_factory):
    content = {
        "name": "four",
        "restarts": 5,
        "training": {"max_steps": 3},
        "grid": {"problem.gate": ["AND", "OR", "XOR", "NAND"]},
    }
    return runner.sweep(content, tmp_path_factory.mktemp("four") / "s", client)


def key(study, **changed):
    return AnalysisPlan(study, study.plan, AnalysisOptions(**changed)).key("cpu")


@pytest.mark.parametrize("field", fields(DEFAULTS), ids=lambda field: field.name)
def test_another_value_of_any_option_is_another_analysis(study, field) -> None:
    value = 16 if field.name == "endpoints" else field.default * 3  # four of five restarts
    changed = AnalysisOptions(**{field.name: value})
    assert changed.changed == {field.name: value}
    assert key(study, **changed.changed) != key(study)


def test_more_endpoints_than_there_are_is_the_same_analysis(study) -> None:
    assert key(study, endpoints=20) == key(study, endpoints=21) == key(study)
    assert key(study, endpoints=19) != key(study)
