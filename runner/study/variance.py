"""How much restarts vary: success by budget, times to solution, restart strategies, comparisons.

The time to solution is the step at which a restart is first solved. It is known where
``training.stop_solved`` ends restarts there. Otherwise a restart goes on, what is known is whether
it is solved in the end, and nothing is derived from that about earlier steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from runner.study import luby
from runner.study.tally import CONFIDENCE, Tally, share
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.plan import Configuration
    from runner.study.tables import Study

MOST_PAIRS = 5_000
"""Pairs of configurations that are compared; see `comparisons`."""

_MEMBERS = "configuration"


def times_known(configuration: Configuration) -> bool:
    """Tell whether a solved restart's steps are its time to solution."""
    return configuration.settings.training.stop_solved


def budgets(study: Study) -> pd.DataFrame:
    """Success against step budget.

    Returns
    -------
    DataFrame
        Index configuration and budget (steps). Columns n, solved (within the budget),
        success_rate, ci_low and ci_high (Wilson's 95% interval), and first_solved: whether
        ``solved`` counts first solutions. Where training does not stop there, the only budget is
        ``max_steps`` and ``solved`` counts restarts that are solved in the end.

    Notes
    -----
    All budgets of a configuration are counted on the same restarts, so their intervals are not
    independent of each other.
    """
    rows = []
    for configuration, tally in _tallies(study):
        training = configuration.settings.training
        known = times_known(configuration)
        solved = tally.solved.sum(axis=1)
        for budget in _ladder(training.max_steps) if known else [training.max_steps]:
            k = int(solved[tally.steps <= budget].sum())
            rows.append((configuration.index, budget, tally.n, k, *share(k, tally.n), known))
    columns = ["n", "solved", "success_rate", "ci_low", "ci_high", "first_solved"]
    return _framed(rows, [_MEMBERS, "budget"], columns)


def times(study: Study) -> pd.DataFrame:
    """Kaplan-Meier estimate of the share that is not yet solved.

    Returns
    -------
    DataFrame
        Index configuration and step, a row for each step at which a restart was first solved.
        Columns at_risk, solved (at this step), unsolved (the estimate), ci_low and ci_high
        (pointwise 95%, log-log, Kalbfleisch and Prentice). Configurations without known times to
        solution have no rows: they need ``training.stop_solved = true``.

    Notes
    -----
    A restart that ended in another way (out of steps, diverged, at a threshold) stays unsolved
    however long one waits under the same rules, so it is right-censored at ``max_steps``.
    """
    frames = []
    for configuration, tally in _tallies(study):
        if not times_known(configuration) or not tally.n_solved:
            continue
        solved = tally.solved.sum(axis=1)
        end = np.array([configuration.settings.training.max_steps])
        others = np.array([tally.n - tally.n_solved])
        curve = survival(tally.steps[solved > 0], end, solved[solved > 0], others)
        frames.append(curve.assign(**{_MEMBERS: configuration.index}))
    if not frames:
        columns = ["at_risk", "solved", "unsolved", "ci_low", "ci_high"]
        return _framed([], [_MEMBERS, "step"], columns)
    return pd.concat(frames).reset_index().set_index([_MEMBERS, "step"])


