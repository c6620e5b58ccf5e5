#!/bin/sh
# laplace-torch: the empirical Fisher matrix of a regression is 2 sigma^2 times what it should be, and with it the posterior.
#
# Expected: `CurvlinopsEF` and `BackPackEF` sum the outer products of the gradients of each case's log-likelihood, which is normal with
# deviation `sigma_noise`: the residual squared over sigma^4, times the outer product of the output's gradient.
# Seen: half the outer product of the squared error's gradients, over sigma^2: twice the matrix at sigma 1, where the predictive variance
# of a net 2-2-1 is 0.21 instead of 0.36, half of it at 0.5, where it is 0.067 instead of 0.036, and right at 0.71 alone. The
# generalised Gauss-Newton matrix, its variance and its evidence are right to the last bits.
# Versions: laplace-torch 0.3, curvlinops-for-pytorch 3.0.1, backpack-for-pytorch 1.7.1, torch 2.13.0, numpy 2.4.6, Python 3.11.
# Cost: error bars of small nets are too narrow or too wide, by a factor that hangs on the noise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check torch==2.13.0 numpy==2.4.6 laplace-torch==0.3 \
    curvlinops-for-pytorch==3.0.1 backpack-for-pytorch==1.7.1
"$folder/env/bin/pip" uninstall -q -y torchvision  # required, but not used: builds of it and of torch may not fit
OMP_NUM_THREADS=1 "$folder/env/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from laplace import Laplace
from laplace import curvature
from torch.func import functional_call, jacrev
from torch.utils.data import DataLoader, TensorDataset

torch.set_default_dtype(torch.float64)
x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
xor = torch.tensor([[0.0], [1], [1], [0]])
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
weights = dict(net.named_parameters())
parts = jacrev(lambda w: functional_call(net, w, (x,)).ravel())(weights)
jacobian = torch.cat([part.reshape(4, -1) for part in parts.values()], 1).detach()
residual = (net(x) - xor).ravel().detach()


def exact(name, sigma):
    """Return the matrix, and the predictive variance at the four cases with a prior precision of 1."""
    rows = jacobian / sigma if name.endswith("GGN") else jacobian * residual[:, None] / sigma**2
    matrix = rows.T @ rows
    return matrix, (jacobian @ torch.linalg.inv(matrix + torch.eye(9)) * jacobian).sum(1)


print(" ".join(f"{name} {version(name)}" for name in ("laplace-torch", "torch", "curvlinops-for-pytorch", "backpack-for-pytorch")))
right = True
for name in ("CurvlinopsGGN", "BackPackGGN", "CurvlinopsEF", "BackPackEF"):
    for sigma in (1.0, 0.5**0.5, 0.5):
        found = Laplace(net, "regression", subset_of_weights="all", hessian_structure="full", sigma_noise=sigma,
                        backend=getattr(curvature, name))
        found.fit(DataLoader(TensorDataset(x, xor), batch_size=4))
        matrix, variance = exact(name, sigma)
        ratio = (found.posterior_precision - torch.eye(9)).diag() / matrix.diag()
        seen = found(x)[1].ravel()
        print(f"  {name}, sigma {sigma:.2f}: matrix {ratio.min():.6f} to {ratio.max():.6f} times the exact one; "
              f"variance at (0, 1) {seen[1]:.4f}, exactly {variance[1]:.4f}")
        wanted = 1.0 if name.endswith("GGN") else 2 * sigma**2
        right &= bool(torch.allclose(ratio, torch.full((9,), wanted)) and (torch.allclose(seen, variance) == (abs(wanted - 1) < 1e-9)))
raise SystemExit(0 if right else 1)
PYTHON
