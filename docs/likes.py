"""Train with PyTorch, scikit-learn and FANN themselves, from given starts: what `like` is held to.

    python docs/likes.py starts starts.json                # with the runner
    python docs/likes.py record starts.json recorded.json  # with torch, scikit-learn, numpy
    python docs/likes.py fann starts.json recorded.json    # with FANN's library and a C compiler

The second command needs an environment of its own (torch 2.13.0, scikit-learn 1.9.1), the third
Debian's libfann-dev 2.2.0 and NumPy, and adds to the file of the second; what they wrote is
tests/experiment/fields/likes.json, and a test trains the same restarts here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RESTARTS = {"pytorch": 4, "scikit-learn": 4, "fann": 40}
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
T = np.array([0, 1, 1, 0], float)
CASES = [
    *((s, o) for s in ("pytorch",) for o in ("gradient-descent", "momentum", "nesterov")),
    *(("pytorch", o) for o in ("rmsprop", "adam", "rprop")),
    *(("scikit-learn", o) for o in ("gradient-descent", "momentum", "nesterov", "adam", "lbfgs")),
    *(("fann", o) for o in ("gradient-descent", "momentum", "rprop-fann", "quickprop")),
]
RATES = {"gradient-descent": 0.5, "momentum": 0.1, "nesterov": 0.1, "adam": 0.05}
"""Larger than the defaults, with which a hundred steps lead nowhere; others have their defaults."""
MOMENTUM = 0.9
SINGLE = {name: float(np.float32(value)) for name, value in (("0.1", 0.1), ("1.2", 1.2))}
"""FANN's constants are float32, also in its library for float64."""
FANN = {
    "gradient-descent": (1, {"learning_rate": 2.0}),
    "momentum": (0, {"learning_rate": 0.5, "momentum": 0.5, "patterns_per_update": 1}),
    "rprop-fann": (2, {"learning_rate": SINGLE["0.1"], "increase": SINGLE["1.2"]}),
    "quickprop": (3, {"learning_rate": 0.5}),
}
"""FANN's number of the algorithm (batch, incremental, its RPROP, quickprop), and what is set."""
ALPHA = 0.02
"""Of scikit-learn, larger than its 0.0001, with which a hundred steps end nowhere else."""
DECAY = float(np.float32(1e-4)) / 8
"""FANN's quickprop pulls at every weight by 0.0001 of it, in sums over four patterns."""


LATER = 100
"""Epochs after which FANN is looked at again, with what it makes of starts a last digit up."""


def steps_of(optimizer: str, dtype: str) -> int:
    """A hundred epochs; fewer where rounding errors have grown by then."""
    if optimizer == "quickprop":
        return {"float64": 20, "float32": 10}[dtype]
    return {"rprop": 30, "rprop-fann": 40, "lbfgs": 500}.get(optimizer, LATER)


def experiment(system: str, optimizer: str, dtype: str, epochs: int | None = None) -> dict:
    steps = epochs or steps_of(optimizer, dtype)
    training = {"optimizer": optimizer, "max_steps": steps, "dtype": dtype}
    content = {"name": "like", "like": system, "problem": {"gate": "XOR"}}
    content |= {"restarts": RESTARTS[system]}
    if system == "fann":
        # Wider starts than FANN's ±0.1, from which a hundred epochs lead nowhere.
        content |= {"init": {"scale": 1.0}}
        if optimizer in FANN:
            training |= FANN[optimizer][1]
        if optimizer == "quickprop":
            content |= {"loss": {"l2": DECAY}}
        if "patterns_per_update" in training:
            training["max_steps"] *= len(X)
        return content | {"training": training}
    if system == "scikit-learn":
        content |= {"loss": {"l2": ALPHA / 2 / len(X), "l2_biases": False}}
    if optimizer == "lbfgs":
        content |= {"network": {"activation": "tanh"}}
    if optimizer in RATES:
        training["learning_rate"] = RATES[optimizer]
    if optimizer in ("momentum", "nesterov"):
        training["momentum"] = MOMENTUM
    return content | {"training": training}


