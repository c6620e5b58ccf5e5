#!/bin/sh
# landscaper: a surface has the average loss where the loss is NaN, random numbers where it is highest, and its minimum beside the place that is named.
#
# Expected: `compute_loss_landscape` returns what `scalar_fn` returned at each point of a grid, "the loss values and coordinates for the landscape".
# Seen: NaN becomes the mean of the finite losses and infinity their maximum, so that where training diverges there is a plateau of medium
# height. To the highest values noise from NumPy's global generator is added: two calls differ, and a loss is higher than any that
# was evaluated. With an even number of steps the model's own loss is not at the coordinates 0, 0: all points are half a step aside. `LossLandscape`
# takes the first axis for the second: of a bowl that is lowest at +0.05 of the first and -0.10 of the second direction it has that at -0.10
# and +0.05. (A coordinate of 0.1 is 0.1 times the length of all weights, which the documentation does not say.) Only the last is seen in its plots.
# Versions: landscaper 1.3.1, torch 2.13.0, gudhi 3.13.0, topopy 1.0.4, nglpy 1.1.7, Python 3.11.
# Cost: minima, persistence and merge trees are taken of another surface: a region of NaN below its neighbours is a basin, and where a minimum lies is
# wrong. Give a `scalar_fn` that returns a large number for NaN, an odd number of steps, and the transpose of the losses.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check landscaper==1.3.1 torch==2.13.0 gudhi==3.13.0 topopy==1.0.4 nglpy==1.1.7
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import contextlib
import io
from importlib.metadata import version

import numpy as np
import torch
from landscaper import LossLandscape
from landscaper.compute import compute_loss_landscape

START = (3.0, 4.0)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(START))


def surface(loss, steps):
    """What is returned along the two weights, and what the function had returned."""
    returned = []

    def at(model, _):
        returned.append(loss(*model.weights.tolist()))
        return returned[-1]

    axes = [[torch.tensor([1.0, 0.0])], [torch.tensor([0.0, 1.0])]]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        losses, coordinates = compute_loss_landscape(Model(), None, axes, at, steps=steps, distance=0.1, dim=2, device="cpu")
    return losses, np.reshape(returned, (steps, steps)), coordinates


print(" ".join(f"{name} {version(name)}" for name in ("landscaper", "torch")))
losses, returned, _ = surface(lambda a, b: float("nan") if a > 3.2 else a * a + b * b, 5)
lost = np.isnan(returned)
print(f"  NaN in {lost.sum()} of 25 points: drawn as {np.unique(losses[lost].round(3)).tolist()}, mean of the others {returned[~lost].mean():.3f}")
mean = np.allclose(losses[lost], returned[~lost].mean())
one, returned, _ = surface(lambda a, b: a * a + b * b, 5)
two, _, _ = surface(lambda a, b: a * a + b * b, 5)
noisy = (one != returned).sum() == 1 and one[4, 4] != two[4, 4]
print(f"  a bowl twice: {(one != returned).sum()} of 25 losses is not what was returned, the highest; in the second call it is {'another' if noisy else 'the same'} number")
even, returned, coordinates = surface(lambda a, b: a * a + b * b, 4)
row, column = np.argwhere(np.isclose(returned, 25.0))[0]
aside = coordinates[0][row] > 0.03
print(f"  four steps: the loss of the model, 25, is at the coordinates {coordinates[0][row]:.3f}, {coordinates[1][column]:.3f}")
losses, returned, coordinates = surface(lambda a, b: (a - 3.25) ** 2 + (b - 3.5) ** 2, 5)
row, column = np.unravel_index(returned.argmin(), returned.shape)
named = LossLandscape(losses, coordinates).coords[losses.ravel().argmin()]
print(f"  least loss at {coordinates[0][row]:+.2f} of the first direction and {coordinates[1][column]:+.2f} of the second; LossLandscape has {named[0]:+.2f} and {named[1]:+.2f}")
swapped = np.allclose(named, [coordinates[1][column], coordinates[0][row]]) and row != column
raise SystemExit(0 if mean and noisy and aside and swapped else 1)
PYTHON
