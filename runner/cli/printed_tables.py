"""Tables that commands print: a plan, a summary, what an analysis or a map found; as columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.display.text import point_text
from runner.display.text_table import Column
from runner.errors.messages import count_text, counted
from runner.experiment.configuration import Configuration
from runner.experiment.fields.sections import Training
from runner.experiment.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from runner.network.architecture import Architecture
    from runner.study.remaining import Remaining
    from runner.study.study import Study

Summary: TypeAlias = "pd.DataFrame | Mapping[str, Any]"

_HELD_OUT = {
    "rows_right_mean": "mean rows right",
    "held_out_rows_right_mean": "held out",
    "held_out_loss_median": "median loss there",
}
"""Columns of a summary with held-out rows, and what they are called."""


def plan_table(plan: Plan, left: Remaining | None = None) -> list[Column]:
    """Return what a sweep would do, a row per group of configurations.

    Of a study that is there what is ``left`` of it, else the plan's last round.
    """
    if left is None:
        groups, by_number = plan.rounds[-1].groups, plan.roster.by_number
        titles = _titles([[by_number[int(n)] for n in group.numbers] for group in groups])
        members = [len(group.numbers) for group in groups]
        restarts, sizes = [len(group) for group in groups], [{g.batch_size} for g in groups]
    else:
        parts = sorted(left.groups.items())
        owners = [plan.groups[number].configurations for number, _ in parts]
        titles = _titles(owners)
        members = [sum(bool(left.counts[c.index]) for c in of_one) for of_one in owners]
        restarts = [sum(len(batch) for batch in batches) for _, batches in parts]
        sizes = [{plan.round_group(b).batch_size for b in batches} for _, batches in parts]
    return [
        Column("compiled function", titles, is_text=True),
        Column("configurations", [f"{n:,}" for n in members]),
        Column("restarts" if left is None else "restarts left", [f"{n:,}" for n in restarts]),
        Column(
            "restarts per batch",
            [" or ".join(f"{size:,}" for size in sorted(each)) for each in sizes],
            left_out=1,
        ),
    ]


def remaining_table(left: Remaining, places: Sequence[int]) -> list[Column]:
    """Return how many restarts of some configurations are done, and how many are left."""
    points = [point_text(left.plan.configurations[index].point) for index in places]
    done = left.plan.counts - left.counts
    return [
        Column("configuration", points, is_text=True),
        Column("done", [f"{done[index]:,}" for index in places]),
        Column("left", [f"{left.counts[index]:,}" for index in places]),
    ]


def _titles(groups: Sequence[Sequence[Configuration]]) -> list[str]:
    """Return what compiled functions are called, with what sets apart those that are called alike.

    That is what all of one's configurations have, but not all configurations of the others.
    """
    titles = [_title(configurations[0]) for configurations in groups]
    alike: dict[str, list[Configuration]] = {}
    for title, configurations in zip(titles, groups, strict=True):
        alike.setdefault(title, []).extend(configurations)
    found = []
    for title, configurations in zip(titles, groups, strict=True):
        common = {
            path: value
            for path, value in configurations[0].point.items()
            if all(c.point.get(path) == value for c in configurations)
            and any(c.point.get(path) != value for c in alike[title])
        }
        found.append(f"{title}, {point_text(common)}" if common else title)
    return found


def _title(first: Configuration) -> str:
    """Return what the compiled function of a configuration is called."""
    net, training = first.architecture.as_layers, first.settings.training
    shape = first.architecture.title
    if net is not None:
        by_layer = [net.activation] if isinstance(net.activation, str) else net.activation
        kinds = "/".join([*(by_layer if net.hidden else ()), net.output])
        shape = ", ".join([f"{shape} {kinds}", *_unusual_layers(net), first.settings.loss.kind])
    if first.settings.loss.l2:
        shape += ", L2"
    parts = [shape, training.optimizer, *_changed_updates(training), training.dtype]
    return ", ".join(parts)


def _unusual_layers(net: Architecture) -> list[str]:
    """Return what a network has beside its units, or lacks; nothing where all is usual."""
    kind = f" {net.skip}" if isinstance(net.skip, str) else ""
    parts = {
        f"shortcuts{kind}": net.skip and net.hidden,
        "no biases": not net.bias,
        f"{' and '.join(net.frozen)} frozen": net.frozen,
    }
    return [text for text, is_so in parts.items() if is_so]


def _changed_updates(training: Training) -> list[str]:
    """Return what sets functions apart whose optimizer is the same; nothing where all is usual."""
    size = training.patterns_per_update
    parts = {
        "cut slopes": training.slopes == "cut",
        f"{counted(size or 0, 'pattern')} per update": size,
        "shuffled": training.order == "shuffled",
        f"rate {training.rate_schedule}": training.rate_schedule,
        f"momentum {training.momentum_schedule}": training.momentum_schedule,
        f"{training.plateau} on plateaus": training.plateau,
    }
    return [text for text, is_set in parts.items() if is_set]


def hash_table(study: Study) -> list[Column]:
    """Return the hashes of what a study holds of each configuration."""
    points = [point_text(c.point) for c in study.plan.configurations]
    return [
        Column("configuration", points, is_text=True),
        Column("SHA-256", study.configuration_hashes.tolist(), is_text=True),
    ]


def summary_table(
    summary: Summary, axes: Sequence[str], precision: pd.DataFrame | None = None
) -> list[Column]:
    """Return a study's summary, a column by its name; labels that no restart has are left out.

    With ``precision``, as `Study.precision`, it has that table's other interval too. In a narrow
    terminal the interval goes first, then the median loss, then labels from the last.
    """
    from runner.training.labels import LABELS

    labels = [label for label in LABELS[1:] if summary[label].any()]
    rates, bounds = summary["success_rate"], zip(summary["ci_low"], summary["ci_high"], strict=True)
    medians = zip(summary["loss_median"], summary["n"], strict=True)
    always = []
    if precision is not None:
        found = precision.reindex(range(len(rates)))[["anytime_low", "anytime_high"]]
        ends = found.itertuples(index=False)
        always = [Column("whenever one looks", [_interval(*map(float, pair)) for pair in ends])]
    return [
        *(Column(axis.rpartition(".")[2], cells(summary[axis]), True) for axis in axes),
        Column("restarts", [f"{n:,}" for n in summary["n"]]),
        Column("solved", ["" if math.isnan(p) else f"{100 * p:.2f}%" for p in rates]),
        Column("95% interval", [_interval(*pair) for pair in bounds], left_out=len(labels) + 2),
        *always,
        *(
            Column(label, [f"{n:,}" for n in summary[label]], left_out=rank)
            for rank, label in enumerate(labels, start=1)
        ),
        Column(
            "median loss",
            [f"{loss:.4g}" if n else "" for loss, n in medians],  # nan: all have diverged
            left_out=len(labels) + 1,
        ),
        *(
            Column(title, [f"{value:.4g}" for value in summary[name]])
            for name, title in _HELD_OUT.items()
            if "held_out_loss_median" in summary
        ),
    ]


def cells(values: Iterable[object]) -> list[str]:
    """Return an axis's values as text; empty where nothing is set, which is None or NaN."""
    lists = [list(v) if isinstance(v, tuple) else v for v in values]
    return ["" if v is None or v != v else str(v) for v in lists]


