"""Loose keywords of public functions: one object of them, or what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

import runner
from runner.dispatch.sweep import repair
from runner.errors import ExperimentError
from runner.errors.keywords import LooseKeywords


@dataclass(frozen=True)
class Size:
    width: int = 1
    height: int = 1


@dataclass(frozen=True)
class Ink:
    colour: str = "black"


def draw(shape: str, size: Size | None = None, ink: Ink | None = None, **options: object):
    keywords = LooseKeywords("draw", draw, options, size=Size, ink=Ink)
    return shape, keywords.collected("size", Size, size), keywords.collected("ink", Ink, ink)


@pytest.mark.parametrize(
    ("options", "size", "ink"),
    [
        ({}, Size(), Ink()),
        ({"height": 3, "colour": "red"}, Size(1, 3), Ink("red")),
        ({"size": Size(2, 3), "colour": "red"}, Size(2, 3), Ink("red")),
        ({"size": Size(2, 3), "ink": Ink("red")}, Size(2, 3), Ink("red")),
    ],
)
def test_loose_keywords_and_objects_say_the_same(options, size, ink) -> None:
    assert draw("square", **options) == ("square", size, ink)


def test_an_object_arrives_whole() -> None:
    size = Size(2, 3)
    assert draw("square", size=size)[1] is size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heigth": 3}, "draw: 'heigth' is not an option; expected one of 'shape', 'size', 'ink'"),
        ({"heigth": 3}, "Did you mean 'height'?"),
        ({"sise": 3}, "Did you mean 'size'?"),  # a parameter of the function itself
        ({"size": Size(), "width": 2}, "draw: 'width' and size are both given; expected one of"),
        ({"size": 3}, "draw: size is 3; expected a Size."),
    ],
)
def test_what_is_wrong_is_named(options, message) -> None:
    with pytest.raises(ExperimentError, match=re.escape(message)):
        draw("square", **options)


@pytest.mark.parametrize("name", ["overwrite", "trust_model"])
@pytest.mark.parametrize("function", [runner.sweep, runner.map_landscape])
def test_a_text_is_neither_true_nor_false(function, name, tmp_path) -> None:
    message = f"runner.{function.__name__}: {name} is 'no'; expected True or False."
    with pytest.raises(ExperimentError, match=re.escape(message)):
        function(tmp_path / "none", **{name: "no"})


@pytest.mark.parametrize(
    ("name", "function"), [("runner.analyze", runner.analyze), ("repair", repair)]
)
def test_a_text_trusts_no_model(name, function, tmp_path) -> None:
    message = f"{name}: trust_model is 'no'; expected True or False."
    with pytest.raises(ExperimentError, match=re.escape(message)):
        function(tmp_path / "none", trust_model="no")
