"""The sections of an experiment file: fields, units, defaults and the rule for each field."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from runner.experiment.fields.section import Section
from runner.experiment.fields.training import CONSTANTS, Training
from runner.experiment.fields.values import (
    ArrayNames,
    ColumnNames,
    Finite,
    Hidden,
    HiddenActivation,
    Interval,
    LayerActivations,
    LayerScales,
    Levels,
    ModelName,
    NotNegative,
    Positive,
    RowNumbers,
    Rule,
    SliceAxis,
    SliceWeights,
    YesNo,
)
from runner.experiment.truth_tables.gates import GATES, GATES_IN_WORDS
from runner.network.architecture import Architecture
from runner.network.slices import Slice, fixed_weights, parse_axis
from runner.network.starts.adjustments import Adjustments

__all__ = [
    "CONSTANTS",
    "PATHS",
    "SECTIONS",
    "Init",
    "Loss",
    "Network",
    "Problem",
    "Rule",
    "Section",
    "Training",
]


def _known_gate(name: str) -> str:
    if name not in GATES:
        message = "unknown gate"
        raise ValueError(message)
    return name


class Problem(Section):
    """What is learnt: a gate or a table, exactly one of them in each configuration."""

    gate: Annotated[str, AfterValidator(_known_gate), Rule(GATES_IN_WORDS)] | None = None
    """A two-input Boolean function by name, PARITY-n or MAJORITY-n; no default."""
    table: Annotated[str, Field(min_length=1), Rule("the path of a table")] | None = None
    """A truth table in CSV or of FANN or SNNS, relative to the experiment file; no default."""
    target_columns: ColumnNames | None = None
    """The columns of the table that are learnt; default those named y, y<digits>, y_<name>."""
    ignored_columns: ColumnNames | None = None
    """Columns of the table that play no part; default none."""
    tolerance: Positive | None = None
    """An output is right when it is nearer to its target than this; default by its side of the
    middle between two targets, or half the smallest gap between more."""
    solved: Literal["side", "tolerance", "class", "loss"] | None = None
    """What solved means, also for stop_solved: every output on its side of the middle, or within
    the tolerance; the right class has the largest output; the loss is at or under
    training.stop_loss. Default tolerance where there is one, class with softmax, else side."""
    held_out: Annotated[str, Field(min_length=1), Rule("the path of a table")] | None = None
    """A table with the columns of table whose rows are not trained on: restarts say how well they
    do there; no default."""
    held_out_rows: RowNumbers | None = None
    """Or rows of the table or gate, counted from 0, that are left out of training; default none."""
    inputs: Levels = (0.0, 1.0)
    """The input levels that stand for false and true; default [0, 1]; not with a table."""
    targets: Levels = (0.0, 1.0)
    """The target levels that stand for false and true; default [0, 1]; not with a table."""

    @model_serializer(mode="wrap")
    def _as_written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Defaults would read as levels that were set, which a table does not allow.
        fields = serialise(self).items()
        return {k: v for k, v in fields if k in self.model_fields_set and v is not None}


class Network(Section):
    """The layers and their activations, or a custom model."""

    hidden: Hidden = (2,)
    """Units of each hidden layer; default [2]; [] for none."""
    activation: HiddenActivation | LayerActivations = "sigmoid"
    """Activation of the hidden units; default sigmoid."""
    output: Literal["sigmoid", "tanh", "relu", "leaky-relu", "linear", "softmax", "step"] = (
        "sigmoid"
    )
    """Activation of the output units; default sigmoid; softmax trains on one-hot targets."""
    skip: YesNo | Literal["inputs", "all"] = False
    """Shortcuts: with true the inputs also feed the output units, with inputs every layer, with all
    they and every hidden layer feed all that follow; no effect without layers; default false."""
    bias: YesNo | None = None
    """Whether units have biases; default true."""
    freeze: ArrayNames | None = None
    """Arrays that training leaves as they start; default none."""
    model: ModelName | None = None
    """Instead of all of these: a function that computes outputs and loss, in a Python file relative
    to the experiment file; no default."""

    @model_serializer(mode="wrap")
    def _as_written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # TOML has no null; and beside a model, defaults would read as fields that were set.
        fields = serialise(self).items()
        if self.model is None:
            # What was not there before is no part of the identity of what is as it was.
            left_out = {"model", "bias"} if self.has_biases else {"model"}
            left_out |= set() if self.freeze else {"freeze"}
            return {k: v for k, v in fields if k not in left_out}
        return {k: v for k, v in fields if k in self.model_fields_set}

    @property
    def has_biases(self) -> bool:
        """Whether units have biases."""
        return self.bias is not False

    def architecture(self, n_inputs: int, n_outputs: int) -> Architecture:
        """Return the layers between these inputs and outputs: one object for equal layers."""
        return _architecture(
            n_inputs,
            self.hidden,
            n_outputs,
            self.activation,
            self.output,
            self.skip,
            self.has_biases,
            self.freeze or (),
        )

    def n_parameters(self, n_inputs: int, n_outputs: int) -> int:
        """Return the number of weights and biases between these inputs and outputs."""
        each = 1 if self.has_biases else 0
        layers = self.architecture(n_inputs, n_outputs).layers
        return sum((n + each) * units for units, n in layers)


_architecture = lru_cache(maxsize=1024)(Architecture)  # points of a grid share few networks


class Loss(Section):
    """What is minimised."""

    kind: Literal["cross-entropy", "squared-error", "tanh-error"] = "cross-entropy"
    """Loss of one output for one pattern, in nats for cross-entropy; tanh-error is that of FANN;
    default cross-entropy."""
    reduction: Literal["mean", "sum", "half-sum", "half-mean"] = "mean"
    """How the losses of patterns and outputs become one number: half-mean is half their sum by the
    number of patterns; default mean."""
    l2: NotNegative = 0.0
    """Factor of the sum of squares of all parameters that is added to the loss; default 0."""
    l2_biases: YesNo | None = None
    """Whether biases are part of that sum; default true."""

    @model_serializer(mode="wrap")
    def _as_written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # What was not there before is no part of the identity of what is as it was.
        fields = serialise(self).items()
        return {k: v for k, v in fields if k != "l2_biases" or v is False}

    @property
    def has_bound_biases(self) -> bool:
        """Whether the L2 term keeps biases finite too."""
        return self.l2 > 0 and self.l2_biases is not False


class Init(Section):
    """Where the restarts start."""

    distribution: Literal[
        "uniform",
        "normal",
        "glorot-uniform",
        "he-normal",
        "nguyen-widrow",
        "pytorch",
        "keras",
        "scikit-learn",
        "constant",
        "given",
        "slice",
    ] = "uniform"
    """Distribution of the starting parameters, around 0; default uniform. given: those of a file,
    or of at. slice: no random starts but a grid over two weights, x and y; then restarts is their
    numbers of values multiplied."""
    scale: Positive = 1.0
    """Half-width of uniform, standard deviation of normal; a factor on the width that the others
    take from the layer's size; default 1."""
    range: Interval | None = None
    """With uniform: [low, high] in place of ±scale; default none."""
    value: Finite | None = None
    """With constant: the value of every parameter; default 0."""
    layer_scales: LayerScales | None = None
    """A further factor on the scale of each layer's weights and biases, the output layer's last;
    default 1 for each."""
    bias: Finite | None = None
    """The value of every bias, apart from the weights' starts; default none."""
    bias_range: Interval | None = None
    """Biases on [low, high], apart from the weights' starts; default none."""
    table: Annotated[str, Field(min_length=1), Rule("the path of a file")] | None = None
    """With given: a CSV or Parquet file, relative to the experiment file, with a row for each
    restart and a column for each weight; no default."""
    noise: Positive | None = None
    """With given: standard deviation of normal noise on every weight; the rows are used again and
    again; default none."""
    x: SliceAxis | None = None
    """With slice: a weight and its values, "W1[0,0]=-10:10:200"; fastest; no default."""
    y: SliceAxis | None = None
    """With slice: another weight and its values; no default."""
    at: SliceWeights = ()
    """Weights that start from a value, ["b1[0]=0.6", ...]: with slice all others, with given and
    no file every one; default none."""

    @property
    def adjustments(self) -> Adjustments:
        """What is changed in the distribution's numbers."""
        return Adjustments(
            self.range,
            self.value,
            self.layer_scales or (),
            self.bias,
            self.bias_range,
            ()
            if self.distribution in ("slice", "given")
            else tuple(fixed_weights(self.at).items()),
        )

    @property
    def slice(self) -> Slice | None:
        """The grid of starts, if there is one."""
        if self.distribution != "slice" or self.x is None or self.y is None:
            return None
        return Slice(parse_axis(self.x), parse_axis(self.y), fixed_weights(self.at))

    @model_serializer(mode="wrap")
    def _as_written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # TOML has no null, and other distributions have no grid.
        return {k: v for k, v in serialise(self).items() if v is not None and v != []}


SECTIONS: Final[Mapping[str, type[Section]]] = MappingProxyType(
    {"problem": Problem, "network": Network, "loss": Loss, "init": Init, "training": Training}
)
"""The sections by name."""

PATHS: Final = tuple(f"{name}.{f}" for name, kind in SECTIONS.items() for f in kind.model_fields)
"""The dotted paths of all fields."""
