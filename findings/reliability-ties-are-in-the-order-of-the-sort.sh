#!/bin/sh
# reliability: where restarts are solved and given up at the same step, the Kaplan-Meier estimate hangs on the order in which an unstable sort leaves them.
#
# Expected: whoever was given up at a step was at risk at it, as in R, lifelines and SciPy, so that the rows of a table may be in any order.
# Seen: the times are sorted alone, by pandas' quicksort, which leaves equal ones in any order, and the estimate takes one row after the
# other: restarts given up that happen to come before those solved at the same step have left. Of 100 sets of 100 restarts, with steps counted in tens,
# the share unsolved at the end is wrong in 100, at worst 0.150 for 0.203, and another one for the same rows in another order in 99.
# `NelsonAalen` does the same. Of few restarts fewer are wrong; how many, and which, may hang on the processor, whose sort NumPy takes.
# Versions: reliability 0.9.0, pandas 3.1.1, scipy 1.17.1, numpy 2.4.6, Python 3.11, on x86-64.
# Cost: times that are counted in steps, epochs or evaluations are full of ties, the budget above all, and the share unsolved at the budget
# is the one that is quoted. Add half a step to the times of those given up.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check reliability==0.9.0 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
MPLBACKEND=agg "$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from reliability.Nonparametric import KaplanMeier, NelsonAalen
from scipy.stats import CensoredData, ecdf


def reliability(solved, given_up, estimate=KaplanMeier):
    found = estimate(failures=solved, right_censored=given_up, show_plot=False, print_results=False)
    return float((found.KM if estimate is KaplanMeier else found.NA)[-1])


def scipy(solved, given_up):
    return float(ecdf(CensoredData(uncensored=solved, right=given_up)).sf.probabilities[-1])


print(" ".join(f"{name} {version(name)}" for name in ("reliability", "pandas", "scipy", "numpy")))
random = np.random.default_rng(0)
wrong = {}
for restarts in (16, 100):
    off, other, mended, pairs = [], [], [], []
    for _ in range(100):
        steps = np.ceil(random.exponential(60, restarts) / 10) * 10
        solved = steps[steps <= 100][: restarts - 1]
        given_up = np.minimum(100, np.ceil(random.exponential(200, restarts - len(solved)) / 10) * 10)
        pairs.append((reliability(solved, given_up), scipy(solved, given_up)))
        off.append(abs(pairs[-1][0] - pairs[-1][1]))
        other.append(abs(reliability(random.permutation(solved), random.permutation(given_up)) - pairs[-1][0]))
        mended.append(abs(reliability(solved, given_up + 5) - pairs[-1][1]))
    wrong[restarts], again, late = (np.sum(np.array(gaps) > 1e-9) for gaps in (off, other, mended))
    seen, right = pairs[int(np.argmax(off))]
    print(f"  100 sets of {restarts} restarts, steps counted in tens up to 100: the unsolved share is wrong {wrong[restarts]} times, at worst {seen:.3f} for {right:.3f}; "
          f"another one for the same rows in another order {again} times; with half a step added wrong {late} times")
hazard = reliability(solved, given_up, NelsonAalen), reliability(np.sort(solved)[::-1], given_up, NelsonAalen)
print(f"  NelsonAalen of the last set, and of it in another order: {hazard[0]:.6f}, {hazard[1]:.6f}")
raise SystemExit(0 if wrong[100] > 90 and again > 90 and late == 0 and hazard[0] != hazard[1] else 1)
PYTHON
