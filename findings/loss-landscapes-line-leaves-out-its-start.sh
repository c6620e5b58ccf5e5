#!/bin/sh
# loss-landscapes: a line between two models is not evaluated at the first, nor a plane of odd steps at its centre.
#
# Expected: `linear_interpolation(a, b, steps=11)` has the loss of `a` first and of `b` last, at 0, 0.1, ..., 1; the middle
# of `random_plane(model, steps=11)` is the model.
# Seen: the weights move before they are evaluated first: the places are 1/11, 2/11, ..., 1. A plane begins at -steps / 2
# steps, so that with an odd number the model lies between the grid's points, and with an even one at [steps / 2,
# steps / 2], off the middle of the picture.
# Versions: loss-landscapes 3.0.6, torch 2.13.0, Python 3.11.
# Cost: a barrier is the highest loss on the line above that of its ends. The first value is taken for an end: with eleven
# steps from the model that solves XOR below, the "end" has 20 times its loss.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    loss-landscapes==3.0.6 torch==2.13.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import loss_landscapes
import numpy as np
import torch
from loss_landscapes.metrics import Loss
from loss_landscapes.metrics.metric import Metric

INPUTS = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
TARGETS = torch.tensor([[0.0], [1], [1], [0]])
loss = Loss(torch.nn.BCELoss(), INPUTS, TARGETS)


def network(hidden, hidden_bias, output, output_bias):
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 1), torch.nn.Sigmoid())
    for parameter, value in zip(net.parameters(), (hidden, hidden_bias, output, output_bias)):
        parameter.data = torch.tensor(value)
    return net


def solved(sign):
    """Return a network that computes XOR as OR and not AND; the other sign has its hidden units turned."""
    s = float(sign)
    return network(
        [[20.0 * s, 20.0 * s], [20.0 * s, 20.0 * s]],
        [-10.0 * s, -30.0 * s],
        [[20.0 * s, -20.0 * s]],
        [-10.0],
    )


class First(Metric):
    """The first weight, which tells where on the line from 20 to -20 a model stands."""

    def __call__(self, model):
        return float(model.get_module_parameters()[0].detach()[0, 0])


places = (20 - loss_landscapes.linear_interpolation(solved(1), solved(-1), First(), 11, deepcopy_model=True)) / 40
values = loss_landscapes.linear_interpolation(solved(1), solved(-1), loss, 11, deepcopy_model=True)
end = float(loss_landscapes.point(solved(1), loss))
print("places on the line:", np.round(places, 3))
print(f"loss of the first model {end:.2e}, first on the line {values[0]:.2e}: {values[0] / end:.0f} times")


class Away(Metric):
    def __call__(self, model):
        return max(float((p.detach() - q).abs().max()) for p, q in zip(model.get_module_parameters(), SOLVED))


SOLVED = [p.detach().clone() for p in solved(1).parameters()]
away = {
    steps: loss_landscapes.random_plane(solved(1), Away(), steps=steps, normalization="model", deepcopy_model=True)
    for steps in (10, 11)
}
for steps, grid in away.items():
    nearest = tuple(map(int, np.unravel_index(grid.argmin(), grid.shape)))
    print(f"plane of {steps} x {steps}: nearest to the model is {nearest}, {grid.min():.2e} away")
line_off = abs(places[0] - 1 / 11) < 1e-5 and abs(places[-1] - 1) < 1e-5
plane_off = away[10][5, 5] < 1e-4 and away[11].min() > 1e-2
raise SystemExit(0 if line_off and plane_off else 1)
PYTHON
