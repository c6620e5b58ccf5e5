"""Sweeps until XOR is learnt: Rumelhart, Hinton and Williams's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.stats import binom

from runner.experiment.configuration import Configuration
from runner.study.study import Study
from study_tables.base import interval, line_fit, markdown, only, percent

ONE_RUN = 558
"""Sweeps of the one run that the chapter shows of 2-1-1."""


def sweeps_table(studies: Mapping[str, Study]) -> str:
    """Mean sweeps by the number of hidden units, beside the chapter's formula."""
    head, columns = ["hidden units", "280 - 33 log2 H"], {}
    for c, sweeps in solved_sweeps(only(studies)):
        cells = columns.setdefault(setting(c), {})
        cells[hidden(c)] = f"{sweeps.mean():,.0f}" if len(sweeps) else ""
    units = sorted({h for cells in columns.values() for h in cells})
    rows = [
        (f"{h}", f"{280 - 33 * np.log2(h):.0f}", *(cells[h] for cells in columns.values()))
        for h in units
    ]
    return markdown([*head, *columns], rows)


def sweeps_fits_table(studies: Mapping[str, Study]) -> str:
    """Lines through all restarts that are solved: sweeps against the logarithm of hidden units."""
    study = only(studies)
    points: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    failed: dict[str, int] = {}
    for c, sweeps in solved_sweeps(study):
        name = setting(c)
        points.setdefault(name, []).append((np.full(len(sweeps), np.log2(hidden(c))), sweeps))
        if hidden(c) == 2:
            failed[name] = study.tallies[c.index].n - len(sweeps)
    rows = []
    for name, parts in points.items():
        x, y = (np.concatenate(each) for each in zip(*parts, strict=True))
        fit = line_fit(x, y)
        ends = f"{-fit.high:.1f} to {-fit.low:.1f}"
        rows.append((name, f"{fit.start:.0f}", f"{-fit.slope:.1f}", ends, f"{failed[name]}"))
    head = ("updates, rate, momentum", "at one unit", "less for each doubling", "95% interval")
    return markdown((*head, "2-2-1 not solved"), [("the chapter", "280", "33", "", ""), *rows])


def one_run_table(studies: Mapping[str, Study]) -> str:
    """Where the chapter's one run lies among ours."""
    study = only(studies)
    rows = []
    for c, sweeps in solved_sweeps(study):
        n = study.tallies[c.index].n
        low, median, high = np.quantile(
            np.append(sweeps, [np.inf] * (n - len(sweeps))), [0.05, 0.5, 0.95], method="lower"
        )
        quantiles = [f"{q:,.0f}" if np.isfinite(q) else "not solved" for q in (low, median, high)]
        solved = (percent(len(sweeps) / n), interval(len(sweeps), n))
        rows.append(
            (setting(c), f"{n:,}", *solved, *quantiles, percent((sweeps <= ONE_RUN).sum() / n))
        )
    head = ("updates, rate, momentum", "n", "solved", "95% interval", "5% within", "half within")
    return markdown((*head, "95% within", f"within {ONE_RUN}"), rows)


def few_failures_table(studies: Mapping[str, Study]) -> str:
    """Failures by width and budget, and whether they are two in hundreds."""
    study = only(studies)
    budgets = (1000, 5000, 10000, 100000)
    rows = []
    for c in study.plan.configurations:
        own = study.budgets.loc[c.index]
        n = int(own["n"].iloc[0])
        failed = [n - int(own.loc[budget, "solved"]) for budget in budgets]
        chances = [percent(binom.cdf(2, runs, failed[-1] / n)) for runs in (200, 500)]
        shares = [percent(k / n) for k in failed]
        rows.append((f"{c.settings.init.scale:g}", *shares, interval(failed[-1], n), *chances))
    head = ["starts on ±", *(f"not solved in {budget:,}" for budget in budgets)]
    head += ["95% interval", "chance of at most 2 in 200", "in 500"]
    return markdown(head, rows)


def solved_sweeps(study: Study) -> Iterator[tuple[Configuration, np.ndarray]]:
    """Each configuration and the sweeps of its restarts that are solved (k,)."""
    for c in study.plan.configurations:
        own = study.restarts.loc[c.index]
        updates = c.updates_per_epoch
        yield c, np.ceil(own["steps"].to_numpy()[own["solved"].to_numpy()] / updates)


def setting(c: Configuration) -> str:
    """Kind of updates, rate and momentum."""
    training = c.settings.training
    updates = "each pattern" if c.updates_per_epoch > 1 else "all patterns"
    return f"{updates}, {training.learning_rate:g}, {training.momentum:g}"


def hidden(c: Configuration) -> int:
    """Units of the one hidden layer."""
    (units,) = c.settings.network.hidden
    return units
