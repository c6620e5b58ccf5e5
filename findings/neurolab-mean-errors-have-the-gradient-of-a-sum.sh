#!/bin/sh
# neurolab: the gradient of mean errors (MSE, MAE, cross-entropy) is as many times too long as there are patterns.
#
# Expected: training with `error.MSE()` follows the gradient of the number that it reports; its quasi-Newton
# methods hand both to SciPy.
# Seen: the error is a mean over patterns, its derivative is divided by the number of outputs alone and added up over
# patterns: 4 times the finite difference on XOR. With `error.SSE()`, the default, both agree. `train_bfgs`,
# the default method, asks the line search for a fall that the function cannot have: from the same 40 starts it
# ends elsewhere with MSE than with SSE, though one is a multiple of the other.
# Versions: neurolab 0.3.5, numpy 1.26.4, scipy 1.15.3, Python 3.11.
# Cost: with gradient descent the learning rate is that of a sum, and a table twice as long doubles it; BFGS
# and CG search along lines with a slope that is not the function's.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    neurolab==0.3.5 numpy==1.26.4 scipy==1.15.3
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import contextlib
import io

import neurolab as nl
import numpy as np

INPUTS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
TARGETS = np.array([[0.0], [1], [1], [0]])


def network(seed, error):
    np.random.seed(seed)
    net = nl.net.newff([[0, 1], [0, 1]], [2, 1], [nl.trans.LogSig(), nl.trans.LogSig()])
    net.errorf = error
    return net


def ratios(error):
    """Return neurolab's gradient by the finite differences of its error, for each weight."""
    net = network(0, error)
    weights = nl.tool.np_get_ref(net).copy()
    differences = np.zeros(len(weights))
    for i in range(len(weights)):
        for sign in (1, -1):
            moved = weights.copy()
            moved[i] += sign * 1e-6
            nl.tool.np_set(net, moved)
            differences[i] += sign * error(TARGETS, net.sim(INPUTS)) / 2e-6
    nl.tool.np_set(net, weights)
    return nl.tool.ff_grad(net, INPUTS, TARGETS)[1] / differences


def solved(error, goal):
    """Return from which of 40 starts BFGS learns XOR."""
    right = []
    for seed in range(40):
        net = network(seed, error)
        with contextlib.redirect_stdout(io.StringIO()):
            net.train(INPUTS, TARGETS, epochs=300, show=0, goal=goal)
        right.append(bool(((net.sim(INPUTS) > 0.5) == (TARGETS > 0.5)).all()))
    return np.array(right)


print("neurolab", version("neurolab"))
found = {}
for kind in (nl.error.SSE, nl.error.MSE, nl.error.MAE, nl.error.CEE):
    found[kind.__name__] = ratios(kind())
    print(f"  {kind.__name__}: gradient by finite difference", np.round(found[kind.__name__][:4], 3))
summed, mean = solved(nl.error.SSE(), 2e-3), solved(nl.error.MSE(), 1e-3)  # SSE is twice the MSE here
print(f"  BFGS, 40 starts: {summed.sum()} solved with SSE, {mean.sum()} with MSE,", end=" ")
print(f"{(summed != mean).sum()} by only one of them")
agree = np.allclose(found["SSE"], 1, atol=1e-3)
four = all(np.allclose(found[name], 4, atol=1e-2) for name in ("MSE", "MAE", "CEE"))
raise SystemExit(0 if agree and four and (summed != mean).any() else 1)
PYTHON
