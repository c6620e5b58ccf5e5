"""What a report says first: a few plain sentences with numbers per configuration."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from runner.errors.messages import counted
from runner.landscape.convexity import OPEN
from runner.report.landscape_tables import Landscape, highest_rise, overflowing
from runner.report.names import title
from runner.report.numbers import number, percent
from runner.study.statistics.base import times_known
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

_KINDS = {
    "minimum": ("minimum", "minima"),
    "saddle": ("saddle", "saddles"),
    "indeterminate": ("undecided critical point", "undecided critical points"),
    "solved": ("of solved restarts", "of solved restarts"),
    "saturated": ("of saturated restarts", "of saturated restarts"),
    "plateau": ("plateau", "plateaus"),
}
_ONLY = {
    "minimum": "a minimum",
    "saddle": "a saddle",
    "indeterminate": "an undecided critical point",
    "solved": "solved, on their way to infinity",
    "saturated": "saturated at one level",
    "plateau": "a plateau",
}


@dataclass(frozen=True)
class ConfigurationText:
    """What a report says about one configuration."""

    title: str
    """The configuration's title."""
    headline: str
    """One sentence with its numbers: solved share, classes, highest rise, verdict."""
    lines: list[tuple[str, str]]
    """What a line is about, and its sentences in plain text."""


def sentences(study: Study, landscape: Landscape) -> list[ConfigurationText]:
    """Return the text about every configuration that has restarts."""
    return [
        ConfigurationText(title(c), _headline(study, landscape, c), _lines(study, landscape, c))
        for c in study.plan.configurations
        if study.summary["n"].iloc[c.index]
    ]


def _headline(study: Study, landscape: Landscape, c: Configuration) -> str:
    parts = [_share(study.summary.iloc[c.index], c.settings.init.slice is None)]
    classes = landscape.minima(c)
    if len(classes):
        n, minima = len(classes), int((classes["kind"] == "minimum").sum())
        classed = float(classes["share"].sum())
        having = "" if _all(classed) else f", to which {percent(classed)} of the endpoints came"
        if minima == n:
            parts.append(f"{counted(n, 'minimum', 'minima')} up to symmetry{having}")
        else:
            among = f" ({counted(minima, 'minimum', 'minima')} among them)" if minima else ""
            kind = counted(n, "class", "classes")
            parts.append(f"{kind} of endpoints up to symmetry{among}{having}")
    if rises := _rises(landscape, c):
        before, after = rises
        parts.append(
            "on straight paths between endpoints the loss rises up to "
            f"{number(before)} ({number(after)} once hidden units are aligned)"
            if before or after
            else "on no straight path between endpoints does the loss rise"
        )
    verdict = landscape.of("verdicts", c)
    if len(verdict):
        row: Any = verdict.iloc[0]
        pairs = f" in {counted(int(row['pairs']), 'pair')}" if row["verdict"] == OPEN else ""
        parts.append(f"verdict: {row['verdict']}{pairs}")
    return "; ".join(parts) + "."


def _share(row: pd.Series[Any], random: bool) -> str:
    n, solved = int(row["n"]), int(row["solved"])
    if n == 1:
        return f"The only restart was {'' if solved else 'not '}solved"
    share = percent(row["success_rate"])
    if not random:
        return f"{share} of the slice's {n:,} starts were solved"
    interval = f"(95% interval {percent(row['ci_low'])} to {percent(row['ci_high'])})"
    if not solved:
        return f"None of {n:,} random starts was solved {interval}"
    subject = "All" if solved == n else f"{share} of"
    return f"{subject} {n:,} random starts were solved {interval}"


def _lines(study: Study, landscape: Landscape, c: Configuration) -> list[tuple[str, str]]:
    row = study.summary.iloc[c.index]
    random = c.settings.init.slice is None
    lines = {
        "Solved": [_solved(row, c, random), _others(row)],
        "Endpoints": _minima(landscape, c),
        "Hills": [_barrier(landscape, c), _curves(landscape, c)],
        "Convexity": [_verdict(landscape, c)],
        "Restarting": _times(study, row, c) if random else [],
    }
    joined = {key: " ".join(text for text in texts if text) for key, texts in lines.items()}
    return [(key, text) for key, text in joined.items() if text]


def _solved(row: pd.Series[Any], c: Configuration, random: bool) -> str:
    n, solved = int(row["n"]), int(row["solved"])
    budget = counted(c.settings.training.max_steps, "step")
    if not random:
        share = percent(row["success_rate"])
        return f"{solved:,} of the slice's {n:,} starts ({share}) were solved within {budget}."
    if n == 1:
        return f"The only restart was {'' if solved else 'not '}solved within {budget}."
    interval = f"95% interval {percent(row['ci_low'])} to {percent(row['ci_high'])}"
    share = f"({percent(row['success_rate'])}; {interval})"
    if not solved:
        return f"None of {n:,} random starts {share} was solved within {budget}."
    subject = f"All {n:,}" if solved == n else f"{solved:,} of {n:,}"
    return f"{subject} random starts {share} were solved within {budget}."


def _others(row: pd.Series[Any]) -> str:
    parts = [f"{label} ({int(row[label]):,})" for label in LABELS[1:] if row.get(label, 0)]
    if not parts:
        return ""
    text = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    if int(row["n"]) == 1:
        return f"It is labelled {text.partition(' ')[0]}."
    return f"{'The others' if row['solved'] else 'They'} are labelled {text}."


