#!/bin/sh
# PyTensor: its Python linker cannot run a sum of more than 31 terms, which its own rewriting makes.
#
# Expected: `Mode(linker="py")` is the slow way to run any graph; a + b + c + ... of 40 vectors is 39
# additions of two.
# Seen: canonicalisation makes one Elemwise of 40 inputs of them. NumPy's ufuncs have at most 32
# operands, so that none is made for it, and running it ends in AttributeError: 'Scratchpad' object
# has no attribute 'ufunc'. 31 terms work. So does Mode(...).excluding("local_add_canonizer").
# Versions: PyTensor 3.0.7.
# Cost: a loss that is summed over the rows of a table in Python works with 30 rows and fails with 40,
# with a message that says nothing of sums.
# Needs: Python 3.11 to 3.14, a package index.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pytensor==3.0.7"
PYTENSOR_FLAGS=cxx= "$folder/venv/bin/python" - <<'PY'
import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode


def runs(n, *excluded):
    terms = [pt.dvector() for _ in range(n)]
    mode = Mode(linker="py", optimizer="fast_compile").excluding(*excluded)
    function = pytensor.function(terms, sum(terms[1:], terms[0]), mode=mode)
    try:
        return (function(*[np.ones(2)] * n) == n).all()
    except AttributeError as error:
        print(n, "terms:", str(error).splitlines()[0])
        return False


assert runs(31)
assert not runs(40)
assert runs(40, "local_add_canonizer")
PY
