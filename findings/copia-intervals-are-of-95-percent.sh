#!/bin/sh
# copia: whatever confidence is asked for, an interval of the number of classes is one of 95%.
#
# Expected: `diversity(counts, method="chao1", CI=True, conf=0.5)` is an interval within that of `conf=0.99`: `conf` is one of its parameters.
# Seen: `conf` is not handed on to the bootstrap. With one seed the bounds are the same numbers for 0.5, 0.8, 0.95 and 0.99, for Chao1, iChao1 and the
# empirical count. Only the jackknife, which has a formula, obeys, and there `conf` chooses its order too: the estimate itself is 18 at 0.5 and 15 at
# 0.99, as in the R package that it is taken from.
# Versions: copia 0.1.4, numpy 2.4.6, scipy 1.17.1, Python 3.11. (copia 0.1.6, for Python 3.13, does not hand it on either.)
# Cost: an interval of 99%, asked for since many are looked at, is one of 95%; who draws 50% and 95% bands draws one. Take quantiles of what it
# returns as `bootstrap`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check copia==0.1.4 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from copia.richness import diversity

LEVELS = (0.5, 0.8, 0.95, 0.99)
counts = np.array([10, 5, 3, 2, 2, 1, 1, 1, 1, 1])
print(" ".join(f"{name} {version(name)}" for name in ("copia", "numpy", "scipy")))
seen = []
for method in ("chao1", "ichao1", "empirical"):
    bounds = []
    for level in LEVELS:
        found = diversity(counts, method=method, CI=True, conf=level, n_iter=1000, seed=1, disable_pb=True)
        bounds.append((float(found["lci"]), float(found["uci"])))
    # the bootstrap's values are moved to the estimate, of which the interval is a pair of quantiles
    own = [np.quantile(found["bootstrap"], [(1 - level) / 2, (1 + level) / 2]) for level in LEVELS]
    print(f"  {method}: " + "; ".join(f"{level} {low:.2f} to {high:.2f}" for level, (low, high) in zip(LEVELS, bounds))
          + f"; quantiles of `bootstrap` at 0.5 {own[0][0]:.2f} to {own[0][1]:.2f}")
    seen.append(len(set(bounds)) == 1 and np.ptp(own[0]) < np.ptp(own[3]))
jackknife = [diversity(counts, method="jackknife", CI=True, conf=level) for level in LEVELS]
print("  jackknife: " + "; ".join(f"{level} {j['richness']:.2f}, {j['lci']:.2f} to {j['uci']:.2f}" for level, j in zip(LEVELS, jackknife)))
raise SystemExit(0 if all(seen) and jackknife[0]["uci"] - jackknife[0]["lci"] < jackknife[2]["uci"] - jackknife[2]["lci"] else 1)
PYTHON
