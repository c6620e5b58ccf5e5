#!/bin/sh
# mlxtend: with momentum its perceptron moves by half a gradient at any learning rate, and with `decrease_const` it stops soon.
#
# Expected: momentum 0.5 adds half of the step before: at a rate of 0.00000001 nothing moves, as without. `decrease_const` "shrinks the learning rate
# after each epoch via eta / (1 + epoch*decrease_const)" (its documentation).
# Seen: what is added is half of the gradient before, not times the rate: from the second epoch on all weights move by 0.5 times the gradient, at every
# rate. (The documentation has "w(t) - (grad(t) + momentum * grad(t-1))", no rate in either term; the first one has it.) The rate is divided anew in each
# epoch, and each batch of it: with 0.01 the training of 500 epochs is as long as 13 at the full rate, and not as the 180 of the formula. `l1`, "L1
# regularization strength", is not used at all.
# Versions: mlxtend 0.25.0, scikit-learn 1.9.1, numpy 2.4.6, Python 3.11.
# Cost: a grid of rates with momentum is one rate, 0.5 or 0.9 for a sum over all patterns, which diverges on larger data, and looks as if
# the rate did not matter; restarts with `decrease_const` are stuck where they are after some tens of epochs. Leave both at 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check mlxtend==0.25.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from mlxtend.classifier import MultiLayerPerceptron

x, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
HIDDEN = 3


def train(epochs, **options):
    """All weights after the epochs, from the start of seed 1."""
    net = MultiLayerPerceptron(hidden_layers=[HIDDEN], epochs=epochs, minibatches=1, random_seed=1, **options).fit(x, y)
    return np.concatenate([net.w_["1"].ravel(), net.b_["1"], net.w_["out"].ravel(), net.b_["out"]])


def loss(weights):
    """Cross-entropy of a hidden layer of sigmoids and a softmax, summed over the patterns."""
    first, bias, last, offset = np.split(weights, np.cumsum([2 * HIDDEN, HIDDEN, 2 * HIDDEN]))
    hidden = 1 / (1 + np.exp(-(x @ first.reshape(2, HIDDEN) + bias)))
    outputs = hidden @ last.reshape(HIDDEN, 2) + offset
    return (np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(4), y]).sum()


print(" ".join(f"{name} {version(name)}" for name in ("mlxtend", "scikit-learn", "numpy")))
start = train(1, eta=1e-12)
gradient = np.array([(loss(start + 1e-5 * unit) - loss(start - 1e-5 * unit)) / 2e-5 for unit in np.eye(len(start))])


def length(moved):
    """How many gradients long the way is, by least squares."""
    return float(moved @ gradient / (gradient @ gradient))


seen = []
for rate in (1e-8, 1e-4, 1e-3):
    plain, with_momentum = (length(start - train(2, eta=rate, momentum=momentum)) for momentum in (0.0, 0.5))
    print(f"  rate {rate:g}: two epochs move the weights by {plain:.6f} gradients, with momentum 0.5 by {with_momentum:.6f}; should be {2.5 * rate:.6f}")
    seen.append(abs(plain - 2 * rate) < 0.01 * rate + 1e-7 and abs(with_momentum - 0.5) < 0.01)
rate, constant = 1e-8, 0.01
for epochs in (3, 100, 500):
    moved = length(start - train(epochs, eta=rate, decrease_const=constant)) / rate
    documented = sum(1 / (1 + constant * epoch) for epoch in range(epochs))
    product = np.cumprod([1 / (1 + constant * epoch) for epoch in range(epochs)]).sum()
    print(f"  decrease_const {constant}: {epochs} epochs are as long as {moved:.2f} at the full rate; by the formula {documented:.2f}, by dividing anew {product:.2f}")
    seen.append(abs(moved / product - 1) < 1e-3)
unused = np.array_equal(train(50, eta=0.1), train(50, eta=0.1, l1=10.0))
print(f"  l1=10 and l1=0: {'the same' if unused else 'other'} weights after 50 epochs")
raise SystemExit(0 if all(seen) and unused else 1)
PYTHON
