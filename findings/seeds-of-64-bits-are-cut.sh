#!/bin/sh
# torch, JAX: of a seed only the low 32 bits count, so that different seeds of 64 bits are the same starts.
#
# Expected: `torch.manual_seed` and `jax.random.key` take integers of 64 bits, as their documents say, and each is a start of
# its own, as with NumPy. So a study's number may be the upper half, and the restart's the lower one.
# Seen: torch's generator for the CPU, and JAX unless `jax_enable_x64` is set, drop the upper half silently; torch's
# `initial_seed()` returns all of it. Of four studies with 50 restarts each, 200 seeds, there are 50 different networks. Multiples
# of 2^32 are one seed, 0. (Paddle 3.3.1 and tinygrad 0.14.0 do so too; MLX 0.32.4 does not.)
# Versions: torch 2.13.0, jax 0.10.2, numpy 2.4.6, Python 3.11.
# Cost: studies that are taken for independent, or a training and a test set, have the same random numbers. Pooled, 200
# restarts are worth 50, and their interval is half as wide as it should be. Hashes as seeds collide from some 65,000 on.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 jax==0.10.2 numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import jax
import numpy as np
import torch

STUDIES, RESTARTS = 4, 50


def torch_network(seed):
    torch.manual_seed(seed)
    assert torch.initial_seed() == seed
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    return torch.cat([p.detach().ravel() for p in net.parameters()]).numpy().tobytes()


def torch_generator(seed):
    return torch.rand(9, generator=torch.Generator().manual_seed(seed)).numpy().tobytes()


def jax_key(seed):
    return np.asarray(jax.random.uniform(jax.random.key(seed), (9,))).tobytes()


def numpy_generator(seed):
    return np.random.default_rng(seed).random(9).tobytes()


print("torch", torch.__version__, "jax", jax.__version__, "numpy", np.__version__)
seeds = [study << 32 | restart for study in range(STUDIES) for restart in range(RESTARTS)]
print(f"  {len(set(seeds))} seeds, the largest {max(seeds)}")
found = []
for kind in (torch_network, torch_generator, jax_key, numpy_generator):
    found.append(len({kind(seed) for seed in seeds}))
    print(f"  {kind.__name__}: {found[-1]} different starts")
jax.config.update("jax_enable_x64", True)
wide = len({jax_key(seed) for seed in seeds})
print(f"  jax_key with jax_enable_x64: {wide} different starts")
raise SystemExit(0 if found == [RESTARTS] * 3 + [len(seeds)] and wide == len(seeds) else 1)
PYTHON
