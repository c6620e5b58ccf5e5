#!/bin/sh
# optax: rprop applies the step of the gradient before, not of this one.
#
# Expected: iRprop- (Igel and Hüsken 2000), which its text describes: each weight moves against the sign of
# its gradient, by a step that grows while the sign stays; where the sign has changed it waits an epoch.
# Seen: `update` returns what the last call worked out, and keeps its own for the next call. The first
# epoch changes nothing. Later ones move by the sign at the point before; after a change of sign a weight waits two
# epochs, and its first step is then the halved one grown again. The example in its own text shows the first
# epoch without change. (A loss of x^2 / 2 from 1 shows all of it.)
# Versions: optax 0.2.8, jax 0.10.2, Python 3.11.
# Cost: who compares RPROP across libraries, or takes optax's for the paper's, compares gradients of another
# point. From 1,000 starts of XOR on 2-2-1 it needs more epochs where both learn it, and the starts from
# which it is learnt are others.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    optax==0.2.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/env/bin/python" - <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)
RATE, EPOCHS = 0.1, 500


class Paper:
    """iRprop- as Igel and Huesken (2000) give it, with optax's interface."""

    def __init__(self, rate):
        self.rate = rate

    def init(self, x):
        return jnp.full_like(x, self.rate), jnp.zeros_like(x)

    def update(self, gradient, state, x=None):
        step, before = state
        product = gradient * before
        step = jnp.where(product > 0, jnp.minimum(step * 1.2, 50.0), step)
        step = jnp.where(product < 0, jnp.maximum(step * 0.5, 1e-6), step)
        gradient = jnp.where(product < 0, 0.0, gradient)
        return -step * jnp.sign(gradient), (step, gradient)


def path(optimizer, x=1.0, epochs=8):
    x = jnp.asarray(x)
    state, points = optimizer.init(x), [float(x)]
    for _ in range(epochs):
        update, state = optimizer.update(x, state, x)  # the gradient of x^2 / 2 is x
        x = x + update
        points.append(round(float(x), 4))
    return points


INPUTS = jnp.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
TARGETS = jnp.array([0.0, 1, 1, 0])


def outputs(w):
    hidden = jax.nn.sigmoid(INPUTS @ w[:4].reshape(2, 2).T + w[4:6])
    return jax.nn.sigmoid(hidden @ w[6:8] + w[8])


def first_solved(optimizer):
    """Return for each of 1,000 starts the epoch after which XOR is right; EPOCHS if it never is."""

    def train(start):
        def epoch(carry, number):
            w, state, first = carry
            right = jnp.all((outputs(w) > 0.5) == (TARGETS > 0.5))
            first = jnp.minimum(first, jnp.where(right, number, EPOCHS))
            gradient = jax.grad(lambda w: jnp.mean((outputs(w) - TARGETS) ** 2))(w)
            update, state = optimizer.update(gradient, state, w)
            return (w + update, state, first), None

        begin = (start, optimizer.init(start), EPOCHS)
        return jax.lax.scan(epoch, begin, jnp.arange(EPOCHS))[0][2]

    starts = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (1000, 9)))
    return np.asarray(jax.jit(jax.vmap(train))(starts))


print("optax", optax.__version__)
paper, seen = path(Paper(0.4)), path(optax.rprop(0.4))
print("  x^2 / 2, the paper:", paper)
print("  x^2 / 2, optax:    ", seen)
first = {name: first_solved(o) for name, o in {"paper": Paper(RATE), "optax": optax.rprop(RATE)}.items()}
both = (first["paper"] < EPOCHS) & (first["optax"] < EPOCHS)
for name, epochs in first.items():
    print(f"  XOR, {name}: {int((epochs < EPOCHS).sum())} of 1000, median {np.median(epochs[both]):g} epochs")
only_one = int(((first["paper"] < EPOCHS) != (first["optax"] < EPOCHS)).sum())
print(f"  starts that only one of them learns XOR from: {only_one}")
late = seen[1] == seen[0] and seen[2:5] == paper[1:4]
waits = len(set(seen[4:7])) == 1 and len(set(paper[3:5])) == 1 and paper[5] != paper[4]
raise SystemExit(0 if late and waits and only_one else 1)
PYTHON
