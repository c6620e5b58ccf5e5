#!/bin/sh
# kaplanmeier: the confidence bands of a plot, `cii_alpha=0.05`, are of 5% and not of 95%.
#
# Expected: `cii_alpha`, "Confidence interval", 0.05 by default, is the alpha of a 95% interval, as in lifelines, which draws it; 0.01 gives a wider band.
# Seen: lifelines is handed `1 - cii_alpha` as its alpha, which is the chance of an interval to miss: the bands are those of lifelines' 5% interval, a thirtieth as
# wide as those of 95%, and the smaller `cii_alpha` the narrower. The curves and the test of the title are right.
# Versions: kaplanmeier 0.2.0, lifelines 0.30.3, numpy 2.4.6, pandas 2.3.3, matplotlib 3.11.2, Python 3.11.
# Cost: two curves of 30 restarts whose bands should overlap all the way look far apart, with p = 0.61 in the title; who reads bands finds a
# difference wherever there are two lines. Pass `cii_alpha=0.95` for bands of 95%.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check kaplanmeier==0.2.0 lifelines==0.30.3 numpy==2.4.6 pandas==2.3.3 matplotlib==3.11.2
MPLBACKEND=agg MPLCONFIGDIR="$folder" "$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import kaplanmeier
import numpy as np
from lifelines import KaplanMeierFitter

BUDGET, RESTARTS = 150, 30
generator = np.random.default_rng(0)
steps = np.ceil(generator.exponential(100, 2 * RESTARTS))
solved = (steps <= BUDGET).astype(int)
steps = np.minimum(steps, BUDGET)
setting = np.repeat(["one", "other"], RESTARTS)
heights = np.linspace(0, 1, 20001)
# between two steps of the first curve
times = np.unique(steps[:RESTARTS])
middles = (times[3:-1] + times[4:]) / 2


def drawn(alpha):
    """The heights of the band of the first curve in the picture."""
    _, axes = kaplanmeier.plot(kaplanmeier.fit(steps, solved, setting, verbose=0), cii_alpha=alpha, visible=False, verbose=0)
    band = next(shape for shape in axes.collections if shape.get_paths()).get_paths()[0]
    return np.array([band.contains_points(np.column_stack([np.full(len(heights), time), heights])).mean() for time in middles])


def of_lifelines(alpha):
    interval = KaplanMeierFitter().fit(steps[:RESTARTS], solved[:RESTARTS], alpha=alpha).confidence_interval_
    rows = [interval.loc[:time].iloc[-1] for time in middles]
    return np.array([row.iloc[1] - row.iloc[0] for row in rows])


print(" ".join(f"{name} {version(name)}" for name in ("kaplanmeier", "lifelines", "matplotlib")))
print(f"  p = {kaplanmeier.fit(steps, solved, setting, verbose=0)['logrank_P']:.2f}")
for alpha in (0.05, 0.01, 0.95):
    print(f"  cii_alpha={alpha}: bands {drawn(alpha).min():.3f} to {drawn(alpha).max():.3f} high; lifelines with alpha={alpha} {of_lifelines(alpha).min():.3f} to {of_lifelines(alpha).max():.3f}, "
          f"with alpha={1 - alpha:.2f} {of_lifelines(1 - alpha).min():.3f} to {of_lifelines(1 - alpha).max():.3f}")
swapped = np.allclose(drawn(0.05), of_lifelines(0.95), atol=1e-3) and np.allclose(drawn(0.95), of_lifelines(0.05), atol=1e-3)
raise SystemExit(0 if swapped and drawn(0.01).max() < drawn(0.05).min() and of_lifelines(0.05).min() > 0.1 else 1)
PYTHON
