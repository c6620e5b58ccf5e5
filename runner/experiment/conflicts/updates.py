"""Rules between the fields that say how weights are updated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from runner.experiment.conflicts.conflict import Conflict, conflict
from runner.experiment.fields.sections import Network, Problem, Training
from runner.experiment.truth_tables.gates import GATES
from runner.network.optimizers.registry import OPTIMIZERS
from runner.network.schedules.base import LONGEST_FLOAT32

MAX_EPOCH: Final = 2_000
"""Largest number of patterns times parameters of an epoch of updates on some of them each."""

_EPOCH_FIELDS: Final = (
    "problem.gate",
    "problem.table",
    "network.hidden",
    "network.output",
    "training.patterns_per_update",
    "training.max_steps",
    "training.plateau_steps",
    "training.optimizer",
)
"""Fields that play a part in what `epoch_problems` finds."""

MAX_SHUFFLED: Final = 32
"""Most patterns that are shuffled: every two of them can change places in each epoch."""


def update_conflicts(network: Network, training: Training) -> Iterator[Conflict]:
    """Yield the rules that are broken, but for those of starts and of epochs."""
    optimizer = training.optimizer
    rule = OPTIMIZERS[optimizer]
    with_optimizer = f"with training.optimizer {optimizer!r}"
    for name in training.constants:
        if name not in rule.constants:
            owners = [repr(key) for key, other in OPTIMIZERS.items() if name in other.constants]
            text = f"nothing {with_optimizer}; it belongs to {' and '.join(owners)}"
            value = getattr(training, name)
            yield conflict(f"training.{name}", value, text, "training.optimizer")
    constants = {**rule.constants, **training.constants}
    least, most = constants.get("smallest_step", 0), constants.get("largest_step", 0)
    if least > most:
        text = f"at most training.largest_step, {most!r}"
        yield conflict("training.smallest_step", least, text, "training.largest_step")
    if not rule.takes_momentum:
        if training.momentum:
            text = f"0 {with_optimizer}. Set training.optimizer to 'momentum' or 'nesterov'"
            yield conflict("training.momentum", training.momentum, text, "training.optimizer")
        if training.momentum_schedule:
            text = f"nothing {with_optimizer}, which has no momentum"
            value = training.momentum_schedule
            yield conflict("training.momentum_schedule", value, text, "training.optimizer")
    if optimizer == "perceptron" and training.rate_schedule:
        text = f"nothing {with_optimizer}, whose mistakes do not depend on the rate's size"
        yield conflict("training.rate_schedule", training.rate_schedule, text, "training.optimizer")
    scheduled = training.rate_schedule or training.momentum_schedule
    if scheduled and training.dtype == "float32" and training.max_steps > LONGEST_FLOAT32:
        text = f"at most {LONGEST_FLOAT32} with a schedule in float32, which counts no further"
        yield conflict("training.max_steps", training.max_steps, text, "training.dtype")
    if training.slopes == "cut":
        field, text = "training.slopes", "'exact'"
        if rule.by_pattern:
            text += f" {with_optimizer}, which takes no slopes"
            yield conflict(field, training.slopes, text, "training.optimizer")
        if rule.needs_whole_loss:
            text += f" {with_optimizer}, whose steps are to lower the loss"
            yield conflict(field, training.slopes, text, "training.optimizer")
        if network.model is not None:
            text += " with network.model, whose units are not known"
            yield conflict(field, training.slopes, text, "network.model")
    yield from _pattern_conflicts(network, training)
    yield from _plateau_conflicts(training)


def _pattern_conflicts(network: Network, training: Training) -> Iterator[Conflict]:
    """Yield the rules of updates on some patterns that are broken."""
    size, field = training.patterns_per_update, "training.patterns_per_update"
    if size is None:
        if training.order is not None:
            text = "nothing without training.patterns_per_update"
            yield conflict("training.order", training.order, text, field)
        return
    if training.optimizer == "perceptron":
        text = "nothing with training.optimizer 'perceptron', which goes pattern by pattern"
        yield conflict(field, size, text, "training.optimizer")
    if OPTIMIZERS[training.optimizer].needs_whole_loss:
        text = f"nothing with training.optimizer {training.optimizer!r}, which compares losses"
        yield conflict(field, size, text, "training.optimizer")
    if network.model is not None:
        text = "nothing with network.model, whose loss is of all patterns"
        yield conflict(field, size, text, "network.model")


def _plateau_conflicts(training: Training) -> Iterator[Conflict]:
    """Yield the rules of plateaus that are broken, but for those of starts."""
    for name, value in (
        ("steps", training.plateau_steps),
        ("fall", training.plateau_fall),
        ("noise", training.plateau_noise),
    ):
        if value is not None and training.plateau is None:
            text = "nothing without training.plateau. Set that to 'new-start' or 'perturb'"
            yield conflict(f"training.plateau_{name}", value, text, "training.plateau")
    if training.plateau_noise is not None and training.plateau == "new-start":
        text = "nothing with training.plateau 'new-start'"
        yield conflict("training.plateau_noise", training.plateau_noise, text, "training.plateau")
    if training.plateau is not None and training.optimizer == "perceptron":
        text = "nothing with training.optimizer 'perceptron', whose loss does not fall step by step"
        yield conflict("training.plateau", training.plateau, text, "training.optimizer")


def epoch_conflicts(problem: Problem, training: Training, n_parameters: int) -> Iterator[Conflict]:
    """Yield the rules of epochs that are broken, of a gate and so many parameters."""
    if problem.gate is None:
        return
    n_patterns = 2 ** GATES[problem.gate] - len(problem.held_out_rows or ())
    for name, text in epoch_problems(training, n_patterns, n_parameters):
        yield Conflict(text, frozenset((f"training.{name}", *_EPOCH_FIELDS)))


def epoch_problems(training: Training, n_patterns: int, n_parameters: int) -> list[tuple[str, str]]:
    """Say which fields of updates on some patterns do not fit a table of so many, and why.

    Returns
    -------
    list of (str, str)
        The field's name in `Training`, and `<field> is <value>; expected <rule>.`
    """
    size = training.patterns_per_update
    if size is None or training.optimizer == "perceptron":
        return []
    found = []
    state = f"training.patterns_per_update is {size}"
    if size > n_patterns:
        rule = f"at most {n_patterns}, as many as there are patterns"
        found.append(("patterns_per_update", f"{state}; expected {rule}."))
    if n_patterns * n_parameters > MAX_EPOCH:
        found.append(
            (
                "patterns_per_update",
                f"{state} with {n_patterns} patterns and {n_parameters} parameters; expected at "
                f"most {MAX_EPOCH} for the two multiplied. Leave it out for updates on all "
                "patterns.",
            )
        )
    if training.order == "shuffled" and n_patterns > MAX_SHUFFLED:
        rule = f"'file', or at most {MAX_SHUFFLED} patterns, not {n_patterns}"
        found.append(("order", f"training.order is 'shuffled'; expected {rule}."))
    per_epoch = -(-n_patterns // size)
    lengths = {"max_steps": training.max_steps}
    if training.plateau is not None:
        lengths["plateau_steps"] = training.steps_to_fall
    for name, steps in lengths.items():
        epochs, rest = divmod(steps, per_epoch)
        if rest:
            near = " or ".join(str(n * per_epoch) for n in (epochs, epochs + 1) if n)
            rule = f"whole epochs of {per_epoch} steps each, such as {near}"
            found.append((name, f"training.{name} is {steps}; expected {rule}."))
    return found
