"""The section `training` of an experiment file."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from runner.experiment.fields.section import Section
from runner.experiment.fields.values import (
    AtLeastOne,
    NotNegative,
    Number,
    Positive,
    Rule,
    ScheduleText,
    Share,
    YesNo,
)
from runner.network.optimizers.registry import OPTIMIZERS

__all__ = ["CONSTANTS", "Training"]

CONSTANTS: Final = tuple(dict.fromkeys(n for rule in OPTIMIZERS.values() for n in rule.constants))
"""Fields of `Training` that are constants of optimizers; the rules say which has which."""


PLATEAU_STEPS: Final = 1000
PLATEAU_FALL: Final = 0.01
PLATEAU_NOISE: Final = 0.5
"""Defaults of fields that a configuration has only where there is a `Training.plateau`."""


class Training(Section):
    """How the loss is minimised, and when a restart ends."""

    optimizer: Literal[
        "gradient-descent",
        "momentum",
        "nesterov",
        "rprop",
        "rprop-plus",
        "rprop-fann",
        "quickprop",
        "rmsprop",
        "adam",
        "lbfgs",
        "perceptron",
    ] = "gradient-descent"
    """The update rule; default gradient-descent. perceptron is the perceptron rule, pattern by
    pattern; a step is a pass over all patterns; for a single layer with output step."""
    learning_rate: Positive = 1.0
    """Step size, per unit of gradient (the first step of rprop, its length with
    lbfgs); default 1."""
    rate_schedule: ScheduleText | None = None
    """A factor on the learning rate that changes from step to step; default none."""
    momentum: Annotated[Number, Field(ge=0, le=1), Rule("a number from 0 to 1")] = 0.0
    """Share of the last update that is kept; default 0; with optimizer momentum or nesterov."""
    momentum_schedule: ScheduleText | None = None
    """A factor on momentum, likewise; default none."""
    patterns_per_update: (
        Annotated[int, Field(ge=1, le=1_000_000), Rule("an integer from 1 to 1000000")] | None
    ) = None
    """Patterns of an update: 1 for pattern by pattern, more for mini-batches; default all. The
    loss of an update is reduced over its own patterns."""
    order: Literal["file", "shuffled"] | None = None
    """Order of the patterns in an epoch: the table's, or anew in each; default file."""
    slopes: Literal["exact", "cut"] | None = None
    """Slopes of sigmoid and tanh units that updates follow: exact, or cut as in FANN, those of
    outputs from 0.01 to 0.99 (-0.98 to 0.98); default exact."""
    beta1: Share | None = None
    """Decay of adam's mean gradient; default 0.9."""
    beta2: Share | None = None
    """Decay of adam's mean square; default 0.999."""
    decay: Share | None = None
    """Decay of rmsprop's mean square; default 0.9."""
    epsilon: NotNegative | None = None
    """Added to the root of the mean square, with adam and rmsprop; default 1e-8."""
    epsilon_hat: YesNo | None = None
    """Whether adam adds epsilon before it corrects the mean square; default false."""
    epsilon_in_root: YesNo | None = None
    """Whether rmsprop adds epsilon under the root; default false."""
    increase: AtLeastOne | None = None
    """Growth of rprop's steps; default 1.2."""
    decrease: Share | None = None
    """Shrinking of rprop's steps; default 0.5."""
    smallest_step: NotNegative | None = None
    """Least step of rprop; default 1e-6."""
    largest_step: Positive | None = None
    """Largest step of a weight with rprop, of all weights (their norm) with lbfgs; default 50."""
    largest_growth: AtLeastOne | None = None
    """Largest growth of quickprop's steps; default 1.75."""
    at_rest: NotNegative | None = None
    """Last step up to which quickprop takes a plain one; default 0."""
    max_steps: Annotated[
        int, Field(ge=1, le=2_000_000_000), Rule("an integer from 1 to 2000000000")
    ] = 10_000
    """Updates after which a restart ends; default 10000. With patterns_per_update a multiple of
    those of an epoch."""
    plateau: Literal["new-start", "perturb"] | None = None
    """On a plateau, begin again from a new start, or add normal noise to the weights, and go on
    inside max_steps; default none."""
    plateau_steps: (
        Annotated[int, Field(ge=1, le=2_000_000_000), Rule("an integer from 1 to 2000000000")]
        | None
    ) = None
    """Steps in which the loss has to fall, or it is on a plateau; default 1000."""
    plateau_fall: (
        Annotated[Number, Field(gt=0, le=1), Rule("a number > 0 and at most 1")] | None
    ) = None
    """Share of itself by which the loss has to fall in them; with 1 it never does; default
    0.01."""
    plateau_noise: Positive | None = None
    """Standard deviation of the noise of perturb; default 0.5."""
    stop_solved: YesNo = False
    """End when a restart is solved, as problem.solved says; default false."""
    stop_loss: NotNegative = 0.0
    """End when the loss is at or under this; default 0, which turns it off."""
    stop_gradient: NotNegative = 0.0
    """End when the gradient's largest component is at or under this; default 0: off."""
    dtype: Literal["float64", "float32"] = "float64"
    """Type of all numbers in training; default float64."""

    @property
    def steps_to_fall(self) -> int:
        """Steps in which the loss has to fall."""
        return PLATEAU_STEPS if self.plateau_steps is None else self.plateau_steps

    @property
    def least_fall(self) -> float:
        """Share of itself by which the loss has to fall."""
        return PLATEAU_FALL if self.plateau_fall is None else self.plateau_fall

    @property
    def noise(self) -> float:
        """Standard deviation of what is added to weights on a plateau."""
        return PLATEAU_NOISE if self.plateau_noise is None else self.plateau_noise

    @property
    def constants(self) -> dict[str, float]:
        """The optimizer's constants that are set, by name; a yes is 1."""
        values = {name: getattr(self, name) for name in CONSTANTS}
        return {name: float(value) for name, value in values.items() if value is not None}

    @model_serializer(mode="wrap")
    def _as_written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # TOML has no null; and what is not set was no part of a configuration's identity before
        # there were these fields.
        return {k: v for k, v in serialise(self).items() if v is not None}
