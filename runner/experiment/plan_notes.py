"""What is to be said of a plan before it is trained, and above its results: notes in words."""

from __future__ import annotations

from collections.abc import Sequence

from runner.errors.messages import counted
from runner.experiment.configuration import Configuration
from runner.experiment.truth_tables.reachability import table_notes
from runner.network.cut_slopes import cuts_any
from runner.network.losses.registry import LOSSES


def plan_notes(configurations: Sequence[Configuration]) -> list[str]:
    """Return the notes on tables, then on settings that change nothing, each once."""
    return table_notes(configurations) + _slope_notes(configurations)


def _slope_notes(configurations: Sequence[Configuration]) -> list[str]:
    """Say where `training.slopes` is cut but no slope is.

    No conflict: a grid may cross it with activations, and `like = "fann"` sets it for any network.
    """
    cut = [c for c in configurations if c.settings.training.slopes == "cut"]
    plain = [c for c in cut if not _cuts_any(c)]
    if not plain:
        return []
    where, subject = "", "it trains"
    if len(configurations) > 1:
        where = f" in {len(plain):,} of {counted(len(configurations), 'configuration')}"
        subject = "they train"
    return [
        f"training.slopes is 'cut', which cuts no slope{where}, so that {subject} as with 'exact': "
        "slopes of sigmoid and tanh units alone are cut, not those of outputs with cross-entropy, "
        "nor any that only frozen weights would follow."
    ]


def _cuts_any(configuration: Configuration) -> bool:
    net = configuration.architecture.as_layers
    return net is not None and cuts_any(net, LOSSES[configuration.settings.loss.kind])
