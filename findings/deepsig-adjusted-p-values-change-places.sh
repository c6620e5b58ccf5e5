#!/bin/sh
# deepsig: the adjusted p-values of `bonferroni_correction` belong to other hypotheses than the p-values.
#
# Expected: the adjusted value of each p-value stands where the p-value stood, so that the least p-value has the least adjusted one.
# (That the factors are Holm's, without his running maximum, is how Dror et al. (2017) count data sets, whom the package follows.)
# Seen: the values are sorted, adjusted and "unsorted" by the order that had sorted them, in place of its inverse: of
# 0.03, 0.2 and 0.001 the adjusted ones are 0.2, 0.003 and 0.06, so that a p-value of 0.2 becomes the one that is significant. It is right only where
# the order is its own inverse, as of two p-values: of the 120 orders of five p-values 94 are wrong.
# Versions: deepsig 1.2.8, numpy 2.4.6, scipy 1.17.1, Python 3.11.
# Cost: of several data sets, or pairs of algorithms, others are named as different than those that are; how many are is right. Nothing
# looks wrong, as sorted p-values, the usual example, come out right. Use `multipletests` of statsmodels.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check deepsig==1.2.8 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version
from itertools import permutations

import numpy as np
from deepsig import bonferroni_correction


def by_hand(values):
    """The p-value of rank u of n times n - u + 1, in its own place."""
    ranks = np.argsort(np.argsort(values))
    return np.minimum((len(values) - ranks) * values, 1)


print(" ".join(f"{name} {version(name)}" for name in ("deepsig", "numpy")))
few = np.array([0.03, 0.2, 0.001])
print(f"  of {few.tolist()}: {bonferroni_correction(few).round(3).tolist()}, by hand {by_hand(few).round(3).tolist()}")
five = np.array([0.001, 0.011, 0.03, 0.2, 0.6])
wrong = least_elsewhere = 0
for order in permutations(range(5)):
    values = five[list(order)]
    adjusted = bonferroni_correction(values)
    wrong += not np.allclose(adjusted, by_hand(values))
    least_elsewhere += int(adjusted.argmin() != values.argmin())
print(f"  of 120 orders of {five.tolist()} {wrong} are wrong; in {least_elsewhere} another than the least p-value has the least adjusted one")
in_order = np.allclose(bonferroni_correction(five), by_hand(five))
raise SystemExit(0 if in_order and wrong == 94 and bonferroni_correction(few).argmin() == 1 else 1)
PYTHON
