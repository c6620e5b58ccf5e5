"""Rules between the fields that say where restarts start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from runner.errors.messages import listed, shown
from runner.experiment.conflicts.conflict import Conflict
from runner.experiment.conflicts.layers import MAX_PARAMETERS
from runner.experiment.fields.sections import Init, Network, Problem
from runner.experiment.truth_tables.gates import GATES
from runner.network.slices import fixed_weights

__all__ = ["fit_problems", "start_conflicts", "weight_conflicts", "weight_problems"]

_OWNERS: Final = {
    "range": ("uniform",),
    "value": ("constant",),
    "x": ("slice",),
    "y": ("slice",),
    "table": ("given",),
    "noise": ("given",),
}
"""Distributions that fields belong to."""

_WITHOUT_SCALE: Final = ("constant", "given", "slice")

_INIT: Final = frozenset(f"init.{field}" for field in Init.model_fields)
_FIELDS: Final = _INIT | {"network.hidden", "network.model", "training.plateau"}
_WEIGHT_FIELDS: Final = _INIT | {
    "problem.gate",
    "network.hidden",
    "network.output",
    "network.skip",
    "network.bias",
}
"""Fields that play a part in where weights are named that there are not."""


def start_conflicts(init: Init, network: Network, plateau: str | None) -> Iterator[Conflict]:
    """Yield the rules that are broken, but for those of weights by name."""
    for text in _broken_rules(init, network, plateau):
        yield Conflict(text, _FIELDS)


def weight_conflicts(init: Init, problem: Problem, network: Network) -> Iterator[Conflict]:
    """Yield where weights are named that a network of a gate does not have."""
    n_inputs = GATES.get(problem.gate or "")
    # A model's own weights are checked when it is read.
    if init.at and n_inputs is not None and network.model is None:
        n_outputs = 2 if network.output == "softmax" else 1
        for text in fit_problems(init, network, n_inputs, n_outputs):
            yield Conflict(text, _WEIGHT_FIELDS)


def _broken_rules(init: Init, network: Network, plateau: str | None) -> Iterator[str]:
    """Yield `<field> is <value>; expected <rule>.` for each rule that is broken."""
    kind = init.distribution
    by_kind = f"with init.distribution {kind!r}"
    for field, owners in _OWNERS.items():
        value = getattr(init, field)
        if value not in (None, ()) and kind not in owners:
            text = f"init.{field} is {shown(value)}; expected nothing {by_kind}."
            yield f"{text} Set init.distribution to {listed(owners)}."
    if kind == "slice":
        for field in ("x", "y"):
            if not getattr(init, field):
                yield f"init.{field} is missing; expected a weight and its values {by_kind}."
    if kind == "given" and bool(init.table) == bool(init.at):
        state = f"init.at is {shown(init.at)}" if init.at else "init.table is missing"
        rule = "nothing with init.table" if init.at else "a file, or every weight in init.at,"
        yield f"{state}; expected {rule} {by_kind}."
    if init.scale != 1 and (kind in _WITHOUT_SCALE or init.range is not None):
        rule = by_kind if kind in _WITHOUT_SCALE else "with init.range, which has both ends"
        yield f"init.scale is {shown(init.scale)}; expected 1 {rule}."
    if plateau == "new-start" and (kind in ("constant", "slice") or _is_fixed(init)):
        state = f"training.plateau is {plateau!r}; expected"
        yield f"{state} 'perturb' {by_kind}, whose starts are the same again."
    yield from _apart(init, network)


def _is_fixed(init: Init) -> bool:
    """Whether given starts have no noise."""
    return init.distribution == "given" and init.noise is None


def fit_problems(init: Init, network: Network, n_inputs: int, n_outputs: int) -> list[str]:
    """Say which weights of `Init` a network with so many inputs and outputs lacks."""
    if not init.at or network.n_parameters(n_inputs, n_outputs) > MAX_PARAMETERS:
        return []
    return weight_problems(init, network.architecture(n_inputs, n_outputs).parameter_names)


def weight_problems(init: Init, names: Sequence[str]) -> list[str]:
    """Say which weights of `Init` a network lacks, or has beside them where all are needed."""
    if init.slice is not None:
        return [f"init is a slice; expected {rule}." for rule in init.slice.problems(names)]
    if init.distribution == "slice" or not init.at:
        return []
    given = fixed_weights(init.at)
    unknown = [name for name in given if name not in names]
    missing = [name for name in names if name not in given] if not unknown else []
    if unknown:
        known = f"{names[0]} to {names[-1]}"
        return [f"init.at names {unknown[0]}; expected weights of the network: {known}."]
    if missing and init.distribution == "given":
        return [
            f"init.at has no value for {missing[0]}; expected one for every weight with "
            "init.distribution 'given'."
        ]
    return []


def _apart(init: Init, network: Network) -> Iterator[str]:
    """Yield the broken rules of layers and biases that start apart from the others."""
    scales = init.layer_scales
    for field in ("layer_scales", "bias", "bias_range"):
        value = getattr(init, field)
        if value is None:
            continue
        state = f"init.{field} is {shown(value)}; expected"
        if init.distribution in ("slice", "given"):
            yield f"{state} nothing with init.distribution {init.distribution!r}."
        if field != "layer_scales" and not network.has_biases:
            yield f"{state} nothing with network.bias false."
        if network.model is not None:
            yield f"{state} nothing with network.model, whose layers are not known."
    if scales is not None and network.model is None:
        state = f"init.layer_scales is {shown(scales)}; expected"
        if init.range is not None or init.distribution == "constant":
            yield f"{state} nothing with init.range or init.distribution 'constant'."
        if len(scales) != len(network.hidden) + 1:
            yield f"{state} {len(network.hidden) + 1} numbers, one for each layer."
    if init.bias is not None and init.bias_range is not None:
        yield f"init.bias is {shown(init.bias)}; expected nothing with init.bias_range."
