"""What is registered can be asked for in an experiment, and nothing else can."""

from __future__ import annotations

import pytest

from runner.experiment.fields import sections
from runner.experiment.fields.rules import choices_of
from runner.network.activations.registry import ACTIVATIONS
from runner.network.losses.registry import LOSSES
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.signature import HYPERPARAMETERS
from runner.network.starts.registry import DISTRIBUTIONS
from runner.network.stops.registry import STOPS

SOFTMAX = {"softmax"}  # looks at all units of a layer: for outputs alone
SLICE = {"slice", "given"}  # starts on a grid, or those of a table: not at random


@pytest.mark.parametrize(
    ("section", "field", "names"),
    [
        (sections.Network, "output", set(ACTIVATIONS)),
        (sections.Network, "activation", set(ACTIVATIONS) - SOFTMAX),
        (sections.Loss, "kind", set(LOSSES)),
        (sections.Init, "distribution", set(DISTRIBUTIONS) | SLICE),
        (sections.Training, "optimizer", set(OPTIMIZERS)),
    ],
)
def test_a_field_allows_what_is_registered(section, field, names) -> None:
    assert set(choices_of(section, field)) == names


def test_every_stopping_rule_has_a_field() -> None:
    fields = {name for name in sections.Training.model_fields if name.startswith("stop_")}
    assert fields == {f"stop_{name}" for name in STOPS}
    assert fields - set(HYPERPARAMETERS) == {"stop_solved"}  # the others have a threshold
