#!/bin/sh
# deepsig: the more comparisons `aso` is told of, the less it corrects for them: 190 need hardly more than one.
#
# Expected: "adjust our significance threshold α accordingly by dividing it by the number of comparisons, which corresponds to the
# Bonferroni correction" (its documentation): of ten comparisons at 0.95 each is made at 0.995.
# Seen: what is divided is added to the level, 0.95 + 0.05 / 10 = 0.955. With two comparisons that is right, 0.975; it is the strictest there
# is, and with ten or 190 all but that of a single one. `multi_aso` does the same, by default. The bound is a share that is estimated plus
# the level's normal quantile times an error, so that the level used can be read off three bounds from one seed.
# Versions: deepsig 1.2.8, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, Python 3.11.
# Cost: a table of twenty algorithms with all pairs compared has as many false discoveries as without a correction, and says that
# it has one. Give `confidence_level=1 - 0.05 / n` and `num_comparisons=1`, or `use_bonferroni=False`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check deepsig==1.2.8 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version
from statistics import NormalDist

import numpy as np
from deepsig import aso

LEVEL, COUNTS = 0.95, (2, 3, 10, 45, 190)
generator = np.random.default_rng(1)
better, worse = generator.normal(0.62, 1, 20), generator.normal(0, 1, 20)


def bound(level, comparisons=1):
    return aso(better, worse, confidence_level=level, num_comparisons=comparisons, num_bootstrap_iterations=200, seed=3, show_progress=False)


print(" ".join(f"{name} {version(name)}" for name in ("deepsig", "numpy", "scipy")))
normal = NormalDist()
one, strict = bound(LEVEL), bound(0.995)
error = (strict - one) / (normal.inv_cdf(0.995) - normal.inv_cdf(LEVEL))
print(f"  upper bound of the violation ratio for one comparison {one:.4f}")
seen = []
for count in COUNTS:
    got, asked = bound(LEVEL, count), bound(1 - (1 - LEVEL) / count)
    level = normal.cdf(normal.inv_cdf(LEVEL) + (got - one) / error)
    print(f"  {count:3d} comparisons: {got:.4f}, which is at level {level:.5f}; Bonferroni's level {1 - (1 - LEVEL) / count:.5f} gives {asked:.4f}")
    seen.append(abs(level - (LEVEL + (1 - LEVEL) / count)) < 1e-6)
raise SystemExit(0 if all(seen) and bound(LEVEL, 190) < bound(LEVEL, 10) < bound(LEVEL, 2) else 1)
PYTHON
