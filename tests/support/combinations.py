"""Everything that an experiment file can combine, and one of them trained beside plain NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property

import numpy as np
from support.plain import Net, Rule
from support.plain import train as plain_train

from runner.engines.registry import compiled
from runner.errors import ExperimentError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.fields.rules import choices_of
from runner.experiment.fields.sections import Loss, Network, Training
from runner.experiment.plan import Plan
from runner.network.optimizers.registry import OPTIMIZERS
from runner.training.lanes import train
from runner.training.worker import Task, prepare

STEPS = 4
RATE = 0.11
MOMENTUM = 0.6
RESTARTS = 3
TOLERANCES = {"float64": 1e-11, "float32": 2e-5}
"""Of weights around 1 after a few steps, hundreds of rounding errors each."""

CHOICES = {
    "network.activation": choices_of(Network, "activation"),
    "network.output": choices_of(Network, "output"),
    "loss.kind": choices_of(Loss, "kind"),
    "training.optimizer": choices_of(Training, "optimizer"),
    "training.dtype": choices_of(Training, "dtype"),
    "layout": ("lanes", "stacked"),
}
"""The axes; the last one is what the size of network and table chooses."""


@dataclass(frozen=True)
class Combination:
    """A choice from each of `CHOICES`."""

    activation: str
    output: str
    loss: str
    optimizer: str
    dtype: str
    layout: str

    def __str__(self) -> str:
        return "-".join(getattr(self, field.name) for field in fields(self))

    @property
    def hidden(self) -> list[int]:
        return [] if self.optimizer == "perceptron" else [2]

    @property
    def experiment(self) -> dict[str, object]:
        """The experiment file that says so, as far as it can."""
        return {
            "name": "every",
            "restarts": RESTARTS,
            "problem": {"gate": "XOR"},
            "network": {
                "hidden": self.hidden,
                "activation": self.activation,
                "output": self.output,
            },
            "loss": {"kind": self.loss},
            "training": {
                "optimizer": self.optimizer,
                "learning_rate": RATE,
                "momentum": MOMENTUM if OPTIMIZERS[self.optimizer].takes_momentum else 0.0,
                "max_steps": STEPS,
                "dtype": self.dtype,
            },
        }

    @cached_property
    def plan(self) -> Plan:
        return Plan(load_experiment(self.experiment))


class OneUnit(Combination):
    """One with a hidden unit at most, for what takes long to compile."""

    @property
    def hidden(self) -> list[int]:
        return [1 for _ in super().hidden]


class SingleLayer(Combination):
    """One without hidden units, for what takes longer still."""

    @property
    def hidden(self) -> list[int]:
        return []


def smaller(kind: type[Combination], each: Combination) -> Combination:
    """The same choices of a network with fewer units."""
    return kind(*(getattr(each, field.name) for field in fields(each)))


@dataclass(frozen=True)
class OfCube(Combination):
    """One of a parity, whose patterns are the corners of a cube."""

    gate: str = "PARITY-5"
    widths: tuple[int, ...] = (3,)
    levels: tuple[float, float] = (0.0, 1.0)

    def __str__(self) -> str:
        return (
            f"{self.gate}-{self.widths}-{self.levels}-{self.output}-{self.optimizer}-{self.dtype}"
        )

    @property
    def hidden(self) -> list[int]:
        return list(self.widths)

    @property
    def experiment(self) -> dict[str, object]:
        return super().experiment | {"problem": {"gate": self.gate, "inputs": list(self.levels)}}


def every() -> Iterator[Combination]:
    """All combinations, accepted or not."""
    yield from (Combination(*values) for values in itertools.product(*CHOICES.values()))


@cache
def accepted() -> tuple[Combination, ...]:
    """Those that an experiment file may ask for, whose layout the file does not say.

    One dtype is asked about, as this is worked out wherever tests are collected;
    test_every_combination.py asks about all.
    """
    first = {"dtype": CHOICES["training.dtype"][0], "layout": CHOICES["layout"][0]}
    alike = {each: replace(each, **first) for each in every()}
    refused = {each for each in set(alike.values()) if refusal(each)}
    return tuple(each for each, asked in alike.items() if asked not in refused)


def refusal(combination: Combination) -> str:
    """Why an experiment file may not ask for it; empty if it may."""
    try:
        load_experiment(combination.experiment)
    except ExperimentError as error:
        return str(error)
    return ""


@cache
def pairwise() -> tuple[Combination, ...]:
    """Few that are accepted, in which each two choices of different axes meet."""
    names = [field.name for field in fields(Combination)]
    return _covering(list(itertools.combinations(names, 2)))


@cache
def sample() -> tuple[Combination, ...]:
    """Fewer: each output with each loss, and every choice in both dtypes."""
    by_dtype = [("activation", "dtype"), ("optimizer", "dtype"), ("layout", "dtype")]
    return _covering([("output", "loss"), *by_dtype])


@cache
def few() -> tuple[Combination, ...]:
    """As few as have every choice, and each layout in both dtypes."""
    return _covering([("activation",), ("output",), ("optimizer",), ("loss", "dtype", "layout")])


def _covering(groups: Sequence[Sequence[str]]) -> tuple[Combination, ...]:
    """Few that are accepted, in which the choices of each group of axes meet as in all of them."""
    left = {
        each: {(*g, *(getattr(each, name) for name in g)) for g in groups} for each in accepted()
    }
    wanted = set().union(*left.values())
    chosen = []
    while wanted:
        best = max(left, key=lambda each: len(left[each] & wanted))
        chosen.append(best)
        wanted -= left.pop(best)
    return tuple(chosen)


def check(engine: str, combination: Combination) -> None:
    """Train a combination's restarts and compare every weight with plain NumPy's."""
    plan = combination.plan
    (configuration,) = plan.configurations
    signature = replace(configuration.signature(), n_lanes=RESTARTS, n_steps=STEPS)
    if combination.layout in signature.architecture.layouts and not signature.rule.by_pattern:
        signature = replace(signature, layout=combination.layout)
    task = Task(plan.segments(Batch(0, 0, RESTARTS)), plan.experiment.seed, engine, 0)
    restarts = prepare(task)
    ended = train(compiled(engine, signature), restarts)
    assert ended.state.dtype == combination.dtype
    assert (ended.steps == STEPS).all()
    net = Net(
        configuration.settings.network.hidden,
        combination.activation,
        combination.output,
        combination.loss,
        "mean",
        configuration.table.inputs,
        configuration.table.targets,
    )
    starts = restarts.starts.astype(combination.dtype).astype(float)
    for number in range(RESTARTS):
        if combination.optimizer == "perceptron":
            expected = perceptron(net, starts[:, number])
        else:
            rule = Rule(combination.optimizer, RATE, MOMENTUM)
            expected = plain_train(net, rule, starts[:, number], STEPS)[-1]
        tolerance = TOLERANCES[combination.dtype]
        trained = ended.state[: net.size, number]
        np.testing.assert_allclose(trained, expected, rtol=tolerance, atol=tolerance)


def perceptron(net: Net, theta: np.ndarray) -> np.ndarray:
    """The perceptron rule, pattern by pattern, for one step unit."""
    *weights, bias = theta
    weights = np.array(weights)
    for _ in range(STEPS):
        for x, (t,) in zip(net.x, net.t, strict=True):
            error = t - float(weights @ x + bias > 0)
            weights, bias = weights + RATE * error * x, bias + RATE * error
    return np.array([*weights, bias])
