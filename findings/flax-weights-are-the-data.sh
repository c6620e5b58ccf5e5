#!/bin/sh
# Flax NNX beside JAX: the weights of `nnx.Rngs(0)` are the numbers drawn from the keys that `jax.random.split(jax.random.key(0))` returns.
#
# Expected: data made with keys split off `jax.random.key(0)`, as JAX's tutorial asks, and a network made with `nnx.Rngs(0)`, as Flax's does, have
# nothing in common: split off keys are new ones.
# Seen: `Rngs` numbers its keys by `fold_in(key(0), count)`, and `fold_in(key, i)` is `split(key, n)[i]` for every `n`. The first layer's
# weights are drawn from the first key split off, the second layer's from the third. As the normal and the truncated normal numbers come
# from the same bits in the same order, weights and noise of one shape correlate by 0.99 and more, again for each start that has
# the number of its data set (seed k in both).
# Versions: flax 0.12.8, jax 0.10.2, numpy 2.4.6, Python 3.11.
# Cost: the data are not independent of the start: a single unit on noise from the first key begins with an output of 0.999
# of the largest possible, whose mean should be 0. Seed one of the two by another number, or split `Rngs` off a key that is used for nothing else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check flax==0.12.8 jax==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import jax
import numpy as np
from flax import nnx


class Net(nnx.Module):
    def __init__(self, rngs):
        self.hidden = nnx.Linear(2, 5, rngs=rngs)
        self.out = nnx.Linear(5, 1, rngs=rngs)


def correlation(a, b):
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


print(" ".join(f"{name} {version(name)}" for name in ("flax", "jax", "numpy")))
key = jax.random.key(0)
same = all(bool((jax.random.key_data(jax.random.split(key, n)[i]) == jax.random.key_data(jax.random.fold_in(key, i))).all())
           for n in (2, 3, 10) for i in range(n))
print(f"  split(key, n)[i] is fold_in(key, i) for n = 2, 3, 10 and all i: {same}")
kept, wanted = [], []
for seed in range(100):
    net = Net(nnx.Rngs(seed))
    keys = jax.random.split(jax.random.key(seed), 4)
    kept.append([correlation(jax.random.normal(keys[0], (2, 5)), net.hidden.kernel[...]),
                 correlation(jax.random.normal(keys[2], (5, 1)), net.out.kernel[...])])
    other = jax.random.split(jax.random.key(1000 + seed), 4)
    wanted.append([correlation(jax.random.normal(other[0], (2, 5)), net.hidden.kernel[...]),
                   correlation(jax.random.normal(other[2], (5, 1)), net.out.kernel[...])])
least = np.min(kept, 0)
print(f"  100 seeds: correlation of the noise with weights, hidden {least[0]:.4f} and more, output {least[1]:.4f} and more; "
      f"with another seed for the data {np.mean(wanted, 0)[0]:.2f} and {np.mean(wanted, 0)[1]:.2f} on average")
cosines = []
for seed in range(100):
    x = np.asarray(jax.random.normal(jax.random.split(jax.random.key(seed))[0], (8,)))
    unit = np.ravel(nnx.Linear(8, 1, use_bias=False, rngs=nnx.Rngs(seed)).kernel[...])
    cosines.append(x @ unit / np.linalg.norm(x) / np.linalg.norm(unit))
print(f"  one unit of eight inputs: its output on the noise is {np.mean(cosines):.3f} of the largest possible, at least {np.min(cosines):.3f}")
raise SystemExit(0 if same and least.min() > 0.95 and abs(np.mean(wanted)) < 0.1 and np.min(cosines) > 0.9 else 1)
PYTHON
