#!/bin/sh
# pytorch-optimizer: the fractal Chebyshev schedule takes its first step three times and leaves out its last two, and so diverges.
#
# Expected: gradient descent on a quadratic whose curvatures lie between 0.05 and 1, at a rate of 1 times `get_chebyshev_schedule`, whose
# nodes are for that range, takes each of n steps once: the error after n steps is at most 1 / T_n(1.105), T_n being Chebyshev's polynomial, whatever their order.
# Seen: the multiplier of epoch e is that of number e - 2, and of 0 for the first three. With 8 epochs the steps of six of the
# nodes are taken, one of them three times, and the error grows to 64 where the same steps taken once leave 0.053; with 16 it is 4.7 and not 0.0014, with 32
# 0.007 and not 0.000001. With four epochs two nodes are used, and the error is 2,283.
# Versions: pytorch-optimizer 4.1.0, torch 2.13.0, numpy 2.4.6, Python 3.11.
# Cost: the steps are long ones, up to 17 times the rate, that are safe only because others undo what they blow up: training that should be quick
# blows up or is far slower, at the steps that theory gives, and looks as if Chebyshev's were no good. Use `get_chebyshev_perm_steps(n)` for powers of two
# from 8 on, with one entry for each epoch.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check pytorch-optimizer==4.1.0 torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from collections import Counter
from importlib.metadata import version

import numpy as np
import torch
from pytorch_optimizer import get_chebyshev_schedule

LEAST, GREATEST = 0.05, 1.0
curvatures = np.linspace(LEAST, GREATEST, 200)


def descend(epochs):
    """The multipliers that the schedule gives, and the largest error of weights that start at 1."""
    weights = torch.nn.Parameter(torch.ones(len(curvatures), dtype=torch.float64))
    optimizer = torch.optim.SGD([weights], lr=1.0)
    schedule = get_chebyshev_schedule(optimizer, epochs)
    multipliers = []
    for _ in range(epochs):
        multipliers.append(optimizer.param_groups[0]["lr"])
        weights.grad = torch.from_numpy(curvatures) * weights.detach()
        optimizer.step()
        schedule.step()
    return multipliers, weights.abs().max().item()


print(" ".join(f"{name} {version(name)}" for name in ("pytorch-optimizer", "torch", "numpy")))
seen = []
for epochs in (4, 8, 16, 32):
    multipliers, error = descend(epochs)
    nodes = 1 / ((GREATEST + LEAST) / 2 - (GREATEST - LEAST) / 2 * np.cos((np.arange(epochs) + 0.5) * np.pi / epochs))
    once = np.abs(np.prod(1 - np.outer(curvatures, nodes), axis=1)).max()
    bound = 1 / np.cosh(epochs * np.arccosh((GREATEST + LEAST) / (GREATEST - LEAST)))
    times = Counter(int(np.abs(nodes - multiplier).argmin()) for multiplier in multipliers)
    print(f"  {epochs:2d} epochs: {len(times)} of {epochs} nodes used, one {max(times.values())} times; error {error:.3g}, each node once {once:.3g}, theory {bound:.3g}")
    seen.append(multipliers[0] == multipliers[1] == multipliers[2] and len(times) == epochs - 2 and error > 1000 * once and abs(once - bound) < 1e-9)
raise SystemExit(0 if all(seen) else 1)
PYTHON
