#!/bin/sh
# inspyred: the estimation of distribution algorithm draws with the variance of the selected points as its deviation.
#
# Expected: `EDA` "creates a statistical model based on the set of candidates. The offspring are then generated from this model": normal numbers of
# the mean and the deviation of the better half. What it finds does not hang on the unit of a weight.
# Seen: `random.gauss` is given the mean of squares without its root. Deviations above 1 are squared in each generation, until
# nothing but the bounds holds the points; below 1 they collapse. In a bowl with starts in -10 to 10 the points of generation 20 have deviation
# 9.9, all but a few on the bounds, and the best of them is worse than the best start; in a hundredth of the unit they are one point, where the
# starts happened to be.
# Versions: inspyred 1.0.3, Python 3.11.
# Cost: whether the algorithm searches, diverges or freezes hangs on the scale of the weights alone. Search in units in which the better half of the
# starts has a deviation a little below 1, or write the variator anew.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check inspyred==1.0.3
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import random
import statistics
from importlib.metadata import version

import inspyred

WEIGHTS, POINTS, GENERATIONS = 5, 100, 20


def search(unit, seed):
    """Return the deviation of the last points, and the least of the starts and of the last, in the unit of the bowl's radius."""
    bottom = 3 * unit
    seen = []

    def evaluate(candidates, args):
        seen.append([[x / unit for x in point] for point in candidates])
        return [sum((x - bottom) ** 2 for x in point) for point in candidates]

    algorithm = inspyred.ec.EDA(random.Random(seed))
    algorithm.terminator = inspyred.ec.terminators.generation_termination
    algorithm.evolve(generator=lambda random, args: [random.uniform(-10 * unit, 10 * unit) for _ in range(WEIGHTS)], evaluator=evaluate,
                     pop_size=POINTS, bounder=inspyred.ec.Bounder(-10 * unit, 10 * unit), maximize=False, max_generations=GENERATIONS)
    least = [min(sum((x - 3) ** 2 for x in point) for point in points) for points in (seen[0], seen[-1])]
    return statistics.pstdev(point[0] for point in seen[-1]), *least


def plain(seed):
    """Return the same of the algorithm with deviations, which are alike in every unit."""
    source = random.Random(seed)
    points = [[source.uniform(-10, 10) for _ in range(WEIGHTS)] for _ in range(POINTS)]
    for _ in range(GENERATIONS):
        better = sorted(points, key=lambda point: sum((x - 3) ** 2 for x in point))[: POINTS // 2]
        model = [(statistics.mean(column), statistics.stdev(column)) for column in zip(*better)]
        points = [[min(10, max(-10, source.gauss(*each))) for each in model] for _ in range(POINTS)]
    return statistics.pstdev(point[0] for point in points), min(sum((x - 3) ** 2 for x in point) for point in points)


print("inspyred", version("inspyred"))
seeds = range(5)
deviation, least = (statistics.median(column) for column in zip(*map(plain, seeds)))
print(f"  with deviations, any unit: after {GENERATIONS} generations deviation {deviation:.2g}, least {least:.2g}")
found = {}
for unit in (1, 0.1, 0.01):
    deviation, first, last = found[unit] = [statistics.median(column) for column in zip(*(search(unit, seed) for seed in seeds))]
    print(f"  inspyred, unit {unit}: deviation {deviation:.2g}, least {last:.2g}, of the starts {first:.2g}")
wide, narrow = found[1], found[0.01]
raise SystemExit(0 if wide[0] > 8 and wide[2] > wide[1] and narrow[0] < 1e-9 and narrow[2] > 1 and least < 0.1 else 1)
PYTHON
