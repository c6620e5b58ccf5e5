#!/bin/sh
# PyTensor: logaddexp is right for large numbers, its gradient is NaN.
#
# Expected: pt.logaddexp(a, b) = log(exp(a) + exp(b)), "stable" as NumPy's, and its gradient, exp(a - logaddexp(a, b)),
# which is never more than 1.
# Seen: in the default mode the value is right at any size, as rewriting turns log of a sum of exponentials into a stable
# form. The gradient was taken of the naive form before that, and no rewriting repairs it: NaN from 710 on, where exp
# overflows, and where both numbers are below -746. Of pt.logsumexp of the same two it is right,
# and of logaddexp of one with the constant 0.
# Versions: pytensor 3.0.7, Python 3.11.
# Cost: a loss of two classes that is written with logaddexp so that it cannot overflow is finite, and weights
# turn to NaN in one step: a start counts as diverged that is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check pytensor==3.0.7 numpy==2.4.6
PYTENSOR_FLAGS="base_compiledir=$folder/compiled,cxx=" "$folder/env/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import pytensor
import pytensor.tensor as pt

a, b = pt.dscalars("a", "b")
ways = {"logaddexp": pt.logaddexp(a, b), "logsumexp": pt.logsumexp(pt.stack([a, b]))}
print("pytensor", pytensor.__version__)
seen = {}
for name, way in ways.items():
    function = pytensor.function([a, b], [way, *pytensor.grad(way, [a, b])])
    for point in ((1.0, 2.0), (700.0, 701.0), (720.0, 721.0), (-800.0, -799.0)):
        value, *gradient = (float(number) for number in function(*point))
        print(f"  {name}{point}: {value:.6f}, gradient {gradient}")
        assert abs(value - np.logaddexp(*point)) < 1e-9
        seen[name, point] = gradient
right = np.exp(np.array([1.0, 2.0]) - np.logaddexp(1.0, 2.0))
assert np.allclose(seen["logaddexp", (1.0, 2.0)], right)
assert all(np.allclose(seen["logsumexp", point], right) for name, point in seen if name == "logsumexp")
lost = [np.isnan(seen["logaddexp", point]).any() for point in ((720.0, 721.0), (-800.0, -799.0))]
raise SystemExit(0 if all(lost) else 1)
PYTHON
