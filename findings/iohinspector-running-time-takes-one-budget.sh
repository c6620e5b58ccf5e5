#!/bin/sh
# iohinspector: the expected running time gives every unsolved run the longest one's evaluations.
#
# Expected: ERT is the evaluations of all runs, solved or not, by the number of solved ones (Auger and Hansen 2005): what
# restarting costs until one solves. The logs of `ioh` have each run's evaluations (column `evals`).
# Seen: an unsolved run counts as the largest number of evaluations at which any run in the table, of any algorithm,
# became better. Hill climbers that give up after 300 evaluations have an ERT of 1,463, alone in a table. Beside the
# same climbers with 5,000 it is 22,116, though none of their runs has changed: they, which are 12 times cheaper, look dearer
# (18,404). PAR-10 is made alike. Where no run became better late, that number is also less than the budget. (`eval_max`
# sets the number, but one for all: each budget needs a call of its own.)
# Versions: iohinspector 0.0.8, ioh 0.3.22, polars 2.1.0, numpy 2.4.6, Python 3.11.
# Cost: whether to give up early and start again is what ERT is there to tell, and the answer is turned round. A figure of
# one algorithm changes with the others that are drawn beside it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    iohinspector==0.0.8 ioh==0.3.22 polars==2.1.0 numpy==2.4.6
"$folder/env/bin/python" -W ignore - "$folder/logs" <<'PYTHON'
import sys
from importlib.metadata import version

import ioh
import iohinspector
import numpy as np
from iohinspector.metrics import aggregate_running_time

TARGET, RUNS = 3.0, 200
BUDGETS = {"early": 300, "late": 5000}


def climb(function, budget, rng):
    """Hill climbing from one random start, to the target or until the budget is spent."""
    point = rng.uniform(-5, 5, 2)
    best = function(point) - function.optimum.y
    while best > TARGET and function.state.evaluations < budget:
        moved = point + rng.normal(size=2) * 0.2
        value = function(moved) - function.optimum.y
        if value < best:
            point, best = moved, value


def record(folder):
    """Log all runs, and return each algorithm's ERT by its own counts."""
    found = {}
    for name, budget in BUDGETS.items():
        logger = ioh.logger.Analyzer(root=folder, folder_name=name, algorithm_name=name)
        function = ioh.get_problem("Rastrigin", 1, 2, ioh.ProblemClass.BBOB)
        function.attach_logger(logger)
        evaluations, solved = 0, 0
        for run in range(RUNS):
            climb(function, budget, np.random.default_rng(run))
            evaluations += function.state.evaluations
            solved += function.state.current_best.y - function.optimum.y <= TARGET
            function.reset()
        logger.close()
        found[name] = evaluations / solved
    return found


def ert(data, **options):
    table = aggregate_running_time(data, f_min=TARGET, f_max=100.0, return_as_pandas=False, **options)
    row = table.filter(table["raw_y"] == table["raw_y"].min())
    return dict(zip(row["algorithm_name"], row["ERT"], strict=True))


print("iohinspector", version("iohinspector"))
by_hand = record(sys.argv[1])
manager = iohinspector.DataManager()
manager.add_folder(sys.argv[1])
data = manager.load(True, True)
alone = {name: ert(data.filter(data["algorithm_name"] == name))[name] for name in BUDGETS}
together = ert(data)
for name, budget in BUDGETS.items():
    right = ert(data.filter(data["algorithm_name"] == name), eval_max=budget)[name]
    print(f"  {name}, {budget} evaluations at most: ERT by hand {by_hand[name]:,.0f}, alone {alone[name]:,.0f}, "
          f"with eval_max {right:,.0f}, in one table {together[name]:,.0f}")
better = by_hand["late"] > 10 * by_hand["early"] and np.isclose(alone["early"], by_hand["early"])
turned = together["early"] > 10 * by_hand["early"] and together["early"] > together["late"]
raise SystemExit(0 if better and turned and alone["late"] < by_hand["late"] else 1)
PYTHON