def _times(study: Study, row: pd.Series[Any], c: Configuration) -> list[str]:
    if not row["solved"]:
        return []
    strategy: Any = study.strategies.loc[c.index]
    needed = int(strategy["restarts_99"])
    texts = []
    if needed > 1:
        texts.append(f"With {needed:,} restarts, one is solved with a probability of 99%.")
    if times_known(c):
        tally = study.tallies[c.index]
        quantiles = (tally.solved_quantile(q) for q in (0.05, 0.5, 0.95))
        low, middle, high = (number(float(np.round(q))) for q in quantiles)
        texts.append(
            f"Those that were solved took {middle} steps (median; nine in ten took {low} to "
            f"{high})."
        )
        gain = strategy["budget_cost"] / strategy["checked_cost"]
        if gain > 1.1:
            texts.append(
                f"Giving up after {number(strategy['best_cutoff'])} steps and starting again pays: "
                f"about {strategy['checked_cost']:,.0f} steps per solution instead of "
                f"{strategy['budget_cost']:,.0f}."
            )
    return texts


def _minima(landscape: Landscape, c: Configuration) -> list[str]:
    table = landscape.minima(c)
    if table.empty:
        return []
    counts = table["kind"].astype(str).value_counts()
    kinds = [f"{n:,} {_KINDS[kind][n > 1]}" for kind, n in counts.items() if kind in _KINDS]
    largest: Any = table.iloc[0]
    classed = float(table["share"].sum())
    if len(table) == 1:
        subject = "All are" if _all(classed) else f"{percent(classed)} are"
        texts = [
            f"{subject} of one class up to the network's symmetries: {_ONLY[largest['kind']]}."
        ]
    else:
        subject = "all fall" if _all(classed) else f"{percent(classed)} fall"
        texts = [
            f"Up to the network's symmetries {subject} into {len(table):,} classes "
            f"({', '.join(kinds)}); the largest has {percent(float(largest['share']))} of all."
        ]
    if not _all(classed):
        texts.append(f"{percent(1 - classed)} came to no class{_of_no_class(landscape, c)}.")
    unseen = landscape.of("unseen", c)
    if len(unseen) and c.settings.init.slice is None:  # starts on a grid estimate nothing
        seen, estimate = float(unseen["classes"].iloc[0]), float(unseen["chao1"].iloc[0])
        if estimate > seen + 0.5:
            texts.append(f"By Chao's estimate there are at least {estimate:,.0f}.")
    return texts


def _of_no_class(landscape: Landscape, c: Configuration) -> str:
    """Return the labels of the endpoints that are in no class, in brackets, the commonest first."""
    member, found = landscape.of("classes", c), landscape.of("curvature", c)
    if member.empty or found.empty:
        return ""
    left = found["label"][found["restart"].isin(member.loc[member["class"] < 0, "restart"])]
    counts = sorted(Counter(left.astype(str)).items(), key=lambda each: (-each[1], each[0]))
    return f" ({', '.join(f'{n:,} {label}' for label, n in counts)})"


def _all(share: float) -> bool:
    """Whether shares that were added up are all there is."""
    return share > 1 - 1e-9


def _rises(landscape: Landscape, c: Configuration) -> tuple[float, float] | None:
    """How far the loss rises on straight paths, before and after alignment; None without paths."""
    table = landscape.of("barriers", c)
    if table.empty or not c.architecture.has_hidden_units:
        return None
    if overflowing(table) == len(table):
        return None
    aligned = table["aligned"].astype(bool)
    return highest_rise(table[~aligned]), highest_rise(table[aligned])


def _barrier(landscape: Landscape, c: Configuration) -> str:
    rises = _rises(landscape, c)
    if rises is None:
        lost = overflowing(landscape.of("barriers", c))
        return f"On every straight path ({lost:,}) the loss overflows." if lost else ""
    before, after = rises
    n = overflowing(landscape.of("barriers", c))
    unknown = f" On {counted(n, 'path')} it overflows, and is not known." if n else ""
    if not before and not after:
        text = "On no straight path between two endpoints does the loss rise above the line."
        return text + unknown
    return (
        f"On straight paths between two endpoints the loss rises up to {number(before)} above the "
        f"line between its ends; once hidden units are aligned, up to {number(after)}.{unknown}"
    )


def _curves(landscape: Landscape, c: Configuration) -> str:
    table = landscape.of("barriers", c)
    tried = table.dropna(subset="curve_barrier") if len(table) else table
    if tried.empty:
        return ""
    # the same pair before and after alignment: the lower curve counts
    lowest = tried.groupby(["restart_a", "restart_b"])["curve_barrier"].min()
    return (
        f"For {counted(len(lowest), 'pair')} of classes whose straight path rises, a curve was "
        f"trained: it rises {number(float(lowest.median()))} above the mean of its ends (median), "
        f"{number(float(lowest.max()))} at most."
    )


def _verdict(landscape: Landscape, c: Configuration) -> str:
    table = landscape.of("verdicts", c)
    if table.empty:
        return ""
    row: Any = table.iloc[0]
    verdict = str(row["verdict"])
    return f"{verdict[:1].upper()}{verdict[1:]}. {row['reason']}".strip()
