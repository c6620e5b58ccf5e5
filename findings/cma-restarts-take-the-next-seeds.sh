#!/bin/sh
# cma: the second run of seed 1 is the first run of seed 2, so that repeated searches with restarts are dependent.
#
# Expected: `cma.fmin` with `seed=s` and `restarts=3` makes four runs of its own; another seed makes four others.
# Seen: a restart adds 1 to the seed. With a population of constant size (`incpopsize=1`) and one first point, 20 seeds in a
# row make 80 runs of which 23 differ: neighbours share three of four. With the default, a population twice as large for
# each restart, the first samples are shared; with `bipop=True`, where runs of a small population are between,
# neighbours share up to a third of their evaluations. Seeds 10 apart share none.
# Versions: cma 4.5.0, numpy 2.4.6, Python 3.11.
# Cost: a success rate or an expected running time over seeds 1 to 20 rests on 23 runs where 80 were paid for, and looks far
# surer than it is: all its tests and intervals take the seeds for independent.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check cma==4.5.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import cma
import numpy as np

SEARCHES, RESTARTS = 20, 3


def search(seed, **options):
    """Return the points of each run of one search, in order."""
    points, runs = [], []

    def rastrigin(x):
        points.append(tuple(x))
        return float(10 * len(x) + np.sum(x**2 - 10 * np.cos(2 * np.pi * x)))

    def start():
        runs.append(len(points))
        return np.array([3.0, 3.0])

    cma.fmin(rastrigin, start, 2.0, {"seed": seed, "verbose": -9, "verb_log": 0}, restarts=RESTARTS, **options)
    bounds = [*sorted(set(runs)), len(points)]
    return [tuple(points[a:b]) for a, b in zip(bounds, bounds[1:], strict=False)]


def compare(step, **options):
    """Return the number of runs, of different ones, and the largest share of points that two neighbours have both."""
    searches = [search(11 + step * k, **options) for k in range(SEARCHES)]
    every = [run for runs in searches for run in runs]
    sets = [{p for run in runs for p in run} for runs in searches]
    shares = [len(a & b) / len(b) for a, b in zip(sets, sets[1:], strict=False)]
    return len(every), len(set(every)), max(shares), min(shares)


print("cma", cma.__version__)
found = {}
kinds = {"constant population": dict(incpopsize=1), "default": {}, "bipop": dict(bipop=True)}
for name, options in kinds.items():
    for step in (1, 10):
        runs, different, most, least = found[name, step] = compare(step, **options)
        print(f"  {name}, seeds {step} apart: {runs} runs, {different} different; "
              f"neighbours share {least:.1%} to {most:.1%} of their points")
constant = found["constant population", 1]
apart = all(found[name, 10][0] == found[name, 10][1] for name in kinds)
some = found["default", 1][3] > 0 and found["bipop", 1][2] > 0.2
whole = constant[0] == SEARCHES * (RESTARTS + 1) and constant[1] == SEARCHES + RESTARTS
raise SystemExit(0 if whole and some and apart and found["bipop", 10][2] < 0.01 else 1)
PYTHON
