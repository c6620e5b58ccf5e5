#!/bin/sh
# SciPy: `shgo` lists one minimum several times among its "local minima".
#
# Expected: `xl`, "an ordered list of local minima solutions", has each of the minima found once: four for a double well in both
# directions, four for two cosines over two periods.
# Seen: eight entries for the four minima of the cosines, in four groups that lie within 0.000002 of each other; the lowest is there
# three times. With 100 points and three to six rounds the double well has five. Local searches from two points of one basin are
# kept both, as their ends are not the same bits. With one round of 100 points `success` is true with one of the four.
# Versions: scipy 1.17.1, numpy 2.4.6, Python 3.11.
# Cost: `len(result.xl)` is not how many minima a surface has, and not a bound of it on either side; frequencies and
# estimates of how many are unseen that count entries are wrong. Merge entries by distance first.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy.optimize import shgo

WELLS = [(-2, 2)] * 2
PERIODS = [(0.5, 12)] * 2


def wells(x):  # minima at about (+-1, +-1)
    return float(np.sum((x**2 - 1) ** 2) + 0.1 * x[0] + 0.05 * x[1])


def cosines(x):  # minima at about (pi, 3 pi) in both directions
    return float(np.sum(np.cos(x) + 0.01 * x))


def groups(ends):
    """Return the ends in groups that are 0.01 apart at least."""
    found = []
    for end in ends:
        near = next((g for g in found if np.linalg.norm(g[0] - end) < 0.01), None)
        found.append([end]) if near is None else near.append(end)
    return found


print("scipy", scipy.__version__)
seen = {}
for loss, bounds, points, rounds in [(wells, WELLS, 64, 1), (cosines, PERIODS, 64, 1), (wells, WELLS, 100, 1),
                                     (wells, WELLS, 100, 3), (wells, WELLS, 100, 6), (cosines, PERIODS, 1000, 3)]:
    result = shgo(loss, bounds, n=points, iters=rounds)
    found = groups(result.xl)
    wide = max(np.linalg.norm(a - g[0]) for g in found for a in g)
    seen[loss.__name__, points, rounds] = len(result.xl), len(found), result.success
    print(f"  {loss.__name__}, {points} points, {rounds} rounds: {len(result.xl)} entries for {len(found)} minima of 4, "
          f"success {result.success}, entries of one minimum within {wide:.1e}, times {sorted(map(len, found))}")
right = seen["wells", 64, 1] == seen["cosines", 64, 1] == (4, 4, True)
again = seen["cosines", 1000, 3] == (8, 4, True) and seen["wells", 100, 3] == (5, 4, True)
raise SystemExit(0 if right and again and seen["wells", 100, 1] == (1, 1, True) else 1)
PYTHON
