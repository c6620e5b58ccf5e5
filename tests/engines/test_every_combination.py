"""What an experiment file accepts trains, on every engine; what cannot work is refused by name.

The whole product is `make every`; Theano has an environment of its own: see test_theano.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.combinations import (
    Combination,
    SingleLayer,
    accepted,
    check,
    every,
    pairwise,
    refusal,
    sample,
)

FIELDS = ("activation", "output", "loss", "optimizer", "dtype", "layout")


def without_layers(each: Combination) -> Combination:
    """XLA takes a minute for L-BFGS of nine parameters: three are enough there."""
    values = [getattr(each, field) for field in FIELDS]
    return SingleLayer(*values) if each.optimizer == "lbfgs" else each


# What Numba compiles takes it long, so it has one, of what has failed before.
NUMBA = SingleLayer("relu", "relu", "squared-error", "gradient-descent", "float32", "lanes")

CASES = [
    *(("pytensor", each) for each in pairwise()),
    *(("pytensor-jax", without_layers(each)) for each in sample()),
    ("pytensor-numba", NUMBA),
]


@pytest.mark.parametrize(
    ("engine", "combination"), CASES, ids=map(" ".join, ((e, str(c)) for e, c in CASES))
)
def test_what_is_accepted_trains_as_plain_numpy_does(engine, combination) -> None:
    check(engine, combination)


def test_each_choice_of_each_field_is_in_the_sample() -> None:
    for field in FIELDS:
        everything = {getattr(each, field) for each in every()}
        assert {getattr(each, field) for each in pairwise()} == everything
        assert {getattr(each, field) for each in sample()} == everything


def test_the_document_counts_what_is_accepted() -> None:
    of_one_layout = {replace(each, layout="") for each in accepted()}
    text = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
    assert f"all {len(accepted()):,} ({len(of_one_layout):,} with each of two layouts)" in text
    assert len(accepted()) == 2 * len(of_one_layout)


def test_what_cannot_work_is_refused_by_name() -> None:
    for each in every():
        expected = []
        if each.loss == "cross-entropy" and each.output not in ("sigmoid", "softmax"):
            expected.append(
                f"network.output is {each.output!r}; expected 'sigmoid' or 'softmax' with "
                "loss.kind 'cross-entropy'"
            )
        if each.optimizer == "perceptron" and each.output != "step":
            expected.append(
                f"network.output is {each.output!r}; expected 'step' with training.optimizer "
                "'perceptron'"
            )
        found = refusal(each)
        assert bool(found) == bool(expected), each
        assert all(text in found for text in expected), found
    assert len(accepted()) == 3888
