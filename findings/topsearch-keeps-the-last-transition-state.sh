#!/bin/sh
# TopSearch: of several transition states between two minima its network keeps the last one, not the lowest.
#
# Expected: a kinetic transition network holds every transition state, or of each pair of minima the
# lowest, since the barrier between two minima leads over the lowest.
# Seen: the network is a simple graph, with one edge to a pair of minima. A second transition state between
# the same two, which `test_new_ts` finds to be new, takes the place of the first, lower or higher, and `n_ts`
# counts both. So the barrier is what was found last, 0.30 or 0.66 here, and where the disconnectivity
# graph joins the minima depends on the order of searches. A saddle whose place was taken is new again.
# Versions: topsearch 0.0.3, networkx 3.6.1, numpy 1.26.4, Python 3.11.
# Cost: between the minima of networks with interchangeable units there are many ways. Barriers of such a
# landscape come out too high, by chance, and numbers of transition states are no numbers of them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check topsearch==0.0.3 \
    numpy==1.26.4 networkx==3.6.1 scipy==1.17.1 rdkit==2023.9.6 ase==3.29.0
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from topsearch.analysis.graph_properties import disconnected_height
from topsearch.data.coordinates import StandardCoordinates
from topsearch.data.kinetic_transition_network import KineticTransitionNetwork
from topsearch.similarity.similarity import StandardSimilarity


def loss(x, y):
    """Minima of 0 at (-1, 0) and (1, 0), joined by a pass on either side of a hill at 0."""
    return 4 * (x * x + y * y - 1) ** 2 + 0.5 * y * y + 0.2 * y**3


minima = [np.array([-1.0, 0.0]), np.array([1.0, 0.0])]
passes = [np.array([0.0, y]) for y in np.roots([16, 0.6, -15])]  # where the gradient is 0
low, high = sorted(passes, key=lambda point: loss(*point))
h = 1e-5
for x, y in passes:  # both are saddles: down along x, up along y; x and -x are alike
    assert abs(loss(x, y + h) - loss(x, y - h)) < 1e-8
    assert loss(h, y) < loss(0, y) < loss(0, y + h) and loss(0, y) < loss(0, y - h)


def network(saddles):
    """Give the network both minima and the saddles, as a search that has found them does."""
    ktn, same = KineticTransitionNetwork(), StandardSimilarity(0.05, 1e-3)
    point = StandardCoordinates(ndim=2, bounds=[(-2, 2), (-2, 2)])
    for minimum in minima:
        point.position = minimum
        same.test_new_minimum(ktn, point, loss(*minimum))
    for saddle in saddles:
        point.position = saddle
        same.test_new_ts(ktn, point, loss(*saddle), minima[0], 0.0, minima[1], 0.0)
    return ktn


print("topsearch", version("topsearch"), "| passes at", f"{loss(*low):.4f} and {loss(*high):.4f}")
found = {}
for name, saddles in {"low, high": [low, high], "high, low": [high, low]}.items():
    ktn = network(saddles)
    barrier, joined = ktn.get_ts_energy(0, 1), disconnected_height(ktn, 0, 1, 1.0, 1.0)
    found[name] = (round(barrier, 4), ktn.n_ts, ktn.G.number_of_edges())
    print(f"  {name}: barrier {barrier:.4f} (minima part below {joined:.3f}), n_ts {ktn.n_ts}")
    print(f"    transition states in the network: {ktn.G.number_of_edges()}")
again = network([low, high, low]).n_ts
print(f"  low, high, low: n_ts {again}")
expected = {
    "low, high": (round(loss(*high), 4), 2, 1),
    "high, low": (round(loss(*low), 4), 2, 1),
}
raise SystemExit(0 if found == expected and again == 3 else 1)
PYTHON
