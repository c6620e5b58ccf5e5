#!/bin/sh
# pele: two different minima whose energies are within 0.001 are stored as one, the first that was found.
#
# Expected: a minimum is known already if it is the same point, up to the symmetries that one names.
# Seen: `Database` compares energies alone, to 0.001, unless it is given `accuracy` or `compareMinima`. Of
# the loss (x^2 - 1)^2 + 0.0001 x basin-hopping visits both minima, 2 apart, and stores one: the
# higher one, from which it began. A third one at any point whatever is the same again. With a smaller accuracy
# both are there.
# Versions: pele 0.1.2, SQLAlchemy 1.4.54, numpy 1.26.4, Python 3.11.
# Cost: the accuracy is meant for energies of clusters of atoms, of tens to hundreds of units. Losses of
# small networks are between 0 and 1, and many of their minima are nearer than 0.001: they go missing, and with
# them what is joined to them, and the lowest loss is not the lowest.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    pele==0.1.2 numpy==1.26.4 scipy==1.17.1 SQLAlchemy==1.4.54 networkx==3.6.1
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from pele.basinhopping import BasinHopping
from pele.potentials import BasePotential
from pele.storage import Database
from pele.takestep import RandomDisplacement


class Loss(BasePotential):
    """(x^2 - 1)^2 + 0.0001 x + y^2, with minima near x = -1 and x = 1."""

    def getEnergy(self, point):
        return self.getEnergyGradient(point)[0]

    def getEnergyGradient(self, point):
        x, y = point
        loss = (x**2 - 1) ** 2 + 1e-4 * x + y**2
        return float(loss), np.array([4 * x * (x**2 - 1) + 1e-4, 2 * y])


def stored(database):
    np.random.seed(0)
    visited = set()
    step = RandomDisplacement(stepsize=2.0)
    search = BasinHopping(np.array([0.9, 0.2]), Loss(), step, storage=None, outstream=None)
    add = database.minimum_adder()

    def keep(energy, coords):
        visited.add(round(float(coords[0])))
        add(energy, coords)

    search.storage = keep
    search.run(100)
    return sorted(visited), [(m.energy, float(m.coords[0])) for m in database.minima()]


print("pele", version("pele"))
visited, default = stored(Database())
print(f"  minima visited near x = {visited}")
print(f"  accuracy {Database().accuracy} (default): {len(default)} stored, {default}")
_, fine = stored(Database(accuracy=1e-9))
print(f"  accuracy 1e-9: {len(fine)} stored, {fine}")
higher_only = len(default) == 1 and default[0][1] > 0
raise SystemExit(0 if visited == [-1, 1] and higher_only and len(fine) == 2 else 1)
PYTHON
