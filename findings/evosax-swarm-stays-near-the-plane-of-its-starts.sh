#!/bin/sh
# evosax: its particle swarm draws one random number for all weights of a particle, and is stuck in a bowl of 33 weights.
#
# Expected: each weight of a particle has random numbers of its own, as in pyswarms, and a bowl, the square of the distance from a point, is
# followed to its bottom.
# Seen: both random factors are shared by all weights, so that every move is a combination of differences between points already seen: but for
# rounding, the swarm stays in the plane through its starts, and goes along few of its directions. With the same coefficients, 33 weights
# and 2,000 generations, 64 particles end at 1.7 and 8 at 9, where NumPy's with numbers for each weight end below 0.01, and those
# with shared ones where evosax does. Nine weights and 8 particles end at 0.5; with two weights there is no difference.
# Versions: evosax 0.3.2, jax 0.10.2, numpy 2.4.6, Python 3.11.
# Cost: for networks of more than a handful of weights the swarm looks hopeless beside any other algorithm; more generations do not help.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check evosax==0.3.2 jax==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
from evosax.algorithms import PSO

GENERATIONS = 2000
BOTTOM = 0.5


def evosax(particles, weights, seed):
    """Return the least value that evosax finds, and its coefficients."""

    def bowl(points):
        return jnp.sum((points - BOTTOM) ** 2, -1)

    key, start = jax.random.split(jax.random.key(seed))
    points = jax.random.normal(start, (particles, weights))
    swarm = PSO(population_size=particles, solution=jnp.zeros(weights))
    params = swarm.default_params
    state = swarm.init(key, points, bowl(points), params)

    def generation(state, key):
        ask, tell = jax.random.split(key)
        points, state = swarm.ask(ask, state, params)
        return swarm.tell(tell, points, bowl(points), state, params)[0], None

    state, _ = jax.lax.scan(generation, state, jax.random.split(key, GENERATIONS))
    return float(state.best_fitness), (params.inertia_coeff, params.cognitive_coeff, params.social_coeff)


def plain(particles, weights, seed, coefficients, own):
    """Return the least value of a swarm in NumPy, with random numbers for each weight or shared by those of a particle."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(particles, weights))
    speed, best = np.zeros_like(points), points.copy()
    least = ((points - BOTTOM) ** 2).sum(1)
    inertia, cognitive, social = coefficients
    shape = (particles, weights if own else 1)
    for _ in range(GENERATIONS):
        speed = inertia * speed + cognitive * random.random(shape) * (best - points) + social * random.random(shape) * (best[least.argmin()] - points)
        points = points + speed
        values = ((points - BOTTOM) ** 2).sum(1)
        better = values <= least
        best[better], least[better] = points[better], values[better]
    return least.min()


print(" ".join(f"{name} {version(name)}" for name in ("evosax", "jax", "numpy")))
seen = []
for weights, particles in ((2, 8), (9, 8), (33, 8), (33, 64)):
    found = [evosax(particles, weights, seed) for seed in range(5)]
    coefficients = found[0][1]
    theirs = np.median([least for least, _ in found])
    shared, own = (np.median([plain(particles, weights, seed, coefficients, flag) for seed in range(5)]) for flag in (False, True))
    print(f"  {weights} weights, {particles} particles: evosax {theirs:.1e}; in NumPy with shared numbers {shared:.1e}, with numbers for each weight {own:.1e}")
    seen.append(theirs < 1e-6 and own < 1e-6 if weights == 2 else theirs > 100 * own and 0.2 < theirs / shared < 5 if weights == 33 else theirs > 0.01 and own < 1e-6)
raise SystemExit(0 if all(seen) else 1)
PYTHON
