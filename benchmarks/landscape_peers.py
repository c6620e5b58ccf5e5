"""What pele and TopSearch find of a regularised loss surface in some CPU seconds.

    python landscape_peers.py pele|topsearch TABLE.csv HIDDEN L2 SECONDS OUT.npz

For an environment of its own, with the versions that `landscape.py` names; it does not import the
runner. The potential is plain NumPy, one point per call, as both libraries want it. From random
points of mixed scale, the same for both, minimisations and single-ended searches for transition
states take turns. ``OUT.npz`` has every point where the gradient is at most 1e-5 long, and the CPU
seconds at which each was found.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

TABLE = np.loadtxt(sys.argv[2], delimiter=",", skiprows=1)
HIDDEN, L2 = int(sys.argv[3]), float(sys.argv[4])
X, T = TABLE[:, :-1], TABLE[:, -1]
INPUTS = X.shape[1]
REACH = 15.0  # bounds that TopSearch asks for
STEPS = 5000  # of a minimisation: TopSearch's 200 end before any that has thousands to go


def energy_gradient(w: np.ndarray) -> tuple[float, np.ndarray]:
    """Loss and gradient: W1 (h, n), b1 (h,), W2 (h,), b2; tanh, linear, squares, L2."""
    inner, first, outer = np.split(w[:-1], [HIDDEN * INPUTS, HIDDEN * (INPUTS + 1)])
    hidden = np.tanh(X @ inner.reshape(HIDDEN, INPUTS).T + first)
    error = hidden @ outer + w[-1] - T
    back = 2 * error[:, None] * outer * (1 - hidden**2)
    own = [(back.T @ X).ravel(), back.sum(axis=0), 2 * error @ hidden, [2 * error.sum()]]
    return float(error @ error + L2 * (w @ w)), np.concatenate(own) + 2 * L2 * w


def pele_searches(size: int) -> tuple[Callable, Callable]:
    from pele.optimize import lbfgs_cpp
    from pele.potentials import BasePotential
    from pele.transition_states import findTransitionState

    class Xor(BasePotential):
        def getEnergy(self, coords):
            return energy_gradient(coords)[0]

        def getEnergyGradient(self, coords):
            return energy_gradient(coords)

    potential = Xor()

    def transition_state(start):
        found = findTransitionState(
            start, potential, orthogZeroEigs=None, tol=1e-6, nsteps=200, verbosity=0
        )
        return found.coords

    return lambda start: lbfgs_cpp(start, potential, tol=1e-9).coords, transition_state


def topsearch_searches(size: int) -> tuple[Callable, Callable]:
    from topsearch.data.coordinates import StandardCoordinates
    from topsearch.minimisation import lbfgs
    from topsearch.potentials.potential import Potential
    from topsearch.transition_states.hybrid_eigenvector_following import (
        HybridEigenvectorFollowing,
    )

    class Xor(Potential):
        def function(self, position):
            return energy_gradient(position)[0]

        def gradient(self, position, displacement=1e-6):
            return energy_gradient(position)[1]

        def function_gradient(self, position):
            return energy_gradient(position)

    potential = Xor()
    bounds = [(-REACH, REACH)] * size
    # with a looser minimisation in the subspace hardly a search converges
    search = HybridEigenvectorFollowing(
        potential,
        ts_conv_crit=1e-5,
        ts_steps=100,
        pushoff=0.1,
        steepest_descent_conv_crit=1e-9,
        max_uphill_step_size=0.3,
    )

    def minimum(start):
        return lbfgs.minimise(
            potential.function_gradient, start, bounds, conv_crit=1e-9, n_steps=STEPS
        )[0]

    def transition_state(start):
        coords = StandardCoordinates(size, bounds)
        coords.position = start.copy()
        return search.run(coords)[0]

    return minimum, transition_state


def main() -> None:
    library, seconds, out = sys.argv[1], float(sys.argv[5]), sys.argv[6]
    size = HIDDEN * (INPUTS + 2) + 1
    searches = {"pele": pele_searches, "topsearch": topsearch_searches}[library](size)
    rng, points, times, made = np.random.default_rng(0), [], [], 0
    began = time.process_time()
    while time.process_time() - began < seconds:
        start = np.clip(rng.normal(size=size) * 10 ** rng.uniform(-1, 1), -REACH, REACH)
        try:
            with redirect_stdout(io.StringIO()):
                found = searches[made % 2](start)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            found = None  # a search that a library gives up with an error is one without a result
        made += 1
        if found is not None and np.linalg.norm(energy_gradient(found)[1]) <= 1e-5:
            points.append(np.array(found))
            times.append(time.process_time() - began)
    np.savez(out, points=np.array(points).reshape(-1, size), times=times, searches=made)


if __name__ == "__main__":
    main()
