"""Tables of restarts: summary, strategies, budgets, comparisons, losses, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.landscape_tables import Landscape
from runner.report.tables.base import TableRows
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.study.study import Study

_RATE = ("success_rate", "ci_low", "ci_high")
_ANYTIME = ("anytime_low", "anytime_high")


def summary_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return the summary without labels that no restart has; intervals of random starts only."""
    frame = study.summary.reset_index().drop(columns=list(study.experiment.axes))
    frame = frame.drop(columns=[label for label in LABELS[1:] if not frame[label].any()])
    if not _random(study):
        frame = frame.drop(columns=["ci_low", "ci_high"])
    note = "One row per configuration: restarts by label, quantiles of final loss and of steps."
    note += " Rows right are those of the table that a restart answers right."
    return TableRows("summary", "Summary", note, frame, _RATE)


def precision_rows(study: Study, landscape: Landscape) -> TableRows | None:
    """Return both intervals of the share solved, where a precision was asked for."""
    if not study.plan.until:
        return None
    frame = study.precision.reset_index().dropna(axis="columns", how="all")
    note = (
        "The share solved with its 95% intervals: ci_low and ci_high for a number of restarts that "
        "was fixed before, anytime_low and anytime_high whenever one looks; half_width is of the "
        "latter, and so are time_low and time_high, of the median time to solution."
    )
    shares = (*_RATE, *_ANYTIME, "half_width")
    return TableRows("precision", "Precision", note, frame, shares)


def strategy_rows(study: Study, landscape: Landscape) -> TableRows | None:
    """Return what a solution costs when restarts are given up after some steps."""
    if not _random(study):
        return None
    frame = study.strategies.reset_index().dropna(axis="columns", how="all")
    note = "Restarts until one is solved with probability 99%, with its 95% interval"
    if "budget_cost" in frame:
        note += (
            "; expected steps per solution with the whole budget, with the best cutoff "
            "(checked: chosen on one half of the restarts, measured on the other) and under "
            "Luby's schedule."
        )
    else:
        note += ". Costs in steps need times to solution: run with training.stop_solved = true."
    return TableRows("strategies", "Restart strategies", note, frame)


def budget_rows(study: Study, landscape: Landscape) -> TableRows | None:
    """Return the share that is solved within each budget of steps."""
    if not _random(study):
        return None
    note = (
        "Restarts that are solved within a budget, with the share's 95% Wilson interval. "
        "Where training does not stop at a solution, the only budget is the whole one."
    )
    frame = study.budgets.reset_index()
    return TableRows("budgets", "Success by step budget", note, frame, _RATE)


def comparison_rows(study: Study, landscape: Landscape) -> TableRows | None:
    """Return how configurations differ that differ in one axis of the grid."""
    if not _random(study):
        return None
    note = (
        "Configurations that differ in one axis: success share of b less that of a, in "
        "percentage points, with its 95% interval. Paired: both from the same starts. p_holm is "
        "adjusted for all rows."
    )
    shares = ("difference", *_RATE[1:], *_ANYTIME)
    return TableRows("comparisons", "Comparisons", note, study.comparisons, shares)


def loss_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return quantiles of the final loss by label."""
    frame = study.losses.reset_index()
    return TableRows("losses", "Final losses", "By label.", frame, ("share",))


def failure_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return the restarts that could not be trained, without their tracebacks."""
    frame = study.failures.drop(columns=["traceback"])
    return TableRows("failures", "Failures", "Restarts that could not be trained.", frame)


def _random(study: Study) -> bool:
    """Whether all starts are random, so that shares of them are estimates."""
    return all(c.settings.init.slice is None for c in study.plan.configurations)
