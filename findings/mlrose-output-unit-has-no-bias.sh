#!/bin/sh
# mlrose: with `bias=True` the output unit has no bias.
#
# Expected: XOR on two hidden units has nine weights: `bias` is "whether to include a bias term", and sigmoid 2-2-1 has
# three biases.
# Seen: a column of ones is put beside the inputs, so that the first hidden layer alone has biases: eight weights, and
# without hidden units three. Layers after the first have none, and the output is a function of the hidden units'
# weighted sum alone, as plain NumPy shows.
# Versions: mlrose-ky 1.1.6, scikit-learn 1.9.1, numpy 2.4.6, Python 3.11.
# Cost: shares of restarts that learn XOR "on 2-2-1" are of another network than everybody else's. With relu units the
# answer is one half wherever no hidden unit is active.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    mlrose-ky==1.1.6 scikit-learn==1.9.1 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import mlrose_ky
import numpy as np

INPUTS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
TARGETS = np.array([[0], [1], [1], [0]])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def fitted(hidden):
    net = mlrose_ky.NeuralNetwork(
        hidden_nodes=hidden,
        activation="sigmoid",
        algorithm="random_hill_climb",
        max_iters=200,
        bias=True,
        learning_rate=0.5,
        max_attempts=100,
        random_state=0,
    )
    net.fit(INPUTS, TARGETS)
    net.predict(INPUTS)
    return net.fitted_weights, net.predicted_probs.ravel()


none, _ = fitted([])
one, seen = fitted([2])
two, _ = fitted([2, 2])
with_ones = np.hstack([INPUTS, np.ones((4, 1))])
ours = sigmoid(sigmoid(with_ones @ one[:6].reshape(3, 2)) @ one[6:])
error = np.abs(ours - seen).max()
print(f"weights of 2-1, 2-2-1, 2-2-2-1: {none.size}, {one.size}, {two.size}; with biases everywhere 3, 9, 15")
print(f"outputs of 2-2-1 and of NumPy without a bias of the output: {error:.1e} apart")
raise SystemExit(0 if (none.size, one.size, two.size) == (3, 8, 12) and error < 1e-12 else 1)
PYTHON
