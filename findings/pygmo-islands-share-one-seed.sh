#!/bin/sh
# pygmo: all islands of an archipelago draw the same random numbers.
#
# Expected: an archipelago is many searches side by side. Its `seed` gives each island's population a seed of its own, so each
# island's algorithm has one, too.
# Seen: the algorithm is copied with its generator, whether its seed was given or not: one seed for all islands, which mutate and
# sample by the same numbers in step. Built from a population (`pop=...`), a hundred islands end at one point. Built from
# a problem they start apart, but the share that finds the minimum varies more than independent ones do: for xNES on Ackley's
# function, 50 islands, it varies by seven times the binomial variance. (On Rastrigin's, hardly.)
# Islands pushed back one by one, each with an algorithm of its own, are independent.
# Versions: pygmo 2.20.0, numpy 2.4.6, Python 3.11.
# Cost: an archipelago is the natural way to make many restarts, and its spread is taken for that of chance: intervals of
# the share of solved islands are too short by half and more.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check pygmo==2.20.0 numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np
import pygmo as pg

ISLANDS, REPEATS = 50, 40
PROBLEM = pg.problem(pg.ackley(2))


def copied(seed):
    return pg.archipelago(n=ISLANDS, algo=pg.xnes(gen=100, seed=seed), prob=PROBLEM, pop_size=7, seed=seed)


def own(seed):
    archipelago = pg.archipelago()
    for number in range(ISLANDS):
        child = seed * ISLANDS + number
        archipelago.push_back(algo=pg.xnes(gen=100, seed=child), pop=pg.population(PROBLEM, 7, seed=child))
    return archipelago


def seeds(archipelago):
    algorithms = {island.get_algorithm().extract(pg.xnes).get_seed() for island in archipelago}
    return len(algorithms), len({island.get_population().get_seed() for island in archipelago})


def ends(archipelago):
    archipelago.evolve()
    archipelago.wait_check()
    return np.array(archipelago.get_champions_f())[:, 0]


print("pygmo", pg.__version__)
unseeded = pg.archipelago(n=ISLANDS, algo=pg.xnes(gen=100), prob=PROBLEM, pop_size=7)
kinds = {"seed given": copied(1), "no seed given": unseeded, "pushed back": own(1)}
counts = {name: seeds(archipelago) for name, archipelago in kinds.items()}
for name, (algorithms, populations) in counts.items():
    print(f"  {name}: {ISLANDS} islands, {algorithms} seeds of algorithms, {populations} of populations")
population = pg.population(pg.rastrigin(2), 10, seed=1)
one = len(set(ends(pg.archipelago(n=100, algo=pg.cmaes(gen=50), pop=population))))
print("  100 islands of one population and cmaes:", one, "different result")
ratios = {}
for build in (copied, own):
    shares = np.array([np.mean(ends(build(seed)) < 1e-3) for seed in range(1, REPEATS + 1)])
    binomial = shares.mean() * (1 - shares.mean()) / ISLANDS
    ratios[build] = shares.var(ddof=1) / binomial
    print(f"  {build.__name__}: share solved {shares.mean():.3f}, of {REPEATS} archipelagos {shares.min():.2f} to "
          f"{shares.max():.2f}, {ratios[build]:.1f} times the binomial variance")
alike = counts == {"seed given": (1, ISLANDS), "no seed given": (1, ISLANDS), "pushed back": (ISLANDS, ISLANDS)}
raise SystemExit(0 if alike and one == 1 and ratios[copied] > 3 > 2 > ratios[own] else 1)
PYTHON
