#!/bin/sh
# nevergrad: random search within bounds draws an array from a normal distribution about the middle, not uniformly.
#
# Expected: `RandomSearch` of `ng.p.Array(shape=(9,), lower=-10, upper=10)` draws uniformly between the bounds, as
# `ng.p.Scalar(lower=-10, upper=10)` and `ng.p.Array(shape=(9,)).set_bounds(-10, 10)` do, whose document says that the whole range is
# sampled if both bounds are given.
# Seen: bounds that come with the array leave its numbers normal, with a sixth of the range as deviation, as the constructor asks
# whether a first value was given when it has already made one. An eighth of them lies in the outer half of the range, and all nine in the
# inner half in 28% of the draws, instead of 0.2%. `LHSSearch` of the same array is uniform.
# Versions: nevergrad 1.0.12, numpy 2.4.6, Python 3.11.
# Cost: random search is the baseline that others are compared with, and the source of starts: minima of large weights are
# hardly met, and those near the middle seem easy. Beside `LHSSearch` two distributions are compared, not two ways to draw.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check nevergrad==1.0.12 numpy==2.4.6
OPENBLAS_NUM_THREADS=1 "$folder/env/bin/python" -W ignore - <<'PYTHON'
import nevergrad as ng
import numpy as np

DRAWS, WEIGHTS, BOUND = 1000, 9, 10.0

spaces = {
    "Array(shape, lower, upper)": ng.p.Array(shape=(WEIGHTS,), lower=-BOUND, upper=BOUND),
    "Array(shape).set_bounds": ng.p.Array(shape=(WEIGHTS,)).set_bounds(-BOUND, BOUND),
    "Tuple of Scalar(lower, upper)": ng.p.Tuple(*(ng.p.Scalar(lower=-BOUND, upper=BOUND) for _ in range(WEIGHTS))),
}


def draw(space, optimizer="RandomSearch"):
    space.random_state.seed(0)
    search = ng.optimizers.registry[optimizer](space, budget=DRAWS)
    return np.array([search.ask().value for _ in range(DRAWS)])


def tell(name, weights):
    outer = np.abs(weights) > BOUND / 2
    row = weights.std() / BOUND, outer.mean(), (~outer).all(1).mean()
    print(f"  {name}: deviation {row[0]:.3f} of the bound, {row[1]:.1%} in the outer half, "
          f"{row[2]:.1%} with all nine in the inner half")
    return row


print("nevergrad", ng.__version__, "numpy", np.__version__)
print(f"  {DRAWS} draws; uniform: deviation {3**-0.5:.3f}, 50.0%, {0.5**WEIGHTS:.1%}")
found = {name: tell(name, draw(space)) for name, space in spaces.items()}
found["NumPy"] = tell("NumPy, uniform", np.random.default_rng(0).uniform(-BOUND, BOUND, (DRAWS, WEIGHTS)))
found["LHS"] = tell("LHSSearch of Array(shape, lower, upper)", draw(ng.p.Array(shape=(WEIGHTS,), lower=-BOUND, upper=BOUND), "LHSSearch"))
array = found.pop("Array(shape, lower, upper)")
uniform = all(abs(row[0] - 3**-0.5) < 0.02 and abs(row[1] - 0.5) < 0.03 for row in found.values())
raise SystemExit(0 if array[1] < 0.2 and array[2] > 0.2 and uniform else 1)
PYTHON
