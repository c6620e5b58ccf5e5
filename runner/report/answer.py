"""The answer to what a study asked, in a paragraph: what each axis does, what is stuck where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from runner.errors.messages import counted
from runner.experiment.truth_tables.reachability import Reachability
from runner.report.figures.losses import level_text
from runner.report.grid_axes import numbers_of
from runner.report.names import axis_name, title, value_text
from runner.report.numbers import percent
from runner.study.statistics.summary import none_solved_text
from runner.training.labels import REST, Label

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_STUCK = (Label.PLATEAU, Label.SATURATED, Label.STATIONARY, Label.CYCLING)
_ON_THE_WAY = tuple(label for label in Label if label not in (Label.SOLVED, *_STUCK))
_MOST_AXES = 4
_MOST_LEVELS = 3  # of a label
_CHANCE = 0.05  # adjusted p-values under it are no chance


@dataclass(frozen=True)
class Sentence:
    """One sentence of the paragraph, or a few."""

    text: str
    """Plain text."""
    figure: str = ""
    """Name of the figure that shows it."""
    table: str = ""
    """Name of the table with its numbers."""


def answer(study: Study) -> list[Sentence]:
    """Return the paragraph that a report begins with; nothing while no restart is trained."""
    rows = study.summary[study.summary["n"] > 0]
    if rows.empty:
        return []
    trained = [c for c in study.plan.configurations if c.index in rows.index]
    sentences = [_overall(rows, trained)]
    if text := none_solved_text(study.plan, study.summary):
        sentences.append(Sentence(text, table="summary"))
    if all(c.settings.init.slice is None for c in trained):
        axes = [path for path in study.experiment.axes if len(_by_value(rows, path)) > 1]
        sentences += [_effect(study, rows, trained, path) for path in axes[:_MOST_AXES]]
    if rows["solved"].sum() != rows["n"].sum():
        sentences.append(_rest(study, rows))
        sentences += _at_the_best(study, trained)
    if any(c.table.n_held for c in trained):
        sentences.append(_held_out(rows, [c for c in trained if c.table.n_held]))
    return sentences


def _overall(rows: pd.DataFrame, trained: list[Configuration]) -> Sentence:
    n, solved = int(rows["n"].sum()), int(rows["solved"].sum())
    text = f"{percent(solved / n)} of {counted(n, 'restart')} are solved"
    if solved in (0, n):
        text = f"All {n:,} restarts are solved" if solved else f"None of {n:,} restarts is solved"
    if n == 1:
        text = f"The only restart is {'' if solved else 'not '}solved"
    named = {c.index: title(c) for c in trained}
    rates: dict[Any, float] = rows["success_rate"].to_dict()
    low, high = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    if rates[low] < rates[high]:
        text += (
            f": from {percent(rates[low])} of {named[low]}{_as_many(rates, low)} to "
            f"{percent(rates[high])} of {named[high]}{_as_many(rates, high)}"
        )
    elif len(rates) > 1 and 0 < solved < n:
        text += ", as many of every configuration"
    return Sentence(f"{text}.", "success", "summary")


def _as_many(shares: Mapping[Any, float], key: object) -> str:
    """Say how many others have the share that one has."""
    others = sum(share == shares[key] for share in shares.values()) - 1
    return f" and {others:,} more" if others else ""


def _by_value(rows: pd.DataFrame, path: str) -> dict[Any, float]:
    """Return the share solved by value of an axis, over all other axes together."""
    sums = rows.groupby(path, observed=True, sort=False)[["solved", "n"]].sum()
    return {value: float(row["solved"] / row["n"]) for value, row in sums.iterrows()}


def _effect(study: Study, rows: pd.DataFrame, trained: list[Configuration], path: str) -> Sentence:
    shares = _by_value(rows, path)
    columns: dict[Any, Any] = rows[path].to_dict()
    numbers = numbers_of(trained, path)
    names = {columns[c.index]: value_text(path, c.point[path]) for c in trained}
    best, worst = (choose(shares, key=lambda value: shares[value]) for choose in (max, min))
    alone = len(study.experiment.axes) == 1
    by = f"{axis_name(path)}{'' if alone else ' (all other axes together)'}"
    if shares[best] == shares[worst]:
        text = f"Whatever the {by}, {percent(shares[best])} are solved."
    elif numbers is None or len(shares) == 2:
        text = (
            f"By {by} most are solved with {names[best]}{_as_many(shares, best)} "
            f"({percent(shares[best])}), fewest with {names[worst]}{_as_many(shares, worst)} "
            f"({percent(shares[worst])})."
        )
    else:
        by_number = {numbers[index]: value for index, value in columns.items()}
        ends = [by_number[choose(by_number)] for choose in (min, max)]
        others = [value for value in dict.fromkeys([*ends, worst]) if shares[value] < shares[best]]
        text = (
            f"By {by} success is highest at {names[best]}{_as_many(shares, best)} with "
            f"{percent(shares[best])}, and "
            + ", ".join(f"{percent(shares[value])} at {names[value]}" for value in others)
            + "."
        )
    return Sentence(f"{text} {_told_apart(study, path)}".strip(), "success", "comparisons")


def _told_apart(study: Study, path: str) -> str:
    """Say how many of the pairs that differ in one axis alone differ beyond chance."""
    pairs = study.comparisons
    pairs = pairs[pairs["axis"] == path]
    if pairs.empty:
        return ""
    apart = pairs[pairs["p_holm"] < _CHANCE]
    alone = f"that differ in {axis_name(path)} alone"
    if len(pairs) == 1:
        ends = 100 * pairs[["difference", "ci_low", "ci_high"]].to_numpy(np.float64)[0]
        size, low, high = ends if ends[0] >= 0 else -ends[[0, 2, 1]]
        interval = f"percentage points, 95% interval {low:.1f} to {high:.1f}"
        chance = "" if len(apart) else ", and may be chance"
        return f"The difference is {size:.1f} {interval}{chance}."
    if not len(apart):
        return f"No two configurations {alone} differ by more than chance would make."
    which = f"In {len(apart):,} of the {len(pairs):,} pairs"
    if len(apart) == len(pairs):
        which = "In both pairs" if len(pairs) == 2 else f"In all {len(pairs):,} pairs"
    return f"{which} {alone} the difference is more than chance would make (Holm's adjustment, 5%)."


def _rest(study: Study, rows: pd.DataFrame) -> Sentence:
    """Say what the other restarts end as, and at which levels of the loss."""
    stuck = [label for label in _STUCK if rows[label].sum()]
    moving = [label for label in _ON_THE_WAY if rows[label].sum()]
    parts = []
    if stuck:
        total = int(rows[list(stuck)].to_numpy().sum())
        kinds = [f"{int(rows[label].sum()):,} {label}{_levels(study, label)}" for label in stuck]
        parts.append(f"{total:,} {'is' if total == 1 else 'are'} stuck ({'; '.join(kinds)})")
    for label in moving:
        n = int(rows[label].sum())
        parts.append(f"{n:,} {'is' if n == 1 else 'are'} {label}")
    whose = "Of the others" if rows["solved"].any() else "Of them" if parts[1:] else "All"
    text = f"{whose} {', '.join(parts)}."
    if rows["n"].sum() == 1:
        kind = (stuck or moving)[0]
        text = f"It ends {kind}{_levels(study, kind)}."
    return Sentence(text, "losses", "losses")


def _at_the_best(study: Study, trained: list[Configuration]) -> list[Sentence]:
    """Say how many unsolved restarts have the lowest loss that their table allows any weights."""
    unsolved = study.sample.loc[~study.sample["solved"], "loss"]
    n = 0
    for c in trained:
        best = Reachability(c)
        if best.note and best.lowest_loss and not c.settings.loss.l2:
            losses = unsolved[unsolved.index.get_level_values("configuration") == c.index]
            n += int((losses <= (1 + REST) * best.lowest_loss).sum())
    if not n:
        return []
    whole = study.n_sampled == study.experiment.restarts
    where = "" if whole else f" (of the first {study.n_sampled:,} restarts of each configuration)"
    text = (
        f"{n:,} of those that are not solved{where} {'is' if n == 1 else 'are'} within 1% of the "
        "lowest loss that any weights can reach on their table."
    )
    return [Sentence(text, "losses", "losses")]


def _held_out(rows: pd.DataFrame, judged: list[Configuration]) -> Sentence:
    """Say how well restarts do on rows that they have not been trained on."""
    counts = sorted({c.table.n_held for c in judged})
    held = (
        counted(counts[0], "row") if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,} rows"
    )
    means: dict[Any, float] = rows["held_out_rows_right_mean"].to_dict()
    ends = [choose(means[c.index] for c in judged) for choose in (min, max)]
    right = " to ".join(dict.fromkeys(f"{end:.3g}" for end in ends))
    which = "" if len(judged) == 1 else ", by configuration"
    text = f"Of {held} left out of training, restarts answer {right} right on average{which}."
    return Sentence(text, table="summary")


def _levels(study: Study, label: str) -> str:
    """Return the exact levels that most restarts of a label have come to."""
    found = study.sample.loc[study.sample["label"] == label, "level"].dropna().round(6)
    levels = sorted(found.value_counts().head(_MOST_LEVELS).index)
    if not levels:
        return ""
    more = " and others" if found.nunique() > len(levels) else ""
    return f" at a loss of {', '.join(level_text(float(level)) for level in levels)}{more}"
