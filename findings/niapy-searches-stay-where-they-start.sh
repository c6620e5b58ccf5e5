#!/bin/sh
# NiaPy: the sine cosine algorithm evaluates its starts again and again, and the Nelder-Mead method never leaves the plane through its starts.
#
# Expected: the sine cosine algorithm moves each point by `r1 sin(r2) |r3 best - x|`, with `r1` from 3 down to 0 over the budget. The simplex of the
# Nelder-Mead method has a point more than there are weights, is reflected (1), expanded (2), contracted and shrunk (1/2), and is at
# the bottom of a bowl to rounding after some hundred evaluations.
# Seen: `r1` is `a - (t + 1) (a / (t + 1))`, which is 0 but for rounding: 2,500 evaluations are of 25 points, and the result is the best start.
# The simplex has as many points as there are weights, so that it is flat: with two weights it is a segment, and the search is one along its line.
# Its coefficients are 0.1, 0.3, -0.2 and -0.2, and a better point than the best is taken before an expansion is tried.
# Versions: NiaPy 2.7.1, numpy 2.4.6, Python 3.11.
# Cost: a comparison of algorithms has two that were not run under these names. With `population_size=3, alpha=1, gamma=2, rho=-0.5, sigma=0.5`
# the Nelder-Mead method finds the bottom of two weights; no parameter mends the sine cosine algorithm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check niapy==2.7.1 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from niapy.algorithms.basic import SineCosineAlgorithm
from niapy.algorithms.other import NelderMeadMethod
from niapy.problems import Problem
from niapy.task import Task

BUDGET = 2500


class Bowl(Problem):
    """The square of the distance from a point."""

    def __init__(self, weights):
        super().__init__(weights, -5, 5)
        self.bottom = np.linspace(0.5, 1.5, weights)
        self.points = []

    def _evaluate(self, x):
        self.points.append(np.array(x))
        return ((x - self.bottom) ** 2).sum()

    def lowest_on_the_plane(self):
        """Return the least value on the plane through the first points, as many as weights."""
        first = np.array(self.points[: self.dimension])
        edges, way = (first[1:] - first[0]).T, self.bottom - first[0]
        return ((way - edges @ np.linalg.lstsq(edges, way, rcond=None)[0]) ** 2).sum()


def search(algorithm, weights):
    """Return the bowl, and the least value found."""
    bowl = Bowl(weights)
    _, least = algorithm.run(Task(bowl, max_evals=BUDGET))
    return bowl, least


print("NiaPy", version("niapy"))
seen = []
for weights in (2, 9):
    bowl, least = search(SineCosineAlgorithm(population_size=25, seed=1), weights)
    points = np.unique(np.round(bowl.points, 9), axis=0)
    starts = min(((x - bowl.bottom) ** 2).sum() for x in bowl.points[:25])
    print(f"  sine cosine, {weights} weights: {len(bowl.points)} evaluations of {len(points)} points; least {least:.4f}, of the starts {starts:.4f}")
    seen.append(len(bowl.points) == BUDGET and len(points) == 25 and abs(least - starts) < 1e-9)
for weights in (2, 9):
    found = [search(NelderMeadMethod(seed=seed), weights) for seed in range(20)]
    over = [least - bowl.lowest_on_the_plane() for bowl, least in found]
    typical = np.median([least for _, least in found])
    print(f"  Nelder-Mead, {weights} weights, 20 seeds: median of the least {typical:.4f}, below the plane's least {sum(gap < -1e-9 for gap in over)} times")
    seen.append(min(over) > -1e-9 and typical > 1)
mended = [search(NelderMeadMethod(population_size=3, alpha=1, gamma=2, rho=-0.5, sigma=0.5, seed=seed), 2)[1] for seed in range(20)]
print(f"  Nelder-Mead, 2 weights, three points and the usual coefficients: median {np.median(mended):.1e}")
seen.append(np.median(mended) < 1e-6)
raise SystemExit(0 if all(seen) else 1)
PYTHON
