#!/bin/sh
# landscaper: `generate_random_orthogonal_directions` returns directions that are parallel, so that a plane of a loss is a line.
#
# Expected: "n random orthogonal directions in the parameter space of the model": the cosine between two of them is 0.
# Seen: of each new direction the part along an older one is taken off as if that one had length 1; its length is the root of the number of weights. What
# is left points along the older one, or against it: of networks with 9, 41 and 201 weights the median cosine between the first two is
# 0.84, 0.97 and 0.99, between the second and the third 1. Directions scaled to length 1 first, in plain torch, have 0.
# Versions: landscaper 1.3.1, torch 2.13.0, gudhi 3.13.0, topopy 1.0.4, nglpy 1.1.7, Python 3.11.
# Cost: a surface over two such directions is one curve drawn across a diagonal: its valleys, saddles, and counts of minima are those
# of a line, and look like long flat valleys. Take eigenvectors, or QR of random vectors.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check landscaper==1.3.1 torch==2.13.0 gudhi==3.13.0 topopy==1.0.4 nglpy==1.1.7
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from landscaper.utils import generate_random_orthogonal_directions

SEEDS = 200


def cosine(one, other):
    return abs(float(one @ other / (one.norm() * other.norm())))


def flat(direction):
    return torch.cat([part.ravel() for part in direction]).double()


def by_hand(directions):
    """The usual way, from the same first direction and new random ones."""
    units = []
    for direction in directions:
        for unit in units:
            direction = direction - (direction @ unit) * unit
        units.append(direction / direction.norm())
    return units


print(" ".join(f"{name} {version(name)}" for name in ("landscaper", "torch")))
seen = []
for hidden in (2, 10, 50):
    network = torch.nn.Sequential(torch.nn.Linear(2, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1))
    cosines, checks = [], []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        first, second, third = map(flat, generate_random_orthogonal_directions(network, 3))
        cosines.append([cosine(first, second), cosine(second, third)])
        one, two, _ = by_hand([first, *torch.randn(2, len(first), dtype=torch.float64)])
        checks.append(cosine(one, two))
    medians = torch.tensor(cosines).median(dim=0).values
    print(f"  {len(first)} weights: median cosine of the first two {medians[0]:.3f}, of the second and third {medians[1]:.4f}; by hand at most {max(checks):.0e}")
    seen.append(medians[0] > 0.8 and medians[1] > 0.95 and max(checks) < 1e-10)
raise SystemExit(0 if all(seen) else 1)
PYTHON
