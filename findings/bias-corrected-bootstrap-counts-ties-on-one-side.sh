#!/bin/sh
# R's boot, arch: the bias-corrected bootstrap interval of a share lies too low, as if 10 of 20 were not in the middle.
#
# Expected: the interval of 10 solved restarts of 20 is the same, mirrored, for the 10 unsolved ones, and BCa, which corrects
# bias and skewness, covers as often as the percentile interval, which it is to improve.
# Seen: the correction counts the bootstrap shares that are below the observed one, and no part of those that equal it, of which a
# share of 20 has 18%. `boot.ci(type = "bca")` and arch's `bc` and `bca` give 0.25 to 0.65. A true share of one half lies
# above the 95% interval in 5.8% of all samples and below it in 0.1%, for the 2.5% each that it should be at most. SciPy's
# BCa counts half of the ties: 0.30 to 0.70, and at most 2.1% on either side.
# Versions: boot 1.3-28.1 of R 4.2.2, arch 8.0.0, scipy 1.17.1, numpy 2.4.6, Python 3.11.
# Cost: shares of solved restarts, accuracies and win rates on few cases look worse than they are, and failure rates better: the
# interval of the failures is not that of the successes. Differences of two shares are off in the same way.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check arch==8.0.0 scipy==1.17.1 numpy==2.4.6
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root r-cran-boot=1.3-28.1-1 >/dev/null
dpkg -x r-cran-boot_*.deb unpacked
cat > share.R <<'R'
library(boot)
set.seed(1)
found <- boot(rep(1:0, each = 10), function(x, i) mean(x[i]), 20000)
cat(boot.ci(found, type = "bca")$bca[4:5], "\n")
R
R_LIBS="$(echo "$folder"/unpacked/usr/lib/R/*library*)" Rscript share.R > boot.txt
"$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import numpy as np
from arch.bootstrap import IIDBootstrap
from scipy import stats

RESTARTS, DRAWS = 20, 5000


def sample(solved):
    return np.repeat([1.0, 0.0], [solved, RESTARTS - solved])


def arch(solved, method):
    if solved in (0, RESTARTS):  # one value: the interval is that value
        return np.array([solved, solved]) / RESTARTS
    return IIDBootstrap(sample(solved), seed=1).conf_int(np.mean, reps=DRAWS, method=method).ravel()


def scipy(solved, method):
    if solved in (0, RESTARTS):
        return np.array([solved, solved]) / RESTARTS
    found = stats.bootstrap((sample(solved),), np.mean, method=method, n_resamples=DRAWS, rng=1)
    return np.array(found.confidence_interval)


def misses(how, method, share):
    """Return how often the true share lies above and below the interval."""
    chances = stats.binom.pmf(range(RESTARTS + 1), RESTARTS, share)
    low, high = np.array([how(solved, method) for solved in range(RESTARTS + 1)]).T
    return chances[high < share - 1e-9].sum(), chances[low > share + 1e-9].sum()


boot = np.array(Path("boot.txt").read_text().split(), float)
print("arch", version("arch"), "scipy", version("scipy"))
print("  10 of 20 solved: boot bca", boot)
middle = {}
for how, method in ((arch, "percentile"), (arch, "bc"), (arch, "bca"), (scipy, "BCa")):
    middle[how, method] = how(10, method)
    print(f"  10 of 20 solved: {how.__name__} {method}", np.round(middle[how, method], 3))
missed = {}
for how, method in middle:
    missed[method] = above, below = misses(how, method, 0.5)
    print(f"  {how.__name__} {method}: a true share of one half lies above in {above:.1%}, below in {below:.1%}")
lower = [round(pair.sum(), 2) for pair in (boot, middle[arch, "bc"], middle[arch, "bca"])]
mirrored = [round(middle[key].sum(), 2) for key in ((arch, "percentile"), (scipy, "BCa"))]
aside = missed["bca"][0] > 0.05 and missed["bca"][1] < 0.01 and max(missed["BCa"]) < 0.025
raise SystemExit(0 if max(lower) < 0.96 and mirrored == [1, 1] and aside else 1)
PYTHON
