#!/bin/sh
# OpenJij: with a seed all reads of simulated annealing are one and the same read.
#
# Expected: `num_reads=50, seed=1`, "seed for Monte Carlo algorithm", gives fifty reads, the same fifty whenever it is asked, as D-Wave's samplers do.
# Seen: each read begins with that seed again, its start and its moves: fifty times one state, each counted as an occurrence of its own, by `SASampler` and
# `SQASampler`; without a seed they differ. So of a problem that is solved from a third of the seeds the share of one call is 0 or 1, by the seed;
# D-Wave's sampler has a share between for every seed.
# Versions: openjij 0.12.2, dwave-samplers 1.8.0, dimod 0.12.23, numpy 2.4.6, Python 3.11.
# Cost: a success probability from a run that can be repeated is 0 or 1, and a time to solution one read or infinite; the interval for fifty reads is
# one for one. Call it with `num_reads=1` for each of fifty seeds.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check openjij==0.12.2 dwave-samplers==1.8.0 dimod==0.12.23 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from itertools import product

import numpy as np
import openjij
from dwave.samplers import SimulatedAnnealingSampler

SPINS, READS, SEEDS = 16, 50, range(1, 13)
generator = np.random.default_rng(3)
couplings = {(i, j): float(generator.normal()) for i in range(SPINS) for j in range(i)}
fields = {i: float(generator.normal()) for i in range(SPINS)}
upper = np.zeros((SPINS, SPINS))
for (i, j), value in couplings.items():
    upper[i, j] = value
every = np.array(list(product((-1, 1), repeat=SPINS)), dtype=float)
lowest = (((every @ upper) * every).sum(axis=1) + every @ np.array([fields[i] for i in range(SPINS)])).min()


def sample(sampler, sweeps, **options):
    """How many states the reads have, and the share of them at the lowest energy of all 65,536 states."""
    reads = sampler.sample_ising(fields, couplings, num_reads=READS, num_sweeps=sweeps, **options).record
    assert reads.num_occurrences.sum() == READS
    return len({tuple(state) for state in reads.sample}), float((reads.energy < lowest + 1e-6).mean())


print(" ".join(f"{name} {version(name)}" for name in ("openjij", "dwave-samplers", "numpy")))
seen = {}
for name, sampler, sweeps in (("SASampler", openjij.SASampler(), 200), ("SQASampler", openjij.SQASampler(), 5), ("D-Wave", SimulatedAnnealingSampler(), 5)):
    states, shares = zip(*(sample(sampler, sweeps, seed=seed) for seed in SEEDS))
    seen[name] = states, shares
    print(f"  {name}: with a seed {min(states)} to {max(states)} states in {READS} reads; share solved by seed {' '.join(f'{share:.2f}' for share in shares)}")
again = sample(openjij.SASampler(), 200, seed=1) == sample(openjij.SASampler(), 200, seed=1)
free = sample(openjij.SASampler(), 5)[0] > 1
print(f"  SASampler: the same again with the seed: {again}; more than one state without a seed: {free}")
ok = all(set(seen[name][0]) == {1} and set(seen[name][1]) == {0.0, 1.0} for name in ("SASampler", "SQASampler"))
raise SystemExit(0 if ok and again and free and min(seen["D-Wave"][0]) > 1 and 0 < min(seen["D-Wave"][1]) and max(seen["D-Wave"][1]) < 1 else 1)
PYTHON
