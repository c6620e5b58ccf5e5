#!/bin/sh
# statsmodels: every adjustment by Holm's method collects the garbage of the whole program.
#
# Expected: adjusting ten p-values takes some tens of microseconds, whatever else a program holds.
# Seen: each call of `multipletests(method="holm")` runs one collection of the oldest generation, which looks at every object that is
# tracked; also where the collector is switched off (`gc.disable()`), as it is called by hand. Beside ten million small lists a
# call takes some ten thousand times as long as the same call with fdr_bh, which collects nothing; neither does
# `scipy.stats.false_discovery_control`.
# Versions: statsmodels 0.15.0, numpy 2.4.6, scipy 1.17.1, Python 3.11.
# Cost: a simulation that adjusts p-values in a loop beside large tables of Python objects; a property test of a hundred examples
# late in a long run of tests took five minutes and ended at its time limit, with nothing in its own code that is slow.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1
"$folder/env/bin/python" - <<'PYTHON'
import gc
import sys
import time

import numpy as np
import statsmodels
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

p_values = np.linspace(0.001, 0.2, 10)
collections = []
gc.callbacks.append(lambda phase, told: phase == "start" and collections.append(told["generation"]))


def asked(adjust, n):
    """Return full collections in n calls, and the least seconds of one."""
    gc.collect()
    collections.clear()
    least = min(timed(adjust) for _ in range(n))
    return collections.count(2), least


def timed(adjust):
    begun = time.perf_counter()
    adjust()
    return time.perf_counter() - begun


ways = {
    "multipletests, holm": lambda: multipletests(p_values, method="holm"),
    "multipletests, fdr_bh": lambda: multipletests(p_values, method="fdr_bh"),
    "SciPy's false_discovery_control": lambda: false_discovery_control(p_values),
}
print("statsmodels", statsmodels.__version__)
before = {name: asked(adjust, 5) for name, adjust in ways.items()}
held = [[k] for k in range(10_000_000)]
gc.disable()
after = {name: asked(adjust, 5) for name, adjust in ways.items()}
for name in ways:
    print(f"  {name}: {before[name][0]} full collections in 5 calls, {before[name][1]:.1e} s each;")
    print(f"    beside {len(held):,} lists {after[name][0]} and {after[name][1]:.1e} s")
others = [name for name in ways if not name.endswith("holm")]
seen = before["multipletests, holm"][0] >= 5 and after["multipletests, holm"][0] == 5
seen = seen and not any(after[name][0] for name in others)
sys.exit(0 if seen else "multipletests collects garbage no more")
PYTHON
