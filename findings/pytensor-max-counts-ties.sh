#!/bin/sh
# PyTensor: the gradient of a maximum or minimum over an axis gives each of several equal numbers all of it.
#
# Expected: max(w, w) = w for every w, so its derivative is 1. At a tie of different numbers a
# subgradient shares it out: half to each in JAX, all of it to one of them elsewhere.
# Seen: pt.max(pt.stack([w, w])) has the derivative 2, of three copies 3, at every w; pt.min and the
# maximum of pt.sort likewise. Finite differences say 1. pt.maximum(w, w), of two numbers, has 1.
# Versions: pytensor 3.0.7 on Python 3.11, 3.3.8 on Python 3.13 (it needs 3.12): PYTHON=python3.13.
# Cost: a loss that is the largest error over the patterns, maxout units, pooling over equal units: where
# symmetry makes numbers equal, as in XOR, or with equal starts, gradients are a multiple of the
# function's, so that steps are too long, no gradient check passes, and stationary points seem none.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
version=3.0.7
if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then version=3.3.8; fi
"$python" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check "pytensor==$version"
PYTENSOR_FLAGS="base_compiledir=$folder/compiled,cxx=" "$folder/env/bin/python" - <<'PYTHON'
import pytensor
import pytensor.tensor as pt

w = pt.dscalar("w")
ways = {
    "max(stack([w, w]))": (pt.max(pt.stack([w, w])), 2),
    "max(stack([w, w, w]))": (pt.max(pt.stack([w, w, w])), 3),
    "min(stack([w, w]))": (pt.min(pt.stack([w, w])), 2),
    "maximum(w, w)": (pt.maximum(w, w), 1),
}
outputs = [output for way, _ in ways.values() for output in (way, pytensor.grad(way, w))]
function = pytensor.function([w], outputs, mode="FAST_COMPILE")
print("pytensor", pytensor.__version__)
h = 1e-6
found = []
for i, name in enumerate(ways):
    difference = (function(0.7 + h)[2 * i] - function(0.7 - h)[2 * i]) / (2 * h)
    gradient = float(function(0.7)[2 * i + 1])
    print(f"  {name}: finite difference {difference:.6f}, gradient {gradient:g}")
    assert abs(difference - 1) < 1e-6
    found.append(gradient)
raise SystemExit(0 if found == [multiple for _, multiple in ways.values()] else 1)
PYTHON
