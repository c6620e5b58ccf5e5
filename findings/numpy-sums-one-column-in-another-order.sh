#!/bin/sh
# NumPy: the sum of a column has other last bits when the matrix has that column alone.
#
# Expected: `a.sum(axis=0)` adds the rows of each column in one order, whatever columns stand beside.
# Seen: of two columns and more, rows are added one after the other; of a single column of eight
# numbers and more they are added pairwise, as in a vector. So `a[:, k:k+1].sum(axis=0)` differs
# from `a.sum(axis=0)[k:k+1]` in the last bits for many columns, though both take the same numbers.
# Versions: numpy 2.4.6, Python 3.11.
# Cost: whoever computes many independent problems in one matrix, and promises that a problem's bits
# do not depend on its neighbours, breaks the promise where a piece of the work has one column.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np

rng = np.random.default_rng(0)
print("numpy", np.__version__)
differing = {}
for rows in (7, 9, 40):
    matrix = rng.normal(size=(rows, 100)) ** 2
    whole = matrix.sum(axis=0)
    for width in (1, 2):
        pieces = [matrix[:, k : k + width].copy().sum(axis=0) for k in range(0, 100, width)]
        differing[rows, width] = int((np.concatenate(pieces) != whole).sum())
        print(f"  {rows} rows, {width} column(s) at a time: {differing[rows, width]} of 100 differ")
assert all(n == 0 for (rows, width), n in differing.items() if width == 2 or rows < 8)
raise SystemExit(0 if all(differing[rows, 1] for rows in (9, 40)) else 1)
PYTHON
