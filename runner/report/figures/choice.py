"""Which configurations a figure shows that has no room for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_RULE = "largest variance of solved or not"


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


def chosen(n: int, shown: int) -> str:
    """Say which of n configurations are drawn, by `telling`, as the end of a caption."""
    rule = f"{_RULE}, where that is equal the widest spread of losses"
    return _chosen(n, shown, "configurations", rule)


def chosen_panels(n: int, shown: int) -> str:
    """Say which of n panels are drawn, by `telling_groups`, as the end of a caption."""
    return _chosen(n, shown, "panels", _RULE)


def _chosen(n: int, shown: int, what: str, rule: str) -> str:
    if shown >= n:
        return ""
    return f" Of {n:,} {what} the {shown} are shown whose restarts differ most in outcome ({rule})."
