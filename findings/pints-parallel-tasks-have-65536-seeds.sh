#!/bin/sh
# PINTS: parallel evaluations draw from one of 65,536 states of NumPy's generator, so that of 20,000 random starts 2,765 are repeats.
#
# Expected: a function that draws its start from `np.random` gives different starts in all evaluations, in parallel as one after
# the other, and `np.random.seed` makes both repeatable, as the documents of `evaluate` say.
# Seen: both are repeatable, but the workers seed NumPy anew for each evaluation, with 16 bits. Of 20,000 starts 17,235 differ; two
# runs with other seeds have a quarter of their starts in common. One after the other all 20,000 differ.
# Versions: pints 0.6.1, numpy 2.4.6, scipy 1.17.1, Python 3.11.
# Cost: the share solved of n restarts has 1 + (n - 1) / 65536 times the binomial variance: an interval from 100,000 restarts is 1.6
# times too narrow, and no number of restarts finds more than the 65,536 ends. A repetition with another seed, meant to be independent,
# confirms itself in part. Draw the starts outside, and hand them over as positions.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check pints==0.6.1 numpy==2.4.6 scipy==1.17.1
cat > "$folder/starts.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pints

RESTARTS, STATES = 20_000, 2**16


def restart(position):
    """Return the first of nine weights that are drawn for a restart."""
    return np.random.uniform(-10, 10, 9)[0]


def draw(seed, parallel):
    np.random.seed(seed)
    return pints.evaluate(restart, np.zeros((RESTARTS, 1)), parallel=parallel)


print("pints", version("pints"), "numpy", np.__version__)
one_by_one = len(set(draw(1, False)))
first, other = draw(1, 2), draw(2, 2)
different, common = len(set(first)), np.isin(other, first).mean()
chance = 1 - (1 - 1 / STATES) ** RESTARTS
repeated = bool(np.array_equal(first, draw(1, 2)))
print(f"  of {RESTARTS} starts differ: {one_by_one} one after the other, {different} in parallel ({STATES * chance:.0f} expected of {STATES} seeds)")
print(f"  of the starts of another seed {common:.1%} are among them ({chance:.1%} expected); the same seed repeats: {repeated}")
close = abs(different - STATES * chance) < 150 and abs(common - chance) < 0.015
raise SystemExit(0 if one_by_one == RESTARTS and close and repeated else 1)
PYTHON
OPENBLAS_NUM_THREADS=1 "$folder/env/bin/python" -W ignore "$folder/starts.py"
