#!/bin/sh
# scikit-learn: the penalty of `MLPRegressor` and `MLPClassifier` grows with the number of batches.
#
# Expected: whatever the solver, the loss is "1/2n sum |y - f(x)|^2 + alpha/2n |W|^2", n the number of samples (user guide), so
# that `sgd` in batches ends where `lbfgs` does, but for noise.
# Seen: the gradient of a batch of b samples has alpha/b, not alpha/n: the penalty is n/b times the one named. Of a line of slope 2 with alpha = 20
# and 200 samples `lbfgs` has slope 1.892, `sgd` in one batch 1.894, in ten 0.918, which is where `lbfgs` comes to with alpha = 200.
# Versions: scikit-learn 1.9.1, numpy 2.4.6, Python 3.11.
# Cost: `alpha` found with one batch size or data size is another one for the next; by default batches have 200 samples, so of 20,000
# the penalty is a hundred times what the formula says, and what `lbfgs` applies. Divide `alpha` by the number of batches.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check scikit-learn==1.9.1 numpy==2.4.6
cat > "$folder/slope.py" <<'PYTHON'
import numpy as np
import sklearn
from sklearn.neural_network import MLPRegressor

SAMPLES = 200
x = np.random.default_rng(0).standard_normal((SAMPLES, 1))


def slope(solver, alpha, batch=SAMPLES):
    """Return the product of the two weights of one identity unit, trained on y = 2 x."""
    net = MLPRegressor(hidden_layer_sizes=(1,), activation="identity", solver=solver, alpha=alpha, batch_size=batch, tol=0,
                       max_iter=2000, n_iter_no_change=10**6, learning_rate_init=0.003, momentum=0.0, random_state=1)
    net.fit(x, 2 * x[:, 0])
    return (net.coefs_[0] @ net.coefs_[1]).item()


print("scikit-learn", sklearn.__version__)
found = {}
for solver, alpha, batch in [("lbfgs", 20, SAMPLES), ("sgd", 20, SAMPLES), ("sgd", 20, 20), ("lbfgs", 200, SAMPLES), ("sgd", 2, 20)]:
    found[solver, alpha, batch] = slope(solver, alpha, batch)
    print(f"  {solver}, alpha {alpha}, batches of {batch}: slope {found[solver, alpha, batch]:.3f}")
named, tenfold = found["lbfgs", 20, SAMPLES], found["lbfgs", 200, SAMPLES]
whole = abs(found["sgd", 20, SAMPLES] - named) < 0.01
tenth = abs(found["sgd", 2, 20] - named) < 0.02
raise SystemExit(0 if whole and tenth and abs(found["sgd", 20, 20] - tenfold) < 0.05 < named - tenfold else 1)
PYTHON
OPENBLAS_NUM_THREADS=1 "$folder/env/bin/python" -W ignore "$folder/slope.py"
