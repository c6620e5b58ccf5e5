#!/bin/sh
# hyperopt: a search that is stopped and gone on with, by the same call with its seed, makes its first trials again.
#
# Expected: `trials_save_file` is loaded where it exists, so that the same call after an interruption goes on: trials 21 to 40 are those that 40
# at once would have had, or others, but no trial twice.
# Seen: the random numbers begin anew with `rstate`. Of random search, 20 trials and then 40 are 20 different points, each twice, and four calls with 10, 20, 30
# and 40 trials are ten points, each four times. Of TPE 10 and then 20 are ten points, as its first 20 trials are random ones; later it is
# another search than the one without an interruption. (`rstate` draws a seed for each trial, "which should be different on each call", as its
# documentation says; Optuna, of which the same holds, warns of it in its tutorial.)
# Versions: hyperopt 0.3.0, numpy 2.4.6, Python 3.11.
# Cost: after an interruption in the middle a random search of 100 trials has 50 points; a table of restarts, or a share of them, counts each
# twice, and its interval is too narrow. Take another seed for each call, such as the number of trials that are there.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check hyperopt==0.3.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
env/bin/python -W ignore - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import numpy as np
from hyperopt import anneal, fmin, hp, rand, tpe

SPACE = {"rate": hp.loguniform("rate", -7, 0), "width": hp.uniform("width", 0, 1)}


def trials(algorithm, until, file=""):
    """The points that one call evaluates, seed 0."""
    points = []

    def loss(point):
        points.append((point["rate"], point["width"]))
        return (np.log(point["rate"]) + 3) ** 2 + point["width"]

    fmin(loss, SPACE, algo=algorithm, max_evals=until, trials_save_file=file, rstate=np.random.default_rng(0), show_progressbar=False)
    return points


print(" ".join(f"{name} {version(name)}" for name in ("hyperopt", "numpy")))
different = {}
for name, module in (("rand", rand), ("tpe", tpe), ("anneal", anneal)):
    for calls in ((40,), (20, 40), (10, 20), (10, 20, 30, 40)):
        file = f"{name}-{len(calls)}-{calls[0]}"
        points = [point for until in calls for point in trials(module.suggest, until, file)]
        different[name, calls] = len(set(points))
        print(f"  {name}, calls up to {', '.join(map(str, calls))}: {len(points)} trials, {len(set(points))} different points")
ok = different["rand", (40,)] == 40 and different["rand", (20, 40)] == 20 and different["rand", (10, 20, 30, 40)] == 10
raise SystemExit(0 if ok and different["tpe", (10, 20)] == 10 and different["anneal", (20, 40)] == 40 else 1)
PYTHON
