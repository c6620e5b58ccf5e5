"""Train with PyTorch and scikit-learn themselves, from given starts: what `like` is held to.

    python docs/likes.py starts starts.json                # with the runner
    python docs/likes.py record starts.json recorded.json  # with torch, scikit-learn, numpy

The second command needs an environment of its own (torch 2.13.0, scikit-learn 1.9.1); what it wrote
is tests/experiment/likes.json, and a test trains the same restarts here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

RESTARTS = 4
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
T = np.array([0, 1, 1, 0], float)
CASES = [
    *((s, o) for s in ("pytorch",) for o in ("gradient-descent", "momentum", "nesterov")),
    *(("pytorch", o) for o in ("rmsprop", "adam", "rprop")),
    *(("scikit-learn", o) for o in ("gradient-descent", "momentum", "nesterov", "adam")),
]
RATES = {"gradient-descent": 0.5, "momentum": 0.1, "nesterov": 0.1, "adam": 0.05}
"""Larger than the defaults, with which a hundred steps lead nowhere; others have their defaults."""
MOMENTUM = 0.9


def steps_of(optimizer: str) -> int:
    """A hundred; fewer with rprop, which follows the sign of rounding errors later on."""
    return 30 if optimizer == "rprop" else 100


def experiment(system: str, optimizer: str, dtype: str) -> dict:
    training = {"optimizer": optimizer, "max_steps": steps_of(optimizer), "dtype": dtype}
    if optimizer in RATES:
        training["learning_rate"] = RATES[optimizer]
    if optimizer in ("momentum", "nesterov"):
        training["momentum"] = MOMENTUM
    content = {"name": "like", "like": system, "restarts": RESTARTS, "problem": {"gate": "XOR"}}
    return content | {"training": training}


def starts() -> dict:
    sys.path.insert(0, "")
    from runner.experiment.experiment import load_experiment
    from runner.experiment.plan import Plan

    found = {}
    for system in dict.fromkeys(system for system, _ in CASES):
        (c,) = Plan(load_experiment(experiment(system, "adam", "float64"))).configurations
        found[system] = c.starts(1990).draw(0, RESTARTS).astype(np.float32).T.tolist()
    return found


def torch_loss(optimizer: str, dtype: str, theta: np.ndarray) -> float:
    import torch

    kind = getattr(torch, dtype)
    first, last = torch.nn.Linear(2, 2, dtype=kind), torch.nn.Linear(2, 1, dtype=kind)
    net = torch.nn.Sequential(first, torch.nn.Sigmoid(), last, torch.nn.Sigmoid())
    parts = (theta[:4].reshape(2, 2), theta[4:6], theta[6:8].reshape(1, 2), theta[8:])
    with torch.no_grad():
        for parameter, values in zip(net.parameters(), parts, strict=True):
            parameter.copy_(torch.tensor(values, dtype=kind))
    rate = {"lr": RATES[optimizer]} if optimizer in RATES else {}
    made = {
        "gradient-descent": lambda p: torch.optim.SGD(p, **rate),
        "momentum": lambda p: torch.optim.SGD(p, momentum=MOMENTUM, **rate),
        "nesterov": lambda p: torch.optim.SGD(p, momentum=MOMENTUM, nesterov=True, **rate),
        "rmsprop": torch.optim.RMSprop,
        "adam": lambda p: torch.optim.Adam(p, **rate),
        "rprop": torch.optim.Rprop,
    }[optimizer](net.parameters())
    x, t = torch.tensor(X, dtype=kind), torch.tensor(T[:, None], dtype=kind)
    for _ in range(steps_of(optimizer)):
        made.zero_grad()
        torch.nn.BCELoss()(net(x), t).backward()
        made.step()
    double = net.double()
    z = last(torch.sigmoid(first(x.double())))
    assert double is net
    return float(torch.nn.functional.binary_cross_entropy_with_logits(z, t.double()))


def sklearn_loss(optimizer: str, dtype: str, theta: np.ndarray) -> float:
    from sklearn.neural_network import MLPClassifier

    layers = [(theta[:4].reshape(2, 2).T, theta[4:6]), (theta[6:8].reshape(2, 1), theta[8:])]

    class Started(MLPClassifier):
        def _init_coef(self, fan_in: int, fan_out: int, kind: type) -> tuple:
            weights, biases = layers[0 if fan_out == 2 else 1]
            return weights.astype(kind), biases.astype(kind)

    momentum = 0.0 if optimizer == "gradient-descent" else MOMENTUM
    model = Started(
        hidden_layer_sizes=(2,),
        solver="adam" if optimizer == "adam" else "sgd",
        learning_rate_init=RATES[optimizer],
        momentum=momentum,
        nesterovs_momentum=optimizer == "nesterov",
        alpha=0.0,
        batch_size=4,
        shuffle=False,
        max_iter=steps_of(optimizer),
        tol=0.0,
        n_iter_no_change=1000,
    )
    model.fit(X.astype(dtype), T.astype(int))
    hidden = np.maximum(X @ model.coefs_[0].astype(float) + model.intercepts_[0].astype(float), 0)
    z = (hidden @ model.coefs_[1].astype(float) + model.intercepts_[1].astype(float))[:, 0]
    return float((np.logaddexp(0, z) - T * z).mean())


def record(found: dict) -> dict:
    import sklearn
    import torch

    losses = {}
    for system, optimizer in CASES:
        loss = torch_loss if system == "pytorch" else sklearn_loss
        for dtype in ("float64", "float32"):
            thetas = np.array(found[system])
            name = f"{system} {optimizer} {dtype}"
            losses[name] = [loss(optimizer, dtype, theta) for theta in thetas]
    versions = {"torch": torch.__version__.split("+")[0], "scikit-learn": sklearn.__version__}
    return {"versions": versions, "starts": found, "losses": losses}


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    content = starts() if command == "starts" else record(json.loads(Path(paths[0]).read_text()))
    Path(paths[-1]).write_text(json.dumps(content, indent=1) + "\n")
