"""The kinds of values that fields of an experiment file take, each with its rule in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from runner.network.custom.source import check_name
from runner.network.schedules.registry import SCHEDULES, parse_schedule
from runner.network.slices import MAX_POINTS, fixed_weights, parse_axis

MAX_LAYERS: Final = 16
"""Most hidden layers."""


@dataclass(frozen=True)
class Rule:
    """What a field's values must be, in words; metadata for error messages."""

    text: str


def _as_tuple(value: object) -> object:
    # One item more than a field may have is enough to refuse a list of any length.
    return tuple(value[: MAX_LAYERS + 2]) if isinstance(value, list) else value


def _as_long_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _slice_axis(text: str) -> str:
    parse_axis(text)
    return text


def _slice_weights(texts: tuple[str, ...]) -> tuple[str, ...]:
    fixed_weights(texts)
    return texts


def _schedule(text: str) -> str:
    parse_schedule(text)
    return text


def _two_levels(levels: tuple[float, float]) -> tuple[float, float]:
    if levels[0] == levels[1]:
        message = "the two levels are equal"
        raise ValueError(message)
    return levels


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] < bounds[1]:
        message = "the first end is not below the second"
        raise ValueError(message)
    return bounds


# Adding 0.0 turns -0.0 into 0.0: equal settings have equal hashes.
Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(lambda x: x + 0.0)]
Finite = Annotated[Number, Rule("a finite number")]
Positive = Annotated[Number, Field(gt=0), Rule("a finite number > 0")]
NotNegative = Annotated[Number, Field(ge=0), Rule("a finite number >= 0")]
Share = Annotated[Number, Field(ge=0, lt=1), Rule("a number >= 0 and < 1")]
AtLeastOne = Annotated[Number, Field(ge=1), Rule("a finite number >= 1")]
YesNo = Annotated[bool, Rule("true or false")]
ScheduleText = Annotated[
    str,
    AfterValidator(_schedule),
    Rule(f"a schedule: {', '.join(repr(kind.form) for kind in SCHEDULES.values())}"),
]
Levels = Annotated[
    tuple[Number, Number],
    BeforeValidator(_as_tuple),
    AfterValidator(_two_levels),
    Rule("a list of two different finite numbers"),
]
Interval = Annotated[
    tuple[Number, Number],
    BeforeValidator(_as_tuple),
    AfterValidator(_rising),
    Rule("a list of two finite numbers, the smaller one first"),
]
LayerScales = Annotated[
    tuple[Positive, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1, max_length=MAX_LAYERS + 1),
    Rule(f"a list of at most {MAX_LAYERS + 1} finite numbers > 0, one for each layer"),
]
SliceAxis = Annotated[
    str,
    AfterValidator(_slice_axis),
    Rule(
        "'NAME=LOW:HIGH:N' with a weight's name, finite numbers LOW < HIGH and N from 2 to "
        f"{MAX_POINTS:,}, as in 'W1[0,0]=-10:10:200'"
    ),
]
SliceWeights = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_long_tuple),
    AfterValidator(_slice_weights),
    Rule("a list of 'NAME=VALUE', each weight once, as in ['b1[0]=0.6', 'W2[0,1]=-0.3']"),
]
ColumnNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_long_tuple),
    Field(min_length=1),
    Rule("a list of names of columns"),
]
HiddenActivation = Literal["sigmoid", "tanh", "relu", "leaky-relu", "linear", "step"]
LayerActivations = Annotated[
    tuple[HiddenActivation, ...],
    BeforeValidator(_as_tuple),
    Field(min_length=1, max_length=MAX_LAYERS),
    Rule("a list with one of them for each hidden layer"),
]
ArrayNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_long_tuple),
    Field(min_length=1),
    Rule("a list of arrays of weights or biases, as in ['W1', 'b1']"),
]
RowNumbers = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=10**6)], ...],
    BeforeValidator(_as_long_tuple),
    Field(min_length=1),
    Rule("a list of integers >= 0"),
]
ModelName = Annotated[
    str,
    AfterValidator(check_name),
    Rule("'FILE.py:FUNCTION', the path of a Python file and the name of a function in it"),
]
Hidden = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4096)], ...],
    BeforeValidator(_as_tuple),
    Field(max_length=MAX_LAYERS),
    Rule(f"a list of at most {MAX_LAYERS} integers from 1 to 4096"),
]
