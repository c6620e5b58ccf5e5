"""A slice of any experiment: two starting weights swept over a grid, the others held fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.fields.rules import rule_of
from runner.experiment.fields.sections import Init
from runner.experiment.plan import Plan
from runner.network.slices import parse_axis, parse_weight

__all__ = ["sliced"]

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
_LONGEST_NAME: Final = 64
_OTHER: Final = [
    name
    for name, field in Init.model_fields.items()
    if field.default is None and name not in ("x", "y")
]
"""Fields of other starts, whose place the grid takes."""


def sliced(
    source: str | Path,
    x: str,
    y: str,
    at: Sequence[str] = (),
    changes: Mapping[str, Any] = _NONE,
) -> Experiment:
    """Return an experiment whose restarts start on a grid over two weights.

    Parameters
    ----------
    source : str or Path
        An experiment file.
    x, y : str
        ``W1[0,0]=-10:10:200``: a weight and its values.
    at : sequence of str
        ``b1[0]=0.6``: fixed weights. All others are those from which restart 0 of the first
        configuration starts.
    changes : mapping
        As for `load_experiment`.

    Returns
    -------
    Experiment
        Called ``<name>-slice``; grid axes of ``init`` are gone.

    Raises
    ------
    ExperimentError
        If the experiment, an axis or a weight is wrong.

    Notes
    -----
    The fixed weights are written out in the experiment, so that it says all by itself.
    """
    try:
        axes = [parse_axis(text) for text in (x, y)]
        given = dict(parse_weight(text) for text in at)
    except ValueError:
        raise ExperimentError("\n".join(_problems(x, y, at))) from None
    base = load_experiment(source, changes=changes)
    first = Plan(base).configurations[0]
    start = first.starts(base.seed).draw(0, 1)[:, 0]
    drawn = {
        name: float(weight)
        for name, weight in zip(first.architecture.parameter_names, start, strict=True)
        if name not in {axis.name for axis in axes}
    }
    fixed = [f"{name}={weight!r}" for name, weight in (drawn | given).items()]
    return load_experiment(
        source,
        changes={
            **changes,
            **{f"init.{field}": None for field in _OTHER},
            "name": f"{base.name[: _LONGEST_NAME - len('-slice')]}-slice",
            "restarts": axes[0].n * axes[1].n,
            "init.distribution": "slice",
            "init.scale": 1.0,
            "init.x": x,
            "init.y": y,
            "init.at": fixed,
        },
    )


def _problems(x: str, y: str, at: Sequence[str]) -> list[str]:
    """Say which of the texts are not of their form."""
    found = []
    for option, text in (("--x", x), ("--y", y)):
        try:
            parse_axis(text)
        except ValueError:
            found.append(f"{option} is {shown(text)}; expected {rule_of(Init, 'x')}.")
    for text in at:
        try:
            parse_weight(text)
        except ValueError:
            found.append(f"--at is {shown(text)}; expected 'NAME=VALUE', as in 'b1[0]=0.6'.")
    return found