def survival(
    times: np.ndarray,
    censored: np.ndarray,
    n_times: np.ndarray | None = None,
    n_censored: np.ndarray | None = None,
) -> pd.DataFrame:
    """Return the Kaplan-Meier estimate (Kaplan and Meier 1958).

    Parameters
    ----------
    times : ndarray, shape (k,), int
        When solved restarts were first solved; at least one.
    censored : ndarray, shape (m,), int
        How long others were seen.
    n_times, n_censored : ndarray, shape (k,) and (m,), int, optional
        How many restarts each of these stands for; by default one.

    Returns
    -------
    DataFrame
        Index step: the different times. Columns as in `times`; the interval is missing where the
        estimate is 0.
    """
    steps, place = np.unique(times, return_inverse=True)
    solved = np.bincount(place, n_times).astype(np.int64)
    seen = np.concatenate([times, censored])
    ones = np.ones(len(seen), np.int64)
    n_seen = ones if n_times is None or n_censored is None else np.append(n_times, n_censored)
    order = np.argsort(seen)
    gone = np.concatenate([[0], np.cumsum(n_seen[order])])
    at_risk = n_seen.sum() - gone[np.searchsorted(seen[order], steps, side="left")]
    unsolved = np.cumprod(1 - solved / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Greenwood's variance of the logarithm of the estimate, and the interval of its logarithm
        variance = np.cumsum(solved / (at_risk * (at_risk - solved)))
        half = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(variance) / np.abs(np.log(unsolved))
        low, high = unsolved ** np.exp(half), unsolved ** np.exp(-half)
    known = unsolved > 0
    return pd.DataFrame(
        {
            "at_risk": at_risk,
            "solved": solved,
            "unsolved": unsolved,
            "ci_low": np.where(known, low, np.nan),
            "ci_high": np.where(known, high, np.nan),
        },
        index=pd.Index(steps, name="step"),
    )


def strategies(study: Study) -> pd.DataFrame:
    """What a solution costs under restart strategies, in steps of training.

    Returns
    -------
    DataFrame
        Index configuration, a row each. Columns n, solved; restarts_99, ci_low, ci_high: restarts
        after which at least one is solved with probability 99%, ln 0.01 / ln(1 - p) rounded up,
        and its interval from that of p; budget_cost: expected steps per solution with ``max_steps``
        as cutoff; best_cutoff, best_cost: the cutoff of least expected cost, and that cost;
        checked_cost: cost on the odd restarts of the cutoff that is best on the even ones;
        luby_cost: expected steps under `luby`. All but the first two are missing where times
        to solution are not known, save restarts_99; costs are infinite where nothing was solved.

    Notes
    -----
    The cost of a cutoff c is E[min(R, c)] / F(c), R being the steps at which a restart ended for
    whatever reason and F(c) the share that is solved within c steps. ``best_cost`` is chosen as
    the least of many estimates on the same restarts and so is too low on average; ``checked_cost``
    is not. Runs of Luby's schedule beyond ``max_steps`` are cut there. A restart that is solved at
    its start counts as one step, since to look at it is not free.
    """
    rows = []
    for configuration, tally in _tallies(study):
        n, k = tally.n, tally.n_solved
        _, low, high = share(k, n)
        needed = (_restarts_99(k / n), _restarts_99(high), _restarts_99(low))
        costs: tuple[float, ...] = (np.nan,) * 5
        if times_known(configuration):
            costs = _costs(tally, configuration.settings.training.max_steps)
        rows.append((configuration.index, n, k, *needed, *costs))
    columns = ["n", "solved", "restarts_99", "ci_low", "ci_high"]
    columns += ["budget_cost", "best_cutoff", "best_cost", "checked_cost", "luby_cost"]
    return _framed(rows, [_MEMBERS], columns)


def cutoff_costs(
    steps: np.ndarray, solved: np.ndarray, n: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cutoffs at which a restart was solved, and the expected steps per solution there.

    Parameters
    ----------
    steps : ndarray, shape (k,), int
        Steps at which restarts ended.
    solved : ndarray, shape (k,), bool or int
        How many of them were solved.
    n : ndarray, shape (k,), int, optional
        How many restarts ended there; by default one.

    Returns
    -------
    cutoffs, costs : ndarray
        Between two cutoffs the cost only grows, so the best cutoff is one of these.
    """
    cutoffs, place = np.unique(steps, return_inverse=True)
    hits = np.bincount(place, solved)
    ended = np.bincount(place, n)
    left = ended.sum() - np.cumsum(ended)
    costs = np.cumsum(ended * cutoffs) + left * cutoffs
    some = hits > 0
    return cutoffs[some], costs[some] / np.cumsum(hits)[some]


def losses(study: Study) -> pd.DataFrame:
    """Final losses by label.

    Returns
    -------
    DataFrame
        Index configuration and label. Columns n, share (of the configuration's restarts), minimum,
        q05, median, q95 and maximum of the loss. The quantiles are of `Study.sample`, and
        missing where a label is not in it.
    """
    frame = study.sample
    owner = frame.index.get_level_values(_MEMBERS)
    groups: Any = frame.groupby([owner, frame["label"].astype(str)])["loss"]
    quantiles = [groups.quantile(q) for q in (0.05, 0.5, 0.95)]
    rows = []
    for configuration, tally in _tallies(study):
        for label in (label for label in LABELS if label in tally.labels):
            n, least, most = tally.labels[label]
            key = (configuration.index, label)
            middle = [q.get(key, np.nan) for q in quantiles]
            rows.append((*key, n, n / tally.n, least, *middle, most))
    columns = ["n", "share", "minimum", "q05", "median", "q95", "maximum"]
    return _framed(rows, [_MEMBERS, "label"], columns)


def comparisons(study: Study) -> pd.DataFrame:
    """Success of configurations that differ in one axis of the grid.

    Returns
    -------
    DataFrame
        One row per pair. Columns axis, a, b (configurations, a < b), n (restarts, or pairs of
        them), paired, difference (success share of b less that of a), ci_low and ci_high (95%),
        p_value, and p_holm, adjusted for the number of rows (Holm 1979).
        ``attrs["left_out"]`` counts the pairs beyond the first `MOST_PAIRS`. The restarts are
        those of `Study.sample`.

    Notes
    -----
    Configurations of one network shape and one initialisation have the same starts, so they are
    compared restart by restart: McNemar's exact test, and the interval of Bonett and Price (2012),
    Wald's with one discordant pair more of each kind. Others: Fisher's exact test, and
    Newcombe's interval (1998).
    """
    from statsmodels.stats.multitest import multipletests

    solved = {c.index: frame["solved"].droplevel(0) for c, frame in _each(study)}
    points = {c.index: c for c in study.plan.configurations}
    pairs = list(_neighbours(study, list(solved)))
    rows = []
    for axis, a, b in pairs[:MOST_PAIRS]:
        shared = _same_starts(study, points[a], points[b])
        if shared:
            # in an unfinished study one of them may have restarts that the other lacks
            common = solved[a].index.intersection(solved[b].index)
            if common.empty:
                continue
            outcome = _paired(solved[a][common].to_numpy(bool), solved[b][common].to_numpy(bool))
            n = len(common)
        else:
            n = min(len(solved[a]), len(solved[b]))
            outcome = _independent(solved[a].to_numpy(bool), solved[b].to_numpy(bool))
        rows.append((axis, a, b, n, shared, *outcome))
    columns = ["axis", "a", "b", "n", "paired", "difference", "ci_low", "ci_high", "p_value"]
    table = pd.DataFrame(rows, columns=columns)
    table["p_holm"] = multipletests(table["p_value"], method="holm")[1] if rows else np.nan
    table.attrs["left_out"] = max(0, len(pairs) - MOST_PAIRS)
    return table


def _tallies(study: Study) -> Iterator[tuple[Configuration, Tally]]:
    """Every configuration that has restarts, with how they ended."""
    for index in sorted(study.tallies):
        yield study.plan.configurations[index], study.tallies[index]


def _each(study: Study) -> Iterator[tuple[Configuration, pd.DataFrame]]:
    """Every configuration that has restarts, with those of the sample."""
    for index, frame in study.sample.groupby(level=_MEMBERS):
        yield study.plan.configurations[int(str(index))], frame


def _framed(
    rows: Sequence[tuple[object, ...]], index: list[str], columns: list[str]
) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*index, *columns]).set_index(index)


def _ladder(most: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... up to and with ``most``."""
    rungs = (factor * 10**power for power in itertools.count() for factor in (1, 2, 5))
    return [*itertools.takewhile(lambda rung: rung < most, rungs), most]


def _restarts_99(p: float) -> float:
    """Restarts after which at least one is solved with probability 99%."""
    if p <= 0:
        return np.inf
    return 1.0 if p >= 1 else float(max(1, np.ceil(np.log(0.01) / np.log1p(-p))))


def _costs(tally: Tally, most: int) -> tuple[float, ...]:
    """budget_cost, best_cutoff, best_cost, checked_cost, luby_cost."""
    if not tally.n_solved:
        return (np.inf, np.nan, np.inf, np.inf, np.inf)
    steps, solved, ended = np.maximum(tally.steps, 1), tally.solved.sum(axis=1), tally.ended
    cutoffs, costs = cutoff_costs(steps, solved, ended)
    best = int(np.argmin(costs))
    hits, seen, sums = (np.concatenate([[0], np.cumsum(a)]) for a in (solved, ended, ended * steps))

    def success(length: int) -> float:
        return float(hits[np.searchsorted(steps, length, side="right")]) / tally.n

    def cost(length: int) -> float:
        before = np.searchsorted(steps, length, side="right")
        return float(sums[before] + (tally.n - seen[before]) * length) / tally.n

    return (
        float(sums[-1] / tally.n_solved),
        float(cutoffs[best]),
        float(costs[best]),
        _checked(steps, tally),
        luby.expected_cost(success, cost, most),
    )


def _checked(steps: np.ndarray, tally: Tally) -> float:
    """Cost on the odd restarts of the cutoff that is best on the even ones."""
    (even, odd), (rest_even, rest_odd) = tally.solved.T, tally.others.T
    if not even.any():
        return np.nan
    cutoffs, costs = cutoff_costs(steps, even, even + rest_even)
    cutoff = cutoffs[int(np.argmin(costs))]
    hits = odd[steps <= cutoff].sum()
    return float((np.minimum(steps, cutoff) * (odd + rest_odd)).sum() / hits) if hits else np.inf


def _neighbours(study: Study, present: list[int]) -> Iterator[tuple[str, int, int]]:
    """Pairs of configurations whose points differ in one axis, axis by axis."""
    points = {i: study.plan.configurations[i].point for i in present}
    for axis in study.experiment.grid:
        alike: dict[tuple[object, ...], list[int]] = {}
        for i, point in points.items():
            rest = tuple(value for name, value in point.items() if name != axis)
            alike.setdefault(rest, []).append(i)
        for members in alike.values():
            yield from ((axis, a, b) for a, b in itertools.combinations(members, 2))


def _same_starts(study: Study, a: Configuration, b: Configuration) -> bool:
    seed = study.experiment.seed
    first, second = a.starts(seed), b.starts(seed)
    return first.architecture.layers == second.architecture.layers and (
        (first.distribution, first.scale, first.slice)
        == (second.distribution, second.scale, second.slice)
    )


def _paired(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float, float]:
    """Difference of paired shares, its interval, and the p-value of no difference."""
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.weightstats import DescrStatsW

    difference = b.astype(float) - a.astype(float)
    adjusted = DescrStatsW(np.append(difference, [1.0, -1.0]))
    low, high = adjusted.zconfint_mean(1 - CONFIDENCE)
    table = np.bincount(2 * a + b, minlength=4).reshape(2, 2)
    p_value = float(mcnemar(table, exact=True).pvalue)
    return float(difference.mean()), max(-1.0, float(low)), min(1.0, float(high)), p_value


def _independent(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float, float]:
    """Difference of independent shares, its interval, and the p-value of no difference."""
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    k, n = [int(b.sum()), int(a.sum())], [len(b), len(a)]
    low, high = confint_proportions_2indep(
        k[0], n[0], k[1], n[1], compare="diff", method="newcomb", alpha=1 - CONFIDENCE
    )
    table = np.array([[k[0], n[0] - k[0]], [k[1], n[1] - k[1]]])
    difference = k[0] / n[0] - k[1] / n[1]
    return difference, float(low), float(high), float(fisher_exact(table).pvalue)
