"""What intervals are worth when one looks again and again. Prints the tables of docs/precision.md.

python docs/precision.py [STUDIES [HALF_WIDTH]]
    of this many simulated studies (default 2000), until intervals have this half-width (0.01)

A study is looked at after each of its restarts: the worst case for an interval.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from runner.study.statistics.anytime import Interval, anytime
from runner.study.statistics.base import Z
from runner.study.statistics.discoveries import log_evidence
from runner.study.statistics.paired import Outcome, outcome
from runner.study.statistics.sample_sizes import first_restarts, next_restarts

RATES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
PAIRS = ((0.2, 0.2), (0.02, 0.02), (0.1, 0.2), (0.02, 0.04))
MATTERS = 0.02
"""Difference of shares that comparisons are to find or to exclude."""
CLASSES = {
    "one": [1.0],
    "10 of 10% each": [0.1] * 10,
    "1/2, 1/4, 1/8, ...": [0.5**i for i in (*range(1, 20), 19)],
    "60%, and 400 of 0.1% each": [0.6, *[0.001] * 400],
    "99%, and 10 of 0.1% each": [0.99, *[0.001] * 10],
}
TARGET = 0.005
"""Chance of a new class that studies are to come below."""
MOST = 60_000
"""Restarts of a simulated study of classes, at most."""

Intervals = Callable[[np.ndarray, np.ndarray], Interval]


def wilson(k: np.ndarray, n: np.ndarray) -> Interval:
    """Wilson's interval, many at once."""
    centre = (k + Z**2 / 2) / (n + Z**2)
    half = Z * np.sqrt(k * (n - k) / n + Z**2 / 4) / (n + Z**2)
    return Interval(np.where(k == 0, 0, centre - half), np.where(k == n, 1, centre + half))


class Looks(NamedTuple):
    """What an interval says after n = 1, 2, ... restarts, of which k are solved."""

    least: np.ndarray
    """(most,) int: the smallest k whose interval covers the rate."""
    last: np.ndarray
    """(most,) int: the largest one."""
    narrow: np.ndarray
    """(most,) int: the largest k <= n / 2 whose interval is narrow enough; -1 if none is."""


