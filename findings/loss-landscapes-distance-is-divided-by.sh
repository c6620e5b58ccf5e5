#!/bin/sh
# loss-landscapes: the larger the distance that is asked for, the shorter the line or the plane.
#
# Expected: `distance` is the "maximum distance in parameter space from the start point", as its text says.
# Seen: the random direction gets the length norm(weights) / distance. The default of a line, 0.1, goes ten times the
# weights' own norm away; a distance of 10 stays within a tenth of it. So does the plane's, by half of it each way.
# Versions: loss-landscapes 3.0.6, torch 2.13.0, Python 3.11.
# Cost: who zooms out zooms in. Pictures of a landscape "within 0.1" of a minimum show one ten norms wide, where every
# sigmoid is saturated, and two pictures at different distances are compared the wrong way round.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    loss-landscapes==3.0.6 torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import loss_landscapes
import torch
from loss_landscapes.metrics.metric import Metric

START = torch.tensor([3.0, 4.0, 0.0, 0.0])  # of norm 5


class Weights(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(START.clone())

    def forward(self, x):
        return x


class DistanceFromStart(Metric):
    def __call__(self, model):
        return float((model.get_module_parameters()[0].detach() - START).norm())


reached = {}
for distance in (0.1, 1.0, 10.0):
    line = loss_landscapes.random_line(
        Weights(), DistanceFromStart(), distance=distance, steps=10, normalization="model", deepcopy_model=True
    )
    plane = loss_landscapes.random_plane(
        Weights(), DistanceFromStart(), distance=distance, steps=10, normalization="model", deepcopy_model=True
    )
    reached[distance] = line[-1]
    print(f"distance {distance:4}: the line ends {line[-1]:.3f} away, the plane's corner is {plane[0, 0]:.3f} away")
upside_down = all(abs(end * distance - 5) < 1e-3 for distance, end in reached.items())
raise SystemExit(0 if upside_down else 1)
PYTHON
