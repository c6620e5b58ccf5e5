#!/bin/sh
# SciPy: a Nelder-Mead search that starts on a negative lower bound never leaves it, and says that it succeeded.
#
# Expected: a start on a bound is a valid one, and the mirror image of a problem (`f(-w)`, from `-w`) has the mirror image of its result.
# Seen: the second point of the simplex is 5% farther from 0, and what lies beyond an upper bound is reflected, but what lies below a
# lower one is put on it, where the start is: the simplex is flat. In a bowl with bounds -2 to 2, [2, 2] comes to its bottom, and [-2, -2] comes back
# after three evaluations, `success=True`; [-2, 1] moves in its second weight alone. Bounds whose lower end is positive or 0 are not
# affected, nor is Powell's method.
# Versions: scipy 1.17.1, numpy 2.4.6, Python 3.11.
# Cost: of starts that are clipped to the bounds, or are corners of a grid, weights are never varied, and nothing says so: of 200 normal starts of three
# weights 88 have one on the lower bound, and none of these comes to the bottom of a bowl, of the others all. Give an `initial_simplex`, or start
# a little inside.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$folder/env/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from scipy.optimize import minimize

BOTTOM = 0.5


def bowl(w):
    return float(((w - BOTTOM) ** 2).sum())


def mirror(w):
    return bowl(-w)


def search(f, start, method="Nelder-Mead"):
    return minimize(f, start, method=method, bounds=[(-2, 2)] * len(start), options={"maxfev": 5000, "maxiter": 5000} if method == "Nelder-Mead" else {})


print("scipy", version("scipy"))
seen = []
for start in ([-2.0, -2.0], [-2.0, 1.0], [2.0, 2.0], [-1.9, 1.0]):
    found = search(bowl, start)
    seen.append([round(float(x), 2) for x in found.x])
    print(f"  from {start} to {seen[-1]} in {found.nfev} evaluations: {found.success}, {found.message!r}; "
          f"the mirror image to {[round(float(x), 2) + 0.0 for x in search(mirror, [-x for x in start]).x]}; "
          f"Powell's method to {[round(float(x), 2) for x in search(bowl, start, 'Powell').x]}")
starts = np.clip(np.random.default_rng(0).normal(0, 2, size=(200, 3)), -2, 2)
low, high = (starts == -2).any(1), (starts == 2).any(1)
bottom = [np.array([search(f, sign * start).fun < 1e-6 for start in starts]) for f, sign in ((bowl, 1), (mirror, -1))]
print(f"  200 normal starts of three weights, clipped to the bounds: {low.sum()} have a weight on the lower bound, of which {bottom[0][low].sum()} come to the bottom, "
      f"of the others {bottom[0][~low].sum()} of {(~low).sum()}; of the mirror image {bottom[1][high].sum()} of {high.sum()} and {bottom[1][~high].sum()} of {(~high).sum()}")
right = seen == [[-2, -2], [-2, 0.5], [0.5, 0.5], [0.5, 0.5]]
raise SystemExit(0 if right and not bottom[0][low].any() and bottom[0][~low].all() and not bottom[1][high].any() and bottom[1][~high].mean() > 0.98 else 1)
PYTHON
