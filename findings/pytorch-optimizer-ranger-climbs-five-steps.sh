#!/bin/sh
# pytorch-optimizer: Ranger climbs for its first five steps, and SRMM takes 0.7 of every weight at once, without a gradient.
#
# Expected: Ranger is "RAdam with Lookahead"; until the variance can be estimated, five steps with the usual settings, RAdam moves no weight, or goes down
# the gradient if `degenerated_to_sgd`. SRMM moves by averages of gradients and weights: without a gradient no weight moves.
# Seen: the mark "no step", -1, is taken for the length of the step: Ranger goes up the gradient. In a bowl, at a rate of 0.1, a
# weight of 2 is at 3.108 after five steps, from a loss of 2 to one of 4.83, and at a rate of 1 at 27; with `maximize=True` it goes down. RAdam of the same
# package stays at 2. SRMM counts its steps from one, so that its first average takes 2^-0.5 of the weight, and the rest from an
# average that is 0: all weights are multiplied by 0.7071 in the first step.
# Versions: pytorch-optimizer 4.1.0, torch 2.13.0, Python 3.11.
# Cost: a restart is not trained from its start: Ranger's lies 1.6 times as far out at a rate of 0.1, SRMM's nearer to 0, and both depend on the
# rate or on nothing at all; shares of solved restarts by initialisation are of other initialisations. Set `degenerated_to_sgd=True` for Ranger.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check pytorch-optimizer==4.1.0 torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from pytorch_optimizer import load_optimizer


def path(name, steps, slope=1.0, **options):
    """The weight at each step in the bowl slope w² / 2, from 2; one weight in a vector, whose gradient is not centralised."""
    weight = torch.nn.Parameter(torch.full((1,), 2.0))
    optimizer = load_optimizer(name)([weight], **options)
    weights = [2.0]
    for _ in range(steps):
        weight.grad = slope * weight.detach().clone()
        optimizer.step()
        weights.append(weight.item())
    return weights


print(" ".join(f"{name} {version(name)}" for name in ("pytorch-optimizer", "torch")))
climbs = path("ranger", 5, lr=0.1)
print(f"  Ranger, rate 0.1: {' '.join(f'{weight:.3f}' for weight in climbs)}; rate 1: {path('ranger', 5, lr=1.0)[-1]:.0f}")
print(f"  RAdam, rate 0.1: {path('radam', 5, lr=0.1)[-1]:.3f}; Ranger, degenerated_to_sgd=True: {path('ranger', 5, lr=0.1, degenerated_to_sgd=True)[-1]:.3f}; "
      f"Ranger, maximize=True: {path('ranger', 5, lr=0.1, maximize=True)[-1]:.3f}")
flat = path("srmm", 3, slope=0.0)
print(f"  SRMM, gradient 0: {' '.join(f'{weight:.4f}' for weight in flat)}")
up = all(after > before for before, after in zip(climbs, climbs[1:]))
ok = up and path("radam", 5, lr=0.1)[-1] == 2 and path("ranger", 5, lr=0.1, degenerated_to_sgd=True)[-1] < 2
raise SystemExit(0 if ok and abs(flat[1] - 2 * 0.5**0.5) < 1e-5 and abs(flat[3] - flat[1]) < 1e-5 else 1)
PYTHON
