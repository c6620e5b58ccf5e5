"""Restarts that stay unsolved: by budget and precision, and what analysis says of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runner.experiment.configuration import Configuration
from runner.study.study import Study
from study_tables.base import interval, markdown, only

BUDGETS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def unsolved_table(studies: Mapping[str, Study]) -> str:
    """Unsolved restarts by budget: a row per network, width and precision."""
    study, rows = only(studies), []
    for c in study.plan.configurations:
        own = study.budgets.loc[c.index]
        n = int(own["n"].iloc[0])
        left = [n - int(own.loc[budget, "solved"]) for budget in BUDGETS]
        counts = (f"{n}", *map(str, left), interval(left[-1], n))
        rows.append((network(c), width(c), c.settings.training.dtype, *counts))
    head = ["network", "starts", "", "n", *(f"{budget:,}" for budget in BUDGETS)]
    return markdown([*head, "95% interval of the last"], rows)


def stuck_table(studies: Mapping[str, Study]) -> str:
    """Where the unsolved are in the end: loss, gradient and weights, and their exact levels."""
    study, rows = only(studies), []
    for c in study.plan.configurations:
        own = study.restarts.loc[c.index]
        left = own[~own["solved"]]
        if not len(left):
            continue
        norms, gradients = left["weight_norm"], left["gradient_norm"]
        # the least change of a weight of median size is half of its last place
        size = np.asarray(norms.median() / np.sqrt(c.architecture.n_parameters))
        place = np.spacing(size.astype(c.settings.training.dtype)) / 2
        rate = c.settings.training.learning_rate
        numbers = (
            f"{left['loss'].min():.10f}",
            f"{gradients.median():.1e}",
            f"{norms.median():.1f}",
        )
        moved = f"{rate * gradients.median() / place:.1g}"
        rows.append(
            (network(c), width(c), c.settings.training.dtype, f"{len(left)}", *numbers, moved)
        )
    head = ("network", "starts", "", "unsolved", "lowest loss", "gradient", "weights")
    return markdown((*head, "largest step, in half last places"), rows)


def critical_table(studies: Mapping[str, Study]) -> str:
    """What analysis finds near the endpoints that are not solved."""
    study = only(studies)
    rows = []
    for c in study.plan.configurations:
        kinds = study.curvature.loc[c.index]
        solved = study.restarts.loc[c.index, "solved"].loc[kinds.index]
        left = kinds[~solved]
        counts = [f"{(left['critical'] == kind).sum()}" for kind in ("minimum", "saddle")]
        counts += [f"{(left['critical'] == kind).sum()}" for kind in ("indeterminate", "none")]
        flat = f"{left['null_directions'].min():.0f} of {c.architecture.n_parameters}"
        rows.append((network(c), f"{len(kinds):,}", f"{len(left):,}", *counts, flat))
    head = (
        "network",
        "n",
        "unsolved",
        "near a minimum",
        "near a saddle",
        "indeterminate",
        "near none",
    )
    return markdown((*head, "flat directions, at least"), rows)


def network(c: Configuration) -> str:
    """2-2-1, and so on."""
    layers = (c.table.n_inputs, *c.settings.network.hidden, c.table.n_outputs)
    return "-".join(map(str, layers)) + (" with skip" if c.settings.network.skip else "")


def width(c: Configuration) -> str:
    return f"±{c.settings.init.scale:g}"
