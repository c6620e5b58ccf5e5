"""What an experiment file accepts trains; what cannot work is refused by name.

The whole product is `make every`; other compilers are in test_other_compilers.py, and Theano, which
has an environment of its own, in test_theano.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.combinations import accepted, check, every, pairwise, refusal, sample

FIELDS = ("activation", "output", "loss", "optimizer", "dtype", "layout")


@pytest.mark.parametrize("combination", pairwise(), ids=str)
def test_what_is_accepted_trains_as_plain_numpy_does(combination) -> None:
    check("pytensor", combination)


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
    kept = set(accepted())
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
        assert bool(found) == bool(expected) == (each not in kept), each
        assert all(text in found for text in expected), found
    assert len(accepted()) == 3888
