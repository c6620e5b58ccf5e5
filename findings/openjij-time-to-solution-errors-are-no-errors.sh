#!/bin/sh
# OpenJij: the errors that `solver_benchmark` gives of success probabilities, times to solution and energies are not their errors.
#
# Expected: `se_success_prob` is the standard error of a share, sqrt(p (1 - p) / n), whether success is told by the state or by the energy;
# `se_residual_energy` that of a mean, and the time to solution at p = 1 the time of one run.
# Seen: told by the energy (`measure_with_energy=True`) the error of 30 successes in 100 reads is 0.5505 and not 0.0458; told by the state it is
# right. So the probability less its error is negative and the upper error of the time to solution a number that means nothing: for 30 of 100 it is two
# and a half times the time itself, where the right error makes it 0.22 of it; the lower one is 0.81 and not 0.16 of it. The error of the residual energy is the deviation
# of a single read, ten times too large for 100. Where all reads succeed the time to solution is 0, the best there can be, at any length of a run.
# Versions: openjij 0.12.2, dimod 0.12.23, numpy 2.4.6, Python 3.11.
# Cost: of curves of time to solution the error bars hide every difference, or end in nonsense, and the longest, slowest run is the best one. Take
# an interval of the share, and log(1 - p_r) / log(1 - p) of its two ends, with at least one run.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check openjij==0.12.2 dimod==0.12.23 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from math import log, sqrt

import numpy as np
import openjij

READS, RUN_US, GOAL = 100, 50.0, 0.99
GROUND = [1, 1, 1, 1]


def solver(successes):
    """Reads of a chain of four spins, of which some are in the ground state."""
    states = np.array([GROUND if read < successes else [1, 1, -1, 1] for read in range(READS)])
    energies = -(states[:, 1:] * states[:, :-1]).sum(axis=1).astype(float)
    return openjij.Response.from_samples(states, vartype="SPIN", energy=energies, info={"execution_time": RUN_US})


def time_to_solution(share):
    return RUN_US * log(1 - GOAL) / log(1 - share)


print(" ".join(f"{name} {version(name)}" for name in ("openjij", "dimod", "numpy")))
seen = []
for successes in (10, 30, 100):
    energy, state = (openjij.solver_benchmark(solver, [successes], p_r=GOAL, **told) for told in (
        {"measure_with_energy": True, "ref_energy": -3.0}, {"solutions": [GROUND]}))
    share = successes / READS
    error = sqrt(share * (1 - share) / READS)
    reads = solver(successes).record.energy
    print(f"  {successes} of {READS}: error of the share {energy['se_success_prob'][0]:.4f} by the energy, {state['se_success_prob'][0]:.4f} by the state, by hand {error:.4f}; "
          f"of the energy {energy['se_residual_energy'][0]:.4f}, by hand {reads.std(ddof=1) / sqrt(READS):.4f}")
    if successes < READS:
        right = time_to_solution(share)
        print(f"    time to solution {energy['tts'][0]:.1f} us; its lower and upper error {energy['se_lower_tts'][0]:.1f} and {energy['se_upper_tts'][0]:.1f}, "
              f"by hand {right - time_to_solution(share + error):.1f} and {time_to_solution(share - error) - right:.1f}")
        seen.append(abs(energy["tts"][0] - right) < 1e-6 and energy["se_success_prob"][0] > 8 * error and abs(state["se_success_prob"][0] - error) < 1e-9)
        seen.append(abs(energy["se_residual_energy"][0] - reads.std(ddof=1)) < 1e-9)
    else:
        print(f"    time to solution {energy['tts'][0]:.1f} us of runs of {RUN_US:.0f} us")
        seen.append(energy["tts"][0] == 0)
raise SystemExit(0 if all(seen) else 1)
PYTHON
