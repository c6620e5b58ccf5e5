"""Messages do not blame what nobody wrote: they say what `like` has set, and what is a default."""

from __future__ import annotations

from typing import Any

import pytest

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.library_defaults import LIKES
from runner.experiment.plan import Plan

XOR: dict[str, Any] = {"name": "x", "problem": {"gate": "XOR"}}


def refusal(sections: dict[str, Any], **options: Any) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(XOR | sections, **options)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("sections", "endings"),
    [
        ({"like": "scikit-learn", "network": {"output": "linear"}}, ["loss.kind"]),
        ({"like": "fann", "extra": [{"init.range": [0, 1]}]}, ["init.scale"]),
        ({"like": "keras", "init": {"value": 1}}, ["init.distribution"]),
        ({"like": "fann", "training": {"momentum": 0.9}}, ["training.optimizer"]),
        (
            {"like": "fann", "training": {"momentum": 0.9}, "init": {"value": 1}},
            ["training.optimizer", "init.distribution"],
        ),
    ],
)
def test_what_like_has_set_is_said_to_be_from_there(sections, endings) -> None:
    lines = refusal(sections)
    assert [line.partition(" like ")[2] for line in lines] == [
        f"{sections['like']!r} sets {path} unless you do." for path in endings
    ]


@pytest.mark.parametrize("like", LIKES)
def test_like_is_not_for_custom_models(like) -> None:
    (line,) = refusal({"like": like, "network": {"model": "own.py:loss"}})
    assert line.startswith(f"experiment: like is {like!r}; expected nothing with network.model")


def test_a_table_that_does_not_suit_what_like_has_set_says_so(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n0,-1\n1,1\n")
    table = {"problem": {"table": str(tmp_path / "t.csv")}}
    experiment = load_experiment(XOR | table | {"like": "scikit-learn"})
    with pytest.raises(ExperimentError, match=r"like 'scikit-learn' sets loss.kind unless you do"):
        _ = Plan(experiment).configurations


@pytest.mark.parametrize(
    ("sections", "endings"),
    [
        (
            {"training": {"optimizer": "perceptron"}},
            [f" network.{name} is not set: that is its default." for name in ("hidden", "output")],
        ),
        (
            {"training": {"optimizer": "rprop", "smallest_step": 60}},
            [""],  # of an optimizer's constants the rule has the default
        ),
        ({"training": {"momentum": 0.5}}, [""]),  # what to set is said
        ({"init": {"range": [0, 1], "layer_scales": [1, 1]}}, [""]),  # its rule is of 'constant'
        ({"network": {"hidden": []}, "training": {"optimizer": "perceptron"}}, None),
    ],
)
def test_a_default_is_said_to_be_one(sections, endings) -> None:
    lines = refusal(sections)
    endings = [" network.output is not set: that is its default."] if endings is None else endings
    for line, ending in zip(lines, endings, strict=True):
        assert line.endswith(ending)
        assert ("is not set" in line) == bool(ending)


def test_what_an_axis_or_a_change_sets_is_no_default() -> None:
    grid = {"network.output": ["sigmoid"]}
    options: list[dict[str, Any]] = [{"grid": grid}, {"changes": {"network.output": "sigmoid"}}]
    sections = {"network": {"hidden": []}, "training": {"optimizer": "perceptron"}}
    for each in options:
        (line,) = refusal(sections, **each)
        assert line.endswith("expected 'step' with training.optimizer 'perceptron'.")
