#!/bin/sh
# fcmaes: restarts of `Cma_python` that run side by side draw the same random numbers, whatever generator they are given.
#
# Expected: `retry.minimize` gives each worker a generator of its own ("rg"), so that restarts are independent; and one seed of `rg` given to
# `minimize` twice is one run twice.
# Seen: of `rg` the Python version takes the start alone, as its documentation says ("for creating random guesses"). All else comes from NumPy's global
# generator, which all workers inherit in one state: the steps of the first generation of three workers correlate by 1 (less where a bound cuts
# some), those of `Cma_cpp`, `Cma_sep` and `De_python` by about 0. So a seed does not repeat a run. Nor does it with `Cma_cpp` and `Crfmnes_cpp`: they keep
# the second of a pair of normal numbers from the run before, so that, where a run draws an odd number of them, the same seed gives two runs in turns: A, B, A.
# Versions: fcmaes 2.1.0, numpy 2.4.6, scipy 1.17.1, Python 3.11, Linux (workers are forked).
# Cost: ten restarts on ten workers are a sample of less than ten: what one misses by its steps all miss, and shares of restarts that are
# solved vary more than a binomial. Give `numpy.random.seed` another number in each process, or take `Cma_sep`, `Cma_lw`, `De_cpp`, which obey.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check fcmaes==2.1.0 cmaes==0.13.1 numpy==2.4.6 scipy==1.17.1
mkdir "$folder/points"
cd "$folder/points"
../env/bin/python -W ignore - 2>/dev/null <<'PYTHON'
import os
from importlib.metadata import version
from pathlib import Path

import fcmaes.optimizer
import numpy as np
from fcmaes import retry
from scipy.optimize import Bounds

WEIGHTS, GENERATION, WORKERS = 10, 31, 3
bounds = Bounds(np.full(WEIGHTS, -50.0), np.full(WEIGHTS, 50.0))


def bowl(w):
    return float(((w - 0.7) ** 2).sum())


def logged(w):
    with open(str(os.getpid()), "a") as file:
        file.write(" ".join(repr(float(value)) for value in w) + "\n")
    return bowl(w)


def steps(name):
    """The first generation of each worker, less its mean, in units of its deviation."""
    for path in Path().iterdir():
        path.unlink()
    retry.minimize(logged, bounds, num_retries=WORKERS, workers=WORKERS, optimizer=getattr(fcmaes.optimizer, name)(200))
    first = [np.loadtxt(path)[:GENERATION] for path in Path().iterdir()]
    inner = np.all([np.abs(points) < 49.99 for points in first], axis=0)
    return [(points - points.mean(axis=0))[inner] for points in first]


def run(name, seed):
    small = Bounds(np.full(3, -5.0), np.full(3, 5.0))
    return getattr(fcmaes.optimizer, name)(1000).minimize(bowl, small, None, 0.3, np.random.Generator(np.random.PCG64DXSM(seed)))[1]


print(" ".join(f"{name} {version(name)}" for name in ("fcmaes", "numpy", "scipy")))
alike = {}
for name in ("Cma_python", "Cma_cpp", "Cma_sep", "De_python"):
    first = steps(name)
    while len(first) < 2:  # one worker may have taken all restarts
        first = steps(name)
    alike[name] = min(np.corrcoef(first[0], other)[0, 1] for other in first[1:])
    close = "more than 0.9" if alike[name] > 0.9 else "less than 0.3" if abs(alike[name]) < 0.3 else "in between"
    print(f"  {name}: least correlation of the first steps of restarts side by side is {close}")
repeated = {name: [run(name, 1) for _ in range(4)] for name in ("Cma_python", "Cma_cpp", "Cma_sep", "De_cpp")}
for name, values in repeated.items():
    print(f"  {name}: four runs of seed 1 end at {len(set(values))} different losses")
ok = alike["Cma_python"] > 0.9 and all(abs(alike[name]) < 0.3 for name in ("Cma_cpp", "Cma_sep", "De_python"))
raise SystemExit(0 if ok and [len(set(values)) for values in repeated.values()] == [4, 2, 1, 1] else 1)
PYTHON
