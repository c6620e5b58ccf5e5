#!/bin/sh
# PyTensor: the gradient of a float32 relu, written as a switch, is float64.
#
# Expected: for a float32 x every part of the gradient of switch(gt(x, 0), x, 0) is float32, as the
# expression itself is (floatX plays no part: nothing is created by default).
# Seen: it is float64, and so is that of x * cast(gt(x, 0), "float32"). With maximum(x, 0), or with
# the condition cut off by disconnected_grad, it is float32.
# Versions: pytensor 3.0.7 on Python 3.11, 3.3.8 on Python 3.13 (it needs 3.12): PYTHON=python3.13.
# Cost: an update x - rate * gradient becomes float64, so a scan over float32 states refuses to
# compile, and code without scan computes in twice the width without a word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
versions=3.0.7
if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then versions="3.0.7 3.3.8"; fi
for version in $versions; do
    "$python" -m venv "$folder/$version"
    "$folder/$version/bin/pip" install -q --disable-pip-version-check "pytensor==$version"
    PYTENSOR_FLAGS="base_compiledir=$folder/compiled,cxx=" "$folder/$version/bin/python" - <<'PYTHON'
import pytensor
import pytensor.gradient
import pytensor.tensor as pt

x = pt.vector("x", dtype="float32")
zero = pt.constant(0, dtype="float32")
ways = {
    "switch(gt(x, 0), x, 0)": pt.switch(pt.gt(x, zero), x, zero),
    "x * cast(gt(x, 0), float32)": x * pt.cast(pt.gt(x, zero), "float32"),
    "switch, condition disconnected": pt.switch(
        pt.gt(pytensor.gradient.disconnected_grad(x), zero), x, zero
    ),
    "maximum(x, 0)": pt.maximum(x, zero),
}
print("pytensor", pytensor.__version__)
found = []
for name, y in ways.items():
    gradient = pytensor.grad(y.sum(), x)
    print(f"  {name}: value {y.dtype}, gradient {gradient.dtype}")
    assert y.dtype == "float32"
    found.append(gradient.dtype)
raise SystemExit(0 if found == ["float64", "float64", "float32", "float32"] else 1)
PYTHON
done
