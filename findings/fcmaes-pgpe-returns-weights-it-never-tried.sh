#!/bin/sh
# fcmaes: `Pgpe_cpp` reports a loss of -0.498 for every function, and weights that it has not evaluated.
#
# Expected: the optimizer returns the best weights it has evaluated, their loss and the number of evaluations, as the others of the package do.
# Seen: losses are replaced by their ranks, from -0.5 to 0.5, before the best is looked for, and the weights returned are none of those that were
# evaluated, but what is in memory: numbers of any size. The loss is -0.4984375 for a bowl, for Himmelblau's function and for one that is never
# below 100; the best loss evaluated is another. `retry`, which runs restarts and keeps the best, keeps this.
# Versions: fcmaes 2.1.0, numpy 2.4.6, scipy 1.17.1, Python 3.11.
# Cost: a loss that cannot be negative is reported as -0.498, below all that other optimizers find, so that of a mixture of them this one
# wins, with weights that mean nothing. Without ranks (`pgpecpp.minimize(..., use_ranking=False)`) the loss is right, and the weights are none of those
# evaluated either: keep the best evaluation yourself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check fcmaes==2.1.0 cmaes==0.13.1 numpy==2.4.6 scipy==1.17.1
cd "$folder"
env/bin/python -W ignore - 2>/dev/null <<'PYTHON'
from importlib.metadata import version

import fcmaes.optimizer
import numpy as np
from fcmaes import pgpecpp, retry
from scipy.optimize import Bounds


def bowl(w):
    return float(((w - 0.7) ** 2).sum())


def himmelblau(w):
    return float((w[0] ** 2 + w[1] - 11) ** 2 + (w[0] + w[1] ** 2 - 7) ** 2)


def high(w):
    return 100 + bowl(w)


bounds = Bounds(np.full(2, -5.0), np.full(2, 5.0))
print(" ".join(f"{name} {version(name)}" for name in ("fcmaes", "numpy", "scipy")))
seen = []
for loss in (bowl, himmelblau, high):
    found = {}
    for name, search in (
        ("Pgpe_cpp", fcmaes.optimizer.Pgpe_cpp(20000).minimize),
        ("Cma_cpp", fcmaes.optimizer.Cma_cpp(2000).minimize),
        ("pgpecpp without ranks", lambda f, box, start, width, rg: (lambda r: (r.x, r.fun, r.nfev))(
            pgpecpp.minimize(f, box, start, width, max_evaluations=20000, popsize=640, use_ranking=False, rg=rg))),
    ):
        tried = []

        def counted(w):
            tried.append((tuple(w), loss(np.asarray(w))))
            return tried[-1][1]

        weights, value, calls = search(counted, bounds, None, 0.3, np.random.Generator(np.random.PCG64DXSM(1)))
        best = min(lowest for _, lowest in tried)
        among = any(np.allclose(weights, one, rtol=1e-12, atol=0) for one, _ in tried)
        found[name] = value, best, among
        print(f"  {loss.__name__}, {name}: reported {value:.7g}, best of {calls} evaluations {best:.4g}, weights among those evaluated: {'yes' if among else 'no'}")
    restarts = retry.minimize(loss, bounds, num_retries=4, workers=2, optimizer=fcmaes.optimizer.Pgpe_cpp(5000))
    print(f"  {loss.__name__}, best of 4 restarts of Pgpe_cpp: reported {restarts.fun:.7g}")
    value, best, among = found["Pgpe_cpp"]
    seen.append(value == restarts.fun == -0.4984375 and best >= 0 and not among and not found["pgpecpp without ranks"][2] and found["Cma_cpp"][2] and found["Cma_cpp"][0] == found["Cma_cpp"][1])
raise SystemExit(0 if all(seen) else 1)
PYTHON
