"""The same starts at many rates and momenta: Kolen and Pollack's maps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runner.study.study import Study
from study_tables.base import markdown, only, percent
from study_tables.widths import MOMENTUM, RATE

RATES = (0.25, 0.5, 1, 1.5, 2, 3, 4, 5)
MOMENTA = (0, 0.25, 0.5, 0.75, 0.85, 0.9, 0.95)


def map_table(studies: Mapping[str, Study]) -> str:
    """Share solved: a row per momentum, a column per rate."""
    study = only(studies)
    values = study.configurations[[RATE, MOMENTUM]].astype(float).to_numpy()
    shares = study.summary["success_rate"].to_numpy()
    rows = []
    for momentum in MOMENTA:
        places = [np.isclose(values, (rate, momentum)).all(axis=1) for rate in RATES]
        rows.append((f"{momentum:g}", *(percent(shares[place].item()) for place in places)))
    return markdown(["momentum", *(f"rate {rate:g}" for rate in RATES)], rows)


def map_changes_table(studies: Mapping[str, Study]) -> str:
    """How often the same start has another fate one step further in rate or momentum."""
    study = only(studies)
    n = [study.configurations[name].nunique() for name in (RATE, MOMENTUM)]
    fates = study.restarts["solved"].to_numpy().reshape(*n, -1)
    changes = (fates[1:] != fates[:-1]), (fates[:, 1:] != fates[:, :-1])
    both = [each.mean(axis=(0, 1)) for each in changes]
    never = (~fates).all(axis=(0, 1)).mean()
    always = fates.all(axis=(0, 1)).mean()
    rows = [
        ("another fate one rate further", *_spread(both[0])),
        ("another fate one momentum further", *_spread(both[1])),
        ("solved at every rate and momentum", percent(always), "", ""),
        ("solved at none", percent(never), "", ""),
    ]
    return markdown(("", "of all starts", "of the start that changes least", "most"), rows)


def _spread(shares: np.ndarray) -> tuple[str, str, str]:
    return percent(shares.mean()), percent(shares.min()), percent(shares.max())