def looks(interval: Intervals, most: int, rate: float, half_width: float) -> Looks:
    """Look at every number of restarts up to the most."""
    n = np.arange(1, most + 1)

    def covers(k: np.ndarray) -> np.ndarray:
        low, high = interval(k, n)
        return (low <= rate) & (rate <= high)

    middle = np.round(rate * n).astype(int)
    return Looks(
        _last(covers, middle, np.full(most, -1)),
        _last(covers, middle, n + 1),
        _last(lambda k: interval(k, n).half_width <= half_width, np.full(most, -1), n // 2 + 1),
    )


def _last(holds: Callable[[np.ndarray], np.ndarray], inside: np.ndarray, outside: np.ndarray):
    """The last k from inside towards outside for which something holds, by bisection."""
    while (open_ := abs(outside - inside) > 1).any():
        k = np.where(open_, (inside + outside) // 2, np.clip(inside, 0, None))
        held = holds(k)
        inside = np.where(open_ & held, k, inside)
        outside = np.where(open_ & ~held, k, outside)
    return inside


class Row(NamedTuple):
    """What became of the studies of one rate."""

    rate: float
    wilson: float
    """Coverage of Wilson's interval where it is first narrow enough."""
    anytime: float
    """Coverage of the interval that holds at any time, likewise."""
    wilson_ever: float
    """Share of studies whose Wilson interval leaves the rate out at one of the looks at least."""
    anytime_ever: float
    """The same for the interval that holds at any time."""
    fixed: int
    """Restarts for Wilson's interval to be narrow enough, known before."""
    restarts: float
    """Mean restarts until the other one is."""
    rounds: float
    """Mean restarts of `sweep --until`, which looks after rounds."""
    rounds_coverage: float
    """Coverage there."""


def rates(
    studies: int, half_width: float, of: Iterable[float] = RATES, seed: int = 8
) -> Iterator[Row]:
    """Simulate studies of each rate."""
    intervals: list[Intervals] = [wilson, lambda k, n: anytime(k, n, half_width)]
    most = _most(half_width)
    n = np.arange(1, most + 1)
    for number, rate in enumerate(of):
        rng = np.random.default_rng([seed, number])
        seen = [looks(interval, most, rate, half_width) for interval in intervals]
        covered: list[list[bool]] = [[], []]
        ever: list[list[bool]] = [[], []]
        restarts = []
        for _ in range(studies):
            k = np.cumsum(rng.random(most) < rate)
            for which, look in enumerate(seen):
                holds = (look.least <= k) & (k <= look.last)
                stop = int(np.argmax(np.minimum(k, n - k) <= look.narrow))
                covered[which].append(bool(holds[stop]))
                ever[which].append(not holds.all())
            restarts.append(stop + 1)
        fixed = 1 + int(np.argmax(wilson(rate * n, n).half_width <= half_width))
        shares = [float(np.mean(values)) for values in (*covered, *ever)]
        in_rounds = rounds(rng, studies, rate, half_width)
        yield Row(rate, *shares, fixed, float(np.mean(restarts)), *in_rounds)


def _most(half_width: float) -> int:
    """Restarts after which every interval is narrow enough."""
    n = first_restarts(half_width)
    while anytime(n / 2, n, half_width).half_width[0] > half_width:
        n += max(1, n // 50)
    return n


def rounds(
    rng: np.random.Generator, studies: int, rate: float, half_width: float
) -> tuple[float, float]:
    """Mean restarts, and coverage, of studies that are looked at in the rounds of a sweep."""
    n = np.full(studies, first_restarts(half_width))
    k = rng.binomial(n, rate)
    while ((more := next_restarts(k, n, half_width)) > n).any():
        k, n = k + rng.binomial(more - n, rate), more
    low, high = anytime(k, n, half_width)
    return float(n.mean()), float(((low <= rate) & (rate <= high)).mean())


def stop_coverage(interval: Intervals, rate: float, half_width: float) -> float:
    """Coverage of an interval where it is first narrow enough: exactly, by summation."""
    alive, covered, n = np.ones(1), 0.0, 0  # alive: chance of k solved ones, not yet stopped
    while alive.sum() > 1e-9:
        n += 1
        alive = np.append(alive, 0) * (1 - rate) + np.append(0, alive) * rate
        low, high = interval(np.arange(n + 1), np.full(n + 1, n))
        stops = (high - low) / 2 <= half_width
        covered += float(alive[stops & (low <= rate) & (rate <= high)].sum())
        alive[stops] = 0
    return covered


class Comparison(NamedTuple):
    """What became of comparisons of two configurations."""

    first: float
    """Share of pairs of which only the first is solved."""
    second: float
    """Of which only the second is."""
    ends: tuple[float, ...]
    """Share of the comparisons that end with each `Outcome`."""
    pairs: float
    """Mean number of pairs then."""


def comparisons(studies: int, matters: float = MATTERS, seed: int = 9) -> Iterator[Comparison]:
    """Compare pairs until they differ, or a difference that matters is excluded."""
    for number, (first, second) in enumerate(PAIRS):
        rng = np.random.default_rng([seed, number])
        ends, pairs = [], []
        for _ in range(studies):
            n, counts, end = 0, np.zeros(3, int), Outcome.OPEN
            while end is Outcome.OPEN:
                more = max(10, n // 20)
                counts += rng.multinomial(more, [first, second, 1 - first - second])
                n += more
                end = outcome(int(counts[0]), int(counts[1]), n, matters)
            ends.append(end)
            pairs.append(n)
        shares = tuple(float(np.mean([end is o for end in ends])) for o in Outcome)
        yield Comparison(first, second, shares, float(np.mean(pairs)))


class Stop(NamedTuple):
    """What became of studies that were to go on until a new class is improbable."""

    name: str
    """The classes."""
    good: float
    """Share of the studies where it is, when Good's estimate says so."""
    good_restarts: float
    """Mean restarts then."""
    bound: float
    """Share of the studies where it is, when the bound says so."""
    bound_restarts: float
    """Mean restarts then."""


def classes(studies: int, target: float = TARGET, seed: int = 10) -> Iterator[Stop]:
    """Stop when the chance of a new class is called smaller than the target."""
    for number, (name, shares) in enumerate(CLASSES.items()):
        rng = np.random.default_rng([seed, number])
        found = []
        for _ in range(studies):
            drawn = rng.choice(len(shares), MOST, p=shares)
            stops = [good_stop(drawn, target), bound_stop(drawn, target)]
            missed = [1 - np.asarray(shares)[np.unique(drawn[:n])].sum() for n in stops]
            found.append([missed[0] < target, stops[0], missed[1] < target, stops[1]])
        yield Stop(name, *np.mean(found, axis=0).tolist())


def good_stop(drawn: np.ndarray, target: float) -> int:
    """Restarts, two at least, when classes seen once are a small share for the first time."""
    met: dict[int, int] = {}
    once = 0
    for n, kind in enumerate(drawn.tolist(), start=1):
        met[kind] = met.get(kind, 0) + 1
        once += {1: 1, 2: -1}.get(met[kind], 0)
        if once / n < target:
            return n
    return len(drawn)


def bound_stop(drawn: np.ndarray, target: float) -> int:
    """Restarts when the bound is below the target for the first time, looking at 5% more each."""
    firsts = np.unique(drawn, return_index=True)[1]
    n = 10
    while log_evidence(firsts[firsts < n], n, target) < np.log(20) and n < len(drawn):
        n = min(n + n // 20 + 1, len(drawn))
    return n


def tables(studies: int, half_width: float) -> Iterator[str]:
    """The page's tables, in Markdown."""
    yield (
        "| solved | Wilson, at the stop | whenever one looks, at the stop | Wilson, ever wrong "
        "| whenever one looks, ever wrong | restarts, fixed before | restarts, until narrow "
        "| in rounds | covers then |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rates(studies, half_width):
        shares = [f"{100 * share:.1f}%" for share in row[1:5]]
        cells = [f"{100 * row.rate:g}%", *shares, f"{row.fixed:,}", f"{row.restarts:,.0f}"]
        yield _line([*cells, f"{row.rounds:,.0f}", f"{100 * row.rounds_coverage:.1f}%"])
    yield "\n| only the first | only the second | differ | alike | open | pairs |"
    yield "|---|---|---|---|---|---|"
    for c in comparisons(studies):
        ends = [f"{100 * share:.1f}%" for share in c.ends]
        yield _line([f"{100 * c.first:g}%", f"{100 * c.second:g}%", *ends, f"{c.pairs:,.0f}"])
    yield "\n| classes | Good, right | restarts | bound, right | restarts |"
    yield "|---|---|---|---|---|"
    for s in classes(studies):
        good = [f"{100 * s.good:.1f}%", f"{s.good_restarts:,.0f}"]
        yield _line([s.name, *good, f"{100 * s.bound:.1f}%", f"{s.bound_restarts:,.0f}"])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    asked = sys.argv[1:]
    for line in tables(int((asked or ["2000"])[0]), float((asked[1:] or ["0.01"])[0])):
        print(line, flush=True)
