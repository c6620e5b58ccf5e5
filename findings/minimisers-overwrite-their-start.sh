#!/bin/sh
# fmin (npm), noisyopt: the array that a search is to start at is overwritten, so that the next search from it starts where the first one was.
#
# Expected: searches of several settings from the same array of starts have the same starts, as with SciPy.
# Seen: fmin's Nelder-Mead puts the array into its simplex, whose points move in place, and returns that very array when it has become the best;
# `minimizeSPSA` of noisyopt subtracts its steps from it, and `minimizeCompass` with bounds moves a start outside them. fmin's `conjugateGradient`
# leaves it alone. Nothing in either documentation says so.
# Versions: fmin 0.0.4, Node.js 20.20.2; noisyopt 0.2.3, scipy 1.17.1, numpy 2.4.6, Python 3.11.
# Cost: settings compared on "the same hundred starts" are stages of one long search: on Rosenbrock's function the second of two equal searches
# needs a third of the evaluations. The starts that are saved afterwards are not those of the searches. Hand over copies.
# Needs: node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund fmin@0.0.4 >/dev/null
cat > starts.cjs <<'JS'
const fs = require("fs");
require("vm").runInThisContext(fs.readFileSync("node_modules/fmin/build/fmin.js", "utf8"));  // as a page's script tag does
let calls = 0;
const loss = (w) => { calls += 1; return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2; };
const gradient = (w, into) => {
  into = into || [0, 0];
  into[0] = 2 * (w[0] - 1) - 400 * w[0] * (w[1] - w[0] ** 2);
  into[1] = 200 * (w[1] - w[0] ** 2);
  return loss(w);
};
const seen = [];
for (const [name, f] of [["nelderMead", loss], ["conjugateGradient", gradient]]) {
  const start = [-1.2, 1];
  const counts = [0, 1].map(() => { calls = 0; fmin[name](f, start); return calls; });
  console.log(`  fmin ${JSON.parse(fs.readFileSync("node_modules/fmin/package.json")).version} ${name}: two searches from [-1.2, 1] make ${counts.join(" and ")} evaluations; the start is then [${start}]`);
  seen.push(start[0] !== -1.2, counts[1] < counts[0] / 2);
}
process.exit(seen.join() === "true,true,false,false" ? 0 : 1);
JS
node starts.cjs || { echo "  fmin does not, or could not be asked"; exit 1; }
"${PYTHON:-python3}" -m venv env
env/bin/pip install -q --disable-pip-version-check noisyopt==0.2.3 scipy==1.17.1 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import scipy.optimize
from noisyopt import minimizeCompass, minimizeSPSA


def bowl(w):
    return float(((w - 1) ** 2).sum())


print("  noisyopt", version("noisyopt"), "scipy", version("scipy"))
inside = [(-2, 2)] * 2
moved = {}
for name, search in (
    ("minimizeSPSA", lambda start: minimizeSPSA(bowl, start, paired=False, niter=50, a=0.05, c=0.1)),
    ("minimizeCompass with bounds", lambda start: minimizeCompass(bowl, start, bounds=inside, paired=False, errorcontrol=False)),
    ("scipy.optimize.minimize", lambda start: scipy.optimize.minimize(bowl, start, method="Nelder-Mead")),
    ("scipy.optimize.minimize with bounds", lambda start: scipy.optimize.minimize(bowl, start, method="Nelder-Mead", bounds=inside)),
):
    np.random.seed(0)
    start = np.array([3.0, -3.0])
    found = search(start)
    moved[name] = bool((start != [3, -3]).any())
    print(f"  {name}: the start [3, -3] is then {np.round(start, 4).tolist()}, the end {np.round(found.x, 4).tolist()}")
raise SystemExit(0 if list(moved.values()) == [True, True, False, False] else 1)
PYTHON
