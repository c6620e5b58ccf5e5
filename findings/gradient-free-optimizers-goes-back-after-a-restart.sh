#!/bin/sh
# gradient-free-optimizers: random restart hill climbing is back on its old hill one step after every restart.
#
# Expected: "jumping to a random new position after `n_iter_restart` iterations" (its documentation), from which it climbs: the step
# after a restart is beside the random point, whatever was found before.
# Seen: the random point is compared with the best so far, and the next step is taken from there again: of 900 restarts (the 20th on,
# five seeds, four equal summits) 887 are followed by a step beside the step before the restart, and no more by one beside the random
# point than chance puts there, 61. The restarts are single points of a random search.
# Versions: gradient-free-optimizers 1.13.0, numpy 2.4.6, pandas 2.3.3, Python 3.11.
# Cost: it is hill climbing with no second hill: how often restarts end where, and on how many hills, is not what is measured,
# and a narrow high hill is found only if a random point is higher than all before. Start a search of its own for each restart.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check gradient-free-optimizers==1.13.0 numpy==2.4.6 pandas==2.3.3
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import gradient_free_optimizers as gfo
import numpy as np

EVERY, RESTARTS, NEAR = 20, 200, 0.6
axis = np.linspace(-2, 2, 4001)


def climb(seed, steps, kind, **options):
    """Return the points tried, in their order."""
    points = []

    def height(point):
        points.append((point["x"], point["y"]))
        return -((point["x"] ** 2 - 1) ** 2 + (point["y"] ** 2 - 1) ** 2)  # four equal summits at (+-1, +-1)

    search = kind({"x": axis, "y": axis}, random_state=seed, initialize={"random": 1}, **options)
    search.search(height, n_iter=steps, verbosity=False, memory=False)
    return np.array(points)


print("gradient-free-optimizers", version("gradient-free-optimizers"))
seen = []
for seed in range(5):
    points = climb(seed, EVERY * RESTARTS, gfo.RandomRestartHillClimbingOptimizer, n_iter_restart=EVERY)
    jumps = np.arange(20, RESTARTS) * EVERY
    beside = np.linalg.norm(points[jumps + 1] - points[jumps], axis=1) < NEAR
    back = np.linalg.norm(points[jumps + 1] - points[jumps - 1], axis=1) < NEAR
    hills = len(np.unique(points[jumps] > 0, axis=0))
    seen.append((beside.mean(), back.mean(), hills))
    print(f"  seed {seed}: of {len(jumps)} restarts, on {hills} hills, {beside.sum()} are followed by a step beside them, "
          f"{back.sum()} by one beside the step before")
steps = [np.linalg.norm(np.diff(climb(seed, 2, gfo.HillClimbingOptimizer), axis=0)) for seed in range(200)]
print(f"  of 200 searches of their own {sum(step < NEAR for step in steps)} take their first step beside their start")
goes_back = max(a for a, _, _ in seen) < 0.2 and min(b for _, b, _ in seen) > 0.7 and {h for *_, h in seen} == {4}
raise SystemExit(0 if goes_back and sum(step < NEAR for step in steps) > 190 else 1)
PYTHON
