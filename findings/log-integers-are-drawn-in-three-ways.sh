#!/bin/sh
# Optuna, ConfigSpace, scikit-optimize: of an integer from 1 to 4 on a logarithmic scale, random search draws 1 in a half, two fifths or three tenths of the trials.
#
# Expected: one distribution by that name, falling from 1 on: layers, units, batch sizes and patience are searched with it everywhere. The manuals
# say "uniform in the log domain", not how integers share a continuous scale.
# Seen: Optuna takes the logarithm to be uniform from 0.5 to 4.5 and rounds (1 in log 3 / log 9, a half), scikit-optimize from 1 to 4 and rounds (1 in
# log 1.5 / log 4, 0.29, less often than 2, and 4 in 0.10); ConfigSpace lies between (0.41). From 1 to 100 it is 0.21, 0.16 and 0.09 for 1.
# Versions: optuna 5.0.0, ConfigSpace 1.2.2, scikit-optimize 0.10.2, numpy 2.4.6, Python 3.11.
# Cost: shares of successes and importances over a random search, and comparisons of samplers across libraries, are of different spaces,
# most so for small integers. Where shares matter, list the values as equally likely choices.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check optuna==5.0.0 ConfigSpace==1.2.2 scikit-optimize==0.10.2 numpy==2.4.6
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import ConfigSpace
import numpy as np
import optuna
import skopt.space

TRIALS = 20_000
optuna.logging.set_verbosity(optuna.logging.ERROR)


def by_optuna(low, high):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    distribution = {"n": optuna.distributions.IntDistribution(low, high, log=True)}
    return [study.ask(distribution).params["n"] for _ in range(TRIALS // 5)]


def by_configspace(low, high):
    space = ConfigSpace.ConfigurationSpace(seed=0)
    space.add(ConfigSpace.UniformIntegerHyperparameter("n", low, high, log=True))
    return [point["n"] for point in space.sample_configuration(TRIALS)]


def by_skopt(low, high):
    return skopt.space.Integer(low, high, prior="log-uniform").rvs(n_samples=TRIALS, random_state=0)


print(" ".join(f"{name} {version(name)}" for name in ("optuna", "ConfigSpace", "scikit-optimize", "numpy")))
ones = {}
for low, high in ((1, 4), (1, 100)):
    for name, draw in (("optuna", by_optuna), ("ConfigSpace", by_configspace), ("scikit-optimize", by_skopt)):
        values = np.array(draw(low, high), dtype=int)
        ones[high, name] = np.mean(values == 1)
        print(f"  {low} to {high}, {name}: 1 in {ones[high, name]:.3f} of {len(values)} trials, 2 in {np.mean(values == 2):.3f}, {high} in {np.mean(values == high):.3f}")
wanted = {(4, "optuna"): 0.5, (4, "ConfigSpace"): 0.41, (4, "scikit-optimize"): 0.29, (100, "optuna"): 0.21, (100, "ConfigSpace"): 0.16, (100, "scikit-optimize"): 0.09}
raise SystemExit(0 if all(abs(ones[key] - share) < 0.025 for key, share in wanted.items()) else 1)
PYTHON
