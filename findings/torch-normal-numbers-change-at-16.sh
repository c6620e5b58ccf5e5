#!/bin/sh
# torch: with one seed, the first of 15 normal numbers is another one than the first of 16.
#
# Expected: with one seed, a longer tensor begins as a shorter one does, as of NumPy's generators and of `torch.rand`. So a
# network's first layer, or the first patterns of a data set, stay what they are when more are drawn.
# Seen: on the CPU `randn`, `normal_` and what is made of them (`xavier_normal_`, `kaiming_normal_`) take another way from
# 16 numbers on: none of the first 15 is the same. Beyond 16 it is so again where the last block of 16 is
# not full: the last 16 are drawn anew, so that 20 begin as 32 do for four numbers only. Only multiples of 16 go on.
# A weight matrix of 2 inputs has 14 numbers with seven hidden units and 16 with eight.
# Versions: torch 2.13.0, numpy 2.4.6, Python 3.11.
# Cost: starts that are paired by seed across sizes, to compare like with like, are not paired; a sequence of patterns
# that one seed draws is another one after a pattern is added. Where that is asked for, draw from NumPy, or one number at a time.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np
import torch


def normal(count):
    return torch.randn(count, generator=torch.Generator().manual_seed(0)).numpy()


def uniform(count):
    return torch.rand(count, generator=torch.Generator().manual_seed(0)).numpy()


def weights(units):
    torch.manual_seed(0)
    return torch.nn.init.xavier_normal_(torch.empty(units, 2), gain=(units + 2) ** 0.5).numpy().ravel()


def by_numpy(count):
    return np.random.default_rng(0).standard_normal(count)


def common(draw, short, long):
    """Return how many numbers of the shorter draw the longer one has in the same places."""
    a, b = draw(short), draw(long)[: draw(short).size]
    return int(np.isclose(a, b, rtol=1e-5, atol=0).sum())


print("torch", torch.__version__, "numpy", np.__version__)
pairs = [(8, 12), (15, 16), (15, 32), (20, 32), (32, 48)]
found = {}
for draw in (normal, uniform, by_numpy):
    found[draw] = [common(draw, *pair) for pair in pairs]
    print(f"  {draw.__name__}:", ", ".join(f"{n} of {a} begin {b}" for n, (a, b) in zip(found[draw], pairs, strict=True)))
layers = common(weights, 6, 7), common(weights, 7, 8)
print(f"  first layer of 2 inputs: 6 units share {layers[0]} of 12 with 7, 7 share {layers[1]} of 14 with 8")
whole = [a for a, _ in pairs]
kept = found[uniform] == found[by_numpy] == whole
raise SystemExit(0 if kept and found[normal] == [8, 0, 0, 4, 32] and layers == (12, 0) else 1)
PYTHON
