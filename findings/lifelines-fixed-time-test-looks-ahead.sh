#!/bin/sh
# lifelines: the test of two curves at a fixed time depends on what happens after it.
#
# Expected: whether two settings differ in the share solved within 100 steps hangs on the steps up to 100 alone:
# `survival_difference_at_fixed_point_in_time_test` compares the two curves there, each a step function, with Greenwood's variances.
# Seen: the curves are read as steps, but the sums of the variances are drawn as straight lines between events, so that a part of the
# next event's share is counted before it happens. Of 20 restarts each 14 and 7 are solved by step 85. If the next one of either is
# solved at step 101, the p-value at 100 is 0.052; at step 200 0.034; if no other is ever solved 0.030, as computed by hand in all cases.
# Versions: lifelines 0.30.3, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1, Python 3.11.
# Cost: a difference at a budget gains or loses its significance with the steps that came after the budget, and the same runs
# stopped at the budget give another p-value. Few restarts at risk make it worse. Cut the times at the point before the fit.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check lifelines==0.30.3 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
OPENBLAS_NUM_THREADS=1 "$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import survival_difference_at_fixed_point_in_time_test as compare
from scipy import stats

RESTARTS, POINT = 20, 100
EARLY = np.linspace(20, 85, 14), np.linspace(15, 82, 7)


def fit(early, later):
    """Return a curve: some restarts are solved early, one at `later` (None: never), the others not within 5000 steps."""
    times = np.r_[early, [] if later is None else [later]]
    solved = np.arange(RESTARTS) < len(times)
    return KaplanMeierFitter().fit(np.r_[times, np.full(RESTARTS - len(times), 5000.0)], solved)


def by_hand():
    """Return the p-value of the log(-log) of the two shares not solved by the point: all are followed until then."""
    solved = np.array([len(early) for early in EARLY])
    curve, variance = 1 - solved / RESTARTS, solved / (RESTARTS * (RESTARTS - solved))
    difference = np.subtract(*np.log(-np.log(curve)))
    return stats.chi2.sf(difference**2 / np.sum(variance / np.log(curve) ** 2), 1)


def cut(curve):
    return KaplanMeierFitter().fit(np.minimum(curve.durations, POINT), curve.event_observed & (curve.durations <= POINT))


print("lifelines", version("lifelines"), "pandas", version("pandas"))
found = {}
for later in (101, 200, 1000, None):
    curves = [fit(early, later) for early in EARLY]
    shares = [float(curve.predict(POINT)) for curve in curves]
    found[later] = compare(POINT, *curves).p_value, compare(POINT, *map(cut, curves)).p_value
    print(f"  not solved by {POINT}: {shares[0]:.2f}, {shares[1]:.2f}; the next is solved at {later}: p {found[later][0]:.4f}; "
          f"with times cut at {POINT}: {found[later][1]:.4f}; by hand {by_hand():.4f}")
same = all(abs(after - by_hand()) < 1e-9 for _, after in found.values())
raise SystemExit(0 if same and found[101][0] > 0.05 > found[200][0] > found[1000][0] > found[None][0] - 1e-12 else 1)
PYTHON
