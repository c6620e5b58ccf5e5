"""Which configurations a figure shows that has no room for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study


_WHAT = "configurations"


def variance(study: Study, configurations: Sequence[Configuration]) -> float:
    """Return the variance of a restart's outcome, solved or not, over some configurations."""
    rows = study.summary.loc[[c.index for c in configurations]]
    share = float(rows["solved"].sum() / max(rows["n"].sum(), 1))
    return share * (1 - share)


def telling(
    study: Study, configurations: Sequence[Configuration], most: int
) -> list[Configuration]:
    """Return the configurations whose restarts differ most in outcome, in the grid's order.

    Where outcomes differ alike, as where all are solved, the losses decide.
    """
    if len(configurations) <= most:
        return list(configurations)
    rows = study.summary.loc[[c.index for c in configurations]]
    spread = np.nan_to_num((rows["loss_q95"] - rows["loss_q05"]).to_numpy(), posinf=0.0)
    ranks = sorted(
        range(len(configurations)),
        key=lambda k: (-variance(study, [configurations[k]]), -spread[k], k),
    )
    return [configurations[k] for k in sorted(ranks[:most])]


def telling_groups(
    study: Study, groups: Sequence[tuple[str, list[Configuration]]], most: int
) -> list[tuple[str, list[Configuration]]]:
    """Return the groups of configurations whose restarts differ most in outcome, in order."""
    ranks = sorted(range(len(groups)), key=lambda k: (-variance(study, groups[k][1]), k))
    return [groups[k] for k in sorted(ranks[:most])]


def chosen(n: int, shown: int, what: str = _WHAT) -> str:
    """Say which of n are drawn, as the end of a caption."""
    if shown >= n:
        return ""
    return (
        f" Of {n:,} {what} the {shown} are shown whose restarts differ most in outcome (largest "
        "variance of solved or not"
        f"{', where that is equal the widest spread of losses' if what == _WHAT else ''})."
    )
