#!/bin/sh
# Indago: the grid descent that is given a start gives it back, as good as unsearched, and reports its loss as the best found.
#
# Expected: `X0` is the "starting point(s) for the optimization", so that a descent from it ends at least as low as one from a random point.
# Seen: `MSGD` evaluates `X0` and then descends from a random point all the same, but takes a step only if it beats the best point so far,
# which is `X0`: where the random point is the worse one, nothing is ever accepted. In a bowl of two or three weights 14 and 15 of 20 seeds return
# the start itself, and its loss, from which `NM` of the same package comes to the bottom. Without `X0` all seeds come to the bottom.
# Versions: Indago 0.6.0, scipy 1.16.3, numpy 1.26.0, Python 3.11.
# Cost: the better the start, the worse the search: of starts found elsewhere, or the end of another search, most are declared minima.
# Leave `X0` out, or narrow the bounds about the start.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check indago==0.6.0 bitarray==3.12.3 rich==15.0.0 scipy==1.16.3 numpy==1.26.0
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import indago
import numpy as np

BOTTOM = 0.7
SEEDS = range(20)


def bowl(w):
    return float(((w - BOTTOM) ** 2).sum())


def search(method, weights, start, seed):
    """Return the least value, and whether the point that is returned is the start."""
    optimizer = method()
    optimizer.evaluation_function = bowl
    optimizer.lb, optimizer.ub = np.full(weights, -5.0), np.full(weights, 5.0)
    optimizer.max_evaluations = 2000
    optimizer.X0 = start
    found = optimizer.optimize(seed=seed)
    return found.f, start is not None and bool(np.array_equal(found.X, start))


print(" ".join(f"{name} {version(name)}" for name in ("indago", "numpy")))
seen = []
for weights in (2, 3):
    start = np.full(weights, 2.0)
    free, given, other = ([search(method, weights, at, seed) for seed in SEEDS]
                          for method, at in ((indago.MSGD, None), (indago.MSGD, start), (indago.NM, start)))
    back = sum(same for _, same in given)
    print(f"  {weights} weights, from {start.tolist()} with loss {bowl(start):.2f}: MSGD returns the start for {back} of {len(SEEDS)} seeds, "
          f"median loss {np.median([loss for loss, _ in given]):.2f}; without a start at worst {max(free)[0]:.1e}; NM from it at worst {max(other)[0]:.1e}")
    seen.append(back > 10 and max(free)[0] < 1e-6 and max(other)[0] < 1e-6)
raise SystemExit(0 if all(seen) else 1)
PYTHON
