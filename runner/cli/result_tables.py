"""Tables that commands print: a plan, a summary, the verdicts of an analysis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from runner.cli.text import point_text
from runner.experiment.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from runner.study.tables import Study


def plan_table(plan: Plan) -> Table:
    """Return what a sweep would do, a row per group of configurations."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("compiled function", "configurations", "restarts", "restarts per batch"):
        table.add_column(name, justify="left" if name == "compiled function" else "right")
    for group in plan.groups:
        first = group.configurations[0]
        net, training = first.architecture.as_layers, first.settings.training
        shape = first.architecture.title
        if net is not None:
            shape = f"{shape} {net.activation}/{net.output}, {first.settings.loss.kind}"
        table.add_row(
            f"{shape}, {training.optimizer}, {training.dtype}",
            f"{len(group.configurations):,}",
            f"{len(group.configurations) * plan.experiment.restarts:,}",
            f"{group.batch_size:,}",
        )
    return table


def summary_table(summary: pd.DataFrame, axes: Sequence[str]) -> Table:
    """Return a study's summary; labels that no restart has are left out."""
    from runner.training.labels import LABELS

    table = Table(box=None, padding=(0, 2, 0, 0))
    labels = [label for label in LABELS[1:] if summary[label].any()]
    for name in axes:
        table.add_column(name.rpartition(".")[2], overflow="fold")
    for name in ["restarts", "solved", "95% interval", *labels, "median loss"]:
        table.add_column(name, justify="right", overflow="fold")
    for row in summary.to_dict("records"):
        table.add_row(
            *(str(row[name]) for name in axes),
            f"{row['n']:,}",
            f"{100 * row['success_rate']:.2f}%",
            _interval(row["ci_low"], row["ci_high"]),
            *(f"{row[label]:,}" for label in labels),
            f"{row['loss_median']:.4g}",
        )
    return table


def _interval(low: float, high: float) -> str:
    """Return an interval in percent; nothing where there is none, as of starts on a grid."""
    return "" if math.isnan(low) else f"{100 * low:.2f}-{100 * high:.2f}"


def verdict_table(study: Study) -> Table:
    """Return the results of an analysis, a row per configuration."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    names = ("configuration", "analysed", "classes", "pairs that rise", "highest rise", "verdict")
    for name in names:
        right = name not in ("configuration", "verdict")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    analysed = study.curvature.groupby(level="configuration").size()
    n_classes = study.unseen.set_index("configuration")["classes"]
    verdicts = study.verdicts.set_index("configuration")
    for configuration in study.plan.configurations:
        row = verdicts.loc[configuration.index]
        rise = row["worst_violation"]
        table.add_row(
            point_text(configuration.point),
            f"{analysed.get(configuration.index, 0):,}",
            f"{n_classes[configuration.index]:,}",
            f"{row['violations']:,} of {row['pairs']:,}",
            f"{rise:.3g}" if row["violations"] else "",
            str(row["verdict"]),
        )
    return table
