"""Two studies side by side: what one does better, from which starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from runner.errors import StudyError
from runner.study import matching
from runner.study.statistics.base import CONFIGURATION, INTEGER, TEXT
from runner.study.statistics.holm import holm
from runner.study.statistics.shifts import Shift, independent_shift, paired_shift
from runner.study.statistics.success import independent_success, paired_success, same_starts
from runner.study.study import Study, open_study

MOST_PAIRS = 5_000
"""Pairs of configurations that are compared."""


@dataclass(frozen=True)
class SideBySide:
    """Two studies, compared."""

    settings: pd.DataFrame
    """Settings that the studies do not have alike, a row each; index ``field``. Columns a and b
    (lists of the values), and ``ignored``: whether configurations are matched without it, since no
    value is in both. The seed, the engine and versions of packages are among them."""
    configurations: pd.DataFrame
    """A row per pair of configurations; columns as in `compare`."""
    restarts: pd.DataFrame
    """Starts that one study solves and the other does not, a row each: a, b (configurations),
    restart, solved_by (``a`` or ``b``), steps (int32, of the one that is solved) and label (of the
    other). Empty where restarts are not paired."""
    left_out: pd.DataFrame
    """Configurations that are in no row of ``configurations``, a row each: study (``a`` or ``b``),
    configuration, and reason: ``unmatched``, where the other study has none of these settings, or
    ``untrained``, where no restarts of both are trained that could be compared."""
    trained: pd.DataFrame
    """Restarts that each study has, and those that it is to have: index ``study`` (``a``, ``b``),
    columns done and planned (int64)."""


def compare(a: Study | str | Path, b: Study | str | Path) -> SideBySide:
    """Compare two studies, start by start where they have the same starts.

    Parameters
    ----------
    a, b : Study, str or Path
        Finished or not.

    Returns
    -------
    SideBySide
        With a row of its ``configurations`` for each pair.

    Columns
    -------
    a, b : int64, configurations of the two studies
    the settings that vary : object, those that are the same in both
    paired : bool, whether restart k of both starts at the same weights
    n : int64 (restarts), of the smaller sample, or pairs of restarts
    success_a, success_b : float64, shares solved
    difference, ci_low, ci_high : float64, success_b less success_a, with its 95% interval
    p_value, p_holm : float64, of no difference; adjusted for the number of rows (Holm 1979)
    only_a, only_b : Int64, pairs that only one solves; missing where not paired
    steps_n : int64, pairs that both solve, or restarts of the smaller number that is solved
    steps_difference, steps_low, steps_high : float64 (steps), median of the differences of steps
        of these pairs, or the difference of medians of what each solves, with its 95% interval
    loss_n : int64, pairs, or restarts of the smaller sample, whose losses are compared
    loss_difference, loss_low, loss_high : float64 (loss), likewise of the final losses of all

    Raises
    ------
    StudyError
        If nothing can be compared, with the field; or a study is damaged.

    Notes
    -----
    Configurations are matched by their settings: see `runner.study.matching.matches`. The methods
    are those of `runner.study.statistics.success` and `runner.study.statistics.shifts`. Restarts
    are those of `Study.sample`.

    Examples
    --------
    >>> both = compare("results/gates", "results/faster")  # doctest: +SKIP
    >>> both.configurations[["difference", "ci_low", "ci_high"]]  # doctest: +SKIP
    """
    first, second = (s if isinstance(s, Study) else open_study(s) for s in (a, b))
    pairs = matching.matches(first.plan, second.plan)
    _require_random(pairs)
    rows, parts = [], []
    samples = [_by_configuration(study) for study in (first, second)]
    seeds = first.experiment.seed, second.experiment.seed
    for pair in pairs[:MOST_PAIRS]:
        frames = [s.get(c.index) for s, c in zip(samples, (pair.a, pair.b), strict=True)]
        if frames[0] is None or frames[1] is None:
            continue
        paired = same_starts(pair.a, seeds[0], pair.b, seeds[1])
        one, other = frames[0], frames[1]
        if paired:
            common = one.index.intersection(other.index)
            one, other = one.loc[common], other.loc[common]
            if common.empty:
                continue
            parts.append(_disagreements(pair, one, other))
        rows.append(_row(pair, one, other, paired))
    if not rows:
        message = "restarts: no configuration has trained ones in both studies; expected some."
        raise StudyError(f"{message} Go on with the sweep that is not finished.")
    table = _table(rows, pairs)
    settings, left_out = _settings(first, second), _left_out(first, second, pairs, table)
    return SideBySide(settings, table, _together(parts), left_out, _trained(first, second))


def _require_random(pairs: list[matching.Match]) -> None:
    if any(c.settings.init.slice is not None for pair in pairs for c in (pair.a, pair.b)):
        message = "init.distribution is 'slice'; expected random starts, which a share is of."
        raise StudyError(message)


def _by_configuration(study: Study) -> dict[int, pd.DataFrame]:
    groups = study.sample.groupby(level=CONFIGURATION)
    return {int(str(index)): frame.droplevel(CONFIGURATION) for index, frame in groups}


def _row(pair: matching.Match, a: pd.DataFrame, b: pd.DataFrame, paired: bool) -> dict[str, Any]:
    solved_a, solved_b = (frame["solved"].to_numpy(bool) for frame in (a, b))
    steps_a, steps_b = (frame["steps"].to_numpy(float) for frame in (a, b))
    loss_a, loss_b = (frame["loss"].to_numpy(float) for frame in (a, b))
    only: list[int | None] = [None, None]
    if paired:
        success = paired_success(solved_a, solved_b)
        both = solved_a & solved_b
        steps, loss = paired_shift(steps_a[both], steps_b[both]), paired_shift(loss_a, loss_b)
        only = [int((solved_a & ~solved_b).sum()), int((solved_b & ~solved_a).sum())]
    else:
        success = independent_success(solved_a, solved_b)
        steps = independent_shift(steps_a[solved_a], steps_b[solved_b])
        loss = independent_shift(loss_a, loss_b)
    head = {"a": pair.a.index, "b": pair.b.index}
    counted = {"paired": paired, "n": min(len(a), len(b))}
    shares = {"success_a": solved_a.mean(), "success_b": solved_b.mean()}
    ends = {"only_a": only[0], "only_b": only[1]}
    point = {field: _cell(value) for field, value in pair.point.items()}
    moved = _named("steps", steps) | _named("loss", loss)
    return head | point | counted | shares | success._asdict() | ends | moved


def _named(name: str, shift: Shift) -> dict[str, float]:
    return {f"{name}_{part}": value for part, value in shift._asdict().items()}


def _cell(value: object) -> object:
    return str(value) if isinstance(value, list) else value


def _table(rows: list[dict[str, Any]], pairs: list[matching.Match]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    for field in pairs[0].point:  # pandas makes floats of integers beside a field that is not set
        table[field] = pd.Series([row[field] for row in rows], dtype=object)
    adjusted = holm(table["p_value"].to_numpy(np.float64))
    table.insert(list(table).index("p_value") + 1, "p_holm", adjusted)
    table = table.astype({"only_a": "Int64", "only_b": "Int64"})
    table.attrs["left_out"] = max(0, len(pairs) - MOST_PAIRS)
    return table


def _disagreements(pair: matching.Match, a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    solved_a, solved_b = a["solved"].to_numpy(bool), b["solved"].to_numpy(bool)
    where = np.flatnonzero(solved_a != solved_b)
    by_a = solved_a[where]
    steps = np.where(by_a, a["steps"].to_numpy()[where], b["steps"].to_numpy()[where])
    labels = [frame["label"].astype(str).to_numpy()[where] for frame in (b, a)]
    return pd.DataFrame(
        {
            "a": pair.a.index,
            "b": pair.b.index,
            "restart": a.index.to_numpy()[where],
            "solved_by": np.where(by_a, "a", "b"),
            "steps": steps,
            "label": np.where(by_a, *labels),
        }
    )


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    dtypes = dict.fromkeys(("a", "b", "restart"), INTEGER)
    dtypes |= {"solved_by": TEXT, "steps": "int32", "label": TEXT}
    none = pd.DataFrame(columns=list(dtypes)).astype(dtypes)
    return pd.concat(parts, ignore_index=True) if parts else none


def _left_out(a: Study, b: Study, pairs: list[matching.Match], table: pd.DataFrame) -> pd.DataFrame:
    """Return the configurations of both studies without a row; those of pairs too many have one."""
    rows = []
    for name, study, matched in (
        ("a", a, [pair.a.index for pair in pairs]),
        ("b", b, [pair.b.index for pair in pairs]),
    ):
        compared = {*table[name], *matched[MOST_PAIRS:]}
        for c in study.plan.configurations:
            if c.index not in compared:
                rows.append((name, c.index, "untrained" if c.index in matched else "unmatched"))
    return pd.DataFrame(rows, columns=["study", "configuration", "reason"]).astype(
        {"study": TEXT, "configuration": INTEGER, "reason": TEXT}
    )


def _trained(a: Study, b: Study) -> pd.DataFrame:
    rows = {name: (study.n_done, study.plan.n_restarts) for name, study in (("a", a), ("b", b))}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["done", "planned"])
    return table.astype("int64").rename_axis("study")


def _settings(a: Study, b: Study) -> pd.DataFrame:
    rows: list[tuple[str, list[Any], list[Any], bool]] = [
        (each.field, [*each.a], [*each.b], each.ignored)
        for each in matching.differences(a.plan, b.plan)
    ]
    whole = [
        ("seed", a.experiment.seed, b.experiment.seed),
        ("engine", a.plan.engine, b.plan.engine),
        *(
            (f"versions.{name}", a.versions.get(name), b.versions.get(name))
            for name in sorted(a.versions.keys() | b.versions.keys())
        ),
    ]
    rows += [(field, [one], [other], True) for field, one, other in whole if one != other]
    return pd.DataFrame(rows, columns=["field", "a", "b", "ignored"]).set_index("field")
