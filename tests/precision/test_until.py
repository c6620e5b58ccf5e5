"""How precise a study is to be, as an object, as keywords and as text."""

from __future__ import annotations

import re

import pytest

import runner
from runner.errors import ExperimentError
from runner.experiment.plan import Plan
from runner.precision.texts import parse_time, parse_until


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"success_rate": 0}, "success_rate (--until success_rate) is 0; expected a half-width"),
        (
            {"success_rate": "0.1"},
            "success_rate (--until success_rate) is '0.1'; expected a half-width",
        ),
        ({"success_rate": float("nan")}, "expected a half-width from 0.00001 to 0.4"),
        (
            {"difference": 0.6},
            "difference (--until difference) is 0.6; expected a difference from 0.0001",
        ),
        ({"classes": 1}, "classes (--until-classes) is 1; expected a chance"),
        ({"classes": True}, "classes (--until-classes) is True; expected a chance"),
        ({"for_s": 0}, "for_s (--for) is 0; expected 0.001 to"),
        ({"for_s": float("inf")}, "for_s (--for) is inf; expected 0.001 to"),
    ],
)
def test_values_out_of_range_are_refused(values, message: str) -> None:
    with pytest.raises(ExperimentError, match=re.escape(message)):
        runner.Until(**values)
    with pytest.raises(ExperimentError, match=re.escape(message)):
        runner.sweep({"name": "x"}, **values)


def test_a_misspelt_keyword_is_told_the_right_one() -> None:
    with pytest.raises(ExperimentError, match="Did you mean 'success_rate'"):
        runner.sweep({"name": "x"}, sucess_rate=0.1)
    with pytest.raises(ExperimentError, match="expected a Until"):
        runner.sweep({"name": "x"}, until={"success_rate": 0.1})
    with pytest.raises(ExperimentError, match="until are both given"):
        runner.sweep({"name": "x"}, until=runner.Until(), success_rate=0.1)


def test_what_is_stored_is_what_was_asked_for() -> None:
    until = runner.Until(success_rate=0.1, for_s=5)
    assert runner.Until.stored(until.asked) == until
    assert runner.Until.stored(until.asked | {"of a later version": 1}) == until


@pytest.mark.parametrize("text", ["success_rate", "success_rate=", "success_rate=a bit", "x=1"])
def test_text_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ExperimentError, match="--until"):
        parse_until([text])


@pytest.mark.parametrize("text", ["", "m", "10 minutes", "-5m", "1e3", "٣m", "5m3s"])
def test_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ExperimentError, match="--for is"):
        parse_time(text)


@pytest.mark.parametrize("value", [0, -1, 1e-9, float("nan"), float("inf"), True, "1", [1]])
def test_a_stored_plan_holds_no_other_numbers(value) -> None:
    experiment = runner.load_experiment({"name": "x", "problem": {"gate": "AND"}})
    with pytest.raises(ExperimentError, match="until is"):
        Plan(experiment, until={"success_rate": value})
