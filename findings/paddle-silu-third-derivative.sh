#!/bin/sh
# Paddle: the third derivative of SiLU is wrong, without a word.
#
# Expected: `paddle.grad(..., create_graph=True)` may be repeated, and gives each derivative, or an error where an operation
# has none of that order, as it does for the third one of sigmoid.
# Seen: value, first and second derivative of `silu` are right. The third is not: 0.015 where it is -0.143, at 0.3; it is not
# even odd, as it must be. x * sigmoid(x) is right in the second, and an error in the third; tanh is right in
# the third.
# Versions: paddlepaddle 3.3.1, mpmath 1.3.0, numpy 2.4.6, Python 3.11, float64 on the CPU.
# Cost: SiLU is a common activation of networks that solve differential equations. One of third order (Korteweg and de Vries's)
# is trained on a wrong residual: it converges, to another function. So does the derivative of a Hessian.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check paddlepaddle==3.3.1 mpmath==1.3.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import mpmath
import numpy as np
import paddle

POINTS = [-5.0, -1.0, -0.3, 0.3, 1.0, 5.0]
mpmath.mp.dps = 50
EXACT = {"silu": lambda x: x / (1 + mpmath.exp(-x)), "tanh": mpmath.tanh}
FUNCTIONS = {"silu": paddle.nn.functional.silu, "tanh": paddle.tanh}


def derivatives(name):
    """Return the value and the first three derivatives at all points."""
    x = paddle.to_tensor(POINTS, dtype="float64", stop_gradient=False)
    y = FUNCTIONS[name](x)
    found = [y.numpy()]
    for _ in range(3):
        (y,) = paddle.grad(y.sum(), x, create_graph=True)
        found.append(y.numpy())
    return np.array(found)


def exact(name):
    points = [mpmath.mpf(x) for x in POINTS]
    return np.array([[float(mpmath.diff(EXACT[name], x, n)) for x in points] for n in range(4)])


print("paddle", paddle.__version__)
right = {}
for name in FUNCTIONS:
    found, wanted = derivatives(name), exact(name)
    right[name] = [bool(np.allclose(a, b, rtol=1e-6, atol=1e-10)) for a, b in zip(found, wanted, strict=True)]
    print(f"  {name}: value and derivatives 1, 2, 3 right: {right[name]}")
    print("    third, Paddle:", np.round(found[3], 4))
    print("    third, exact: ", np.round(wanted[3], 4))
raise SystemExit(0 if right == {"silu": [True, True, True, False], "tanh": [True] * 4} else 1)
PYTHON