def _interval(low: float, high: float) -> str:
    """Return an interval in percent; nothing where there is none, as of starts on a grid."""
    return "" if math.isnan(low) else f"{100 * low:.2f}-{100 * high:.2f}"


def verdict_table(study: Study) -> list[Column]:
    """Return the results of an analysis, a row per configuration."""
    indices = [configuration.index for configuration in study.plan.configurations]
    analysed = study.curvature.groupby(level="configuration").size()
    n_classes = study.unseen.set_index("configuration")["classes"]
    verdicts = study.verdicts.set_index("configuration").loc[indices]
    counts = [*zip(verdicts["violations"], verdicts["pairs"], strict=True)]
    rises = zip(verdicts["worst_violation"], verdicts["violations"], strict=True)
    points = [point_text(configuration.point) for configuration in study.plan.configurations]
    return [
        Column("configuration", points, is_text=True),
        Column("analysed", [f"{analysed.get(i, 0):,}" for i in indices], left_out=3),
        Column("classes", [f"{n_classes[i]:,}" for i in indices], left_out=1),
        Column("pairs that rise", [f"{n:,} of {all_:,}" for n, all_ in counts], left_out=2),
        Column("highest rise", [f"{rise:.3g}" if n else "" for rise, n in rises]),
        Column("verdict", [*map(str, verdicts["verdict"])], is_text=True),
    ]


def map_table(study: Study) -> list[Column]:
    """Return the results of a map, a row per configuration."""
    indices = [configuration.index for configuration in study.plan.configurations]
    points = study.critical_points
    counts = points.groupby(["configuration", "kind"]).size()
    found = study.completeness.query("index == -1").set_index("configuration").loc[indices]

    def of_kind(kind: str) -> list[str]:
        return [f"{counts.get((i, kind), 0):,}" for i in indices]

    texts = [point_text(configuration.point) for configuration in study.plan.configurations]
    return [
        Column("configuration", texts, is_text=True),
        Column("minima", of_kind("minimum")),
        Column("transition states", of_kind("transition state")),
        Column("other saddles", of_kind("saddle")),
        Column("families", of_kind("family"), left_out=3),
        Column("images", [count_text(n) for n in found["images"]], left_out=2),
        Column("searches", [f"{n:,}" for n in found["searches"]]),
        Column("since the last new one", [f"{n:,}" for n in found["unchanged"]], left_out=1),
    ]
