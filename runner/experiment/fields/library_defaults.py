"""Defaults of other programs: what `like = "pytorch"` fills in where an experiment says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from runner.errors.messages import listed, nearest, shown
from runner.experiment.grid.grid import split_paths


@dataclass(frozen=True)
class Like:
    """What a program does where it is told nothing."""

    optimizer: str
    """The optimizer that it takes."""
    fields: Mapping[str, Any]
    """Fields by dotted path, whatever the optimizer; among them ``init.distribution``."""
    optimizers: Mapping[str, Mapping[str, Any]]
    """Fields of `training` by optimizer: those that it has."""


_STARTS: Final = ("init.distribution", "init.scale")
"""They go together: a program's width is one of its own distribution."""

_SLOPES = "training.slopes"
"""Few files say it: where all else is set, filling in this alone would not be FANN's way."""

LIKES: Final[Mapping[str, Like]] = {
    "pytorch": Like(
        "gradient-descent",
        {"init.distribution": "pytorch", "loss.reduction": "mean"},
        {
            "gradient-descent": {"learning_rate": 1e-3},
            "momentum": {"learning_rate": 1e-3},
            "nesterov": {"learning_rate": 1e-3},
            "rmsprop": {"learning_rate": 1e-2, "decay": 0.99, "epsilon": 1e-8},
            "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
            "rprop": {
                "learning_rate": 1e-2,
                "increase": 1.2,
                "decrease": 0.5,
                "smallest_step": 1e-6,
                "largest_step": 50.0,
            },
        },
    ),
    "keras": Like(
        "rmsprop",
        {"init.distribution": "keras", "loss.reduction": "mean"},
        {
            "gradient-descent": {"learning_rate": 1e-2},
            "momentum": {"learning_rate": 1e-2},
            "nesterov": {"learning_rate": 1e-2},
            "rmsprop": {
                "learning_rate": 1e-3,
                "decay": 0.9,
                "epsilon": 1e-7,
                "epsilon_in_root": True,
            },
            "adam": {
                "learning_rate": 1e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "epsilon": 1e-7,
                "epsilon_hat": True,
            },
        },
    ),
    "scikit-learn": Like(
        "adam",
        {
            "init.distribution": "scikit-learn",
            "network.activation": "relu",
            "loss.kind": "cross-entropy",
            "loss.reduction": "mean",
        },
        {
            "gradient-descent": {"learning_rate": 1e-3},
            "momentum": {"learning_rate": 1e-3, "momentum": 0.9},
            "nesterov": {"learning_rate": 1e-3, "momentum": 0.9},
            "adam": {
                "learning_rate": 1e-3,
                "beta1": 0.9,
                "beta2": 0.999,
                "epsilon": 1e-8,
                "epsilon_hat": True,
            },
            "lbfgs": {},
        },
    ),
    "fann": Like(
        "rprop-fann",
        {
            "init.distribution": "uniform",
            "init.scale": 0.1,
            "network.activation": "sigmoid",
            "network.output": "sigmoid",
            "loss.kind": "tanh-error",
            "loss.reduction": "half-mean",
            _SLOPES: "cut",
        },
        {
            "gradient-descent": {"learning_rate": 0.7},
            "momentum": {"learning_rate": 0.7},
            "rprop-fann": {
                "learning_rate": 0.1,
                "increase": 1.2,
                "decrease": 0.5,
                "smallest_step": 0.0,
                "largest_step": 50.0,
            },
            "quickprop": {"learning_rate": 0.7, "largest_growth": 1.75, "at_rest": 0.001},
        },
    ),
    "rumelhart1986": Like(
        "momentum",
        {
            "init.distribution": "uniform",
            "init.scale": 0.5,
            "network.activation": "sigmoid",
            "network.output": "sigmoid",
            "loss.kind": "squared-error",
            "loss.reduction": "half-sum",
        },
        {
            "gradient-descent": {"learning_rate": 0.5},
            "momentum": {"learning_rate": 0.5, "momentum": 0.9},
        },
    ),
}
"""Programs by their names in the experiment file."""


def fill(raw: dict[str, Any]) -> list[str]:
    """Take ``like`` out of an experiment, and fill in what that system would do.

    Parameters
    ----------
    raw : dict
        An experiment's content; changed. Fields that are set, or are axes of its grid, stay.

    Returns
    -------
    list of str
        What is wrong: ``<field> is <value>; expected <rule>.``
    """
    if "like" not in raw:
        return []
    name = raw.pop("like")
    if not isinstance(name, str) or name not in LIKES:
        hint = nearest(name, tuple(LIKES))
        return [f"like is {shown(name)}; expected one of {listed(LIKES)}.{hint}"]
    network = raw.get("network")
    if isinstance(network, dict) and network.get("model") is not None:
        return [
            f"like is {name!r}; expected nothing with network.model, which is the whole network "
            "and its loss. Leave like out, and set the optimizer and its constants in [training]."
        ]
    grid = raw.get("grid")
    # Also those that vary together: "training.optimizer,training.learning_rate".
    keys = grid if isinstance(grid, dict) else ()
    axes = {path for key in keys for path in split_paths(key)}
    training = raw.setdefault("training", {})
    like = LIKES[name]
    if "training.optimizer" in axes:
        return [
            f"grid training.optimizer is an axis; expected one optimizer with like {name!r}, "
            "whose constants depend on it. Run a sweep for each."
        ]
    if not isinstance(training, dict):
        return []  # the wrong section is reported where sections are checked
    is_chosen = "optimizer" in training
    optimizer = training.setdefault("optimizer", like.optimizer)
    constants = like.optimizers.get(optimizer if isinstance(optimizer, str) else "", None)
    if constants is None:
        return [
            f"training.optimizer is {shown(optimizer)}; expected one of "
            f"{listed(like.optimizers)} with like {name!r}."
        ]
    fields = {**like.fields, **{f"training.{field}": v for field, v in constants.items()}}
    no_start = _has_other_starts(raw.get("init"), axes, like.fields["init.distribution"])
    filled, others = not is_chosen, []
    for path, value in fields.items():
        section, _, field = path.partition(".")
        there = raw.setdefault(section, {})
        if not isinstance(there, dict) or path in axes:
            continue
        if no_start and path in _STARTS and field not in there:
            continue
        filled |= field not in there and path != _SLOPES
        if there.setdefault(field, value) != value:
            others.append(path)
    if filled or not others:
        return []
    return [
        f"like is {name!r}; expected something that it can fill in, but all its fields are set, "
        f"{listed(others)} to other values. Take them out."
    ]


def _has_other_starts(init: object, axes: Set[str], distribution: str) -> bool:
    """Whether an experiment says itself where restarts start: a width is of no other starts."""
    there = init if isinstance(init, Mapping) else {}  # what else it is, is reported elsewhere
    if there.get("range") is not None or there.get("distribution", distribution) != distribution:
        return True
    return not axes.isdisjoint(("init.distribution", "init.range"))