def starts() -> dict:
    sys.path.insert(0, "")
    from runner.experiment.experiment import load_experiment
    from runner.experiment.plan import Plan

    found = {}
    for system in dict.fromkeys(system for system, _ in CASES):
        content = experiment(system, "gradient-descent", "float64")
        (c,) = Plan(load_experiment(content)).configurations
        found[system] = c.starts(1990).draw(0, RESTARTS[system]).astype(np.float32).T.tolist()
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
    for _ in range(steps_of(optimizer, dtype)):
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
        activation="tanh" if optimizer == "lbfgs" else "relu",
        solver=optimizer if optimizer in ("adam", "lbfgs") else "sgd",
        learning_rate_init=RATES.get(optimizer, 0.001),
        momentum=momentum,
        nesterovs_momentum=optimizer == "nesterov",
        alpha=ALPHA,
        batch_size=4,
        shuffle=False,
        max_iter=steps_of(optimizer, dtype),
        tol=1e-12 if optimizer == "lbfgs" else 0.0,
        n_iter_no_change=1000,
    )
    model.fit(X.astype(dtype), T.astype(int))
    first, last = (weights.astype(float) for weights in model.coefs_)
    z = X @ first + model.intercepts_[0].astype(float)
    hidden = np.tanh(z) if optimizer == "lbfgs" else np.maximum(z, 0)
    z = (hidden @ last + model.intercepts_[1].astype(float))[:, 0]
    term = ALPHA / 2 / len(X) * ((first**2).sum() + (last**2).sum())
    return float((np.logaddexp(0, z) - T * z).mean() + term)


def record(found: dict) -> dict:
    import sklearn
    import torch

    losses = {}
    for system, optimizer in CASES:
        if system == "fann":
            continue
        loss = torch_loss if system == "pytorch" else sklearn_loss
        for dtype in ("float64", "float32"):
            thetas = np.array(found[system])
            name = f"{system} {optimizer} {dtype}"
            losses[name] = [loss(optimizer, dtype, theta) for theta in thetas]
    versions = {"torch": torch.__version__.split("+")[0], "scikit-learn": sklearn.__version__}
    return {"versions": versions, "starts": found, "losses": losses}


def fann_losses(optimizer: str, dtype: str, starts: list[list[float]], epochs: int) -> list[float]:
    """FANN's default error function at the weights that it comes to, in float64."""
    algorithm, set_here = FANN[optimizer]
    library = {"float32": "floatfann", "float64": "doublefann"}[dtype]
    source = str(Path(__file__).with_name("likes.c"))
    given = "\n".join(" ".join(map(repr, start)) for start in starts)
    words = [algorithm, set_here["learning_rate"], set_here.get("momentum", 0.0)]
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/likes"
        command = ["cc", f"-DHEADER=<{library}.h>", source, f"-l{library}", "-lm", "-o", program]
        subprocess.run(command, check=True)
        command = [program, *map(str, words), str(epochs)]
        done = subprocess.run(command, input=given, text=True, capture_output=True, check=True)
    losses = []
    for line in done.stdout.splitlines():
        theta = np.array([float(word) for word in line.split()])
        hidden = 0.5 + 0.5 * np.tanh(0.5 * (X @ theta[:4].reshape(2, 2).T + theta[4:6]))
        e = 0.5 + 0.5 * np.tanh(0.5 * (hidden @ theta[6:8] + theta[8])) - T
        inside = np.clip(e, -0.9999999, 0.9999999)
        terms = (1 + inside) * np.log1p(inside) + (1 - inside) * np.log1p(-inside)
        loss = (terms + 17 * abs(e - inside)).mean()
        pull = DECAY * (theta**2).sum() if optimizer == "quickprop" else 0.0
        losses.append(float(loss + pull))
    return losses


def record_fann(found: dict, recorded: dict) -> dict:
    starts, losses, later = found["fann"], {}, {}
    for optimizer in FANN:
        for dtype in ("float64", "float32"):
            epochs = steps_of(optimizer, dtype)
            losses[f"fann {optimizer} {dtype}"] = fann_losses(optimizer, dtype, starts, epochs)
            if epochs < LATER:
                up = np.nextafter(np.array(starts, dtype), np.array(2, dtype)).tolist()
                later[f"{optimizer} {dtype}"] = {
                    "fann": fann_losses(optimizer, dtype, starts, LATER),
                    "a digit up": fann_losses(optimizer, dtype, up, LATER),
                }
    return {
        "versions": recorded["versions"] | {"libfann": "2.2.0+ds-8"},
        "starts": recorded["starts"] | {"fann": found["fann"]},
        "losses": recorded["losses"] | losses,
        "later": later,
    }


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    read = [json.loads(Path(path).read_text()) for path in paths if Path(path).exists()]
    if command == "starts":
        content = starts()
    else:
        content = record_fann(*read) if command == "fann" else record(read[0])
    Path(paths[-1]).write_text(json.dumps(content, indent=1) + "\n")
