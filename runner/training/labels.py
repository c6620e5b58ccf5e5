"""Honest labels for endpoints, from their values in float64, one step further, and the curvature.

With targets that a unit only reaches at infinite weights the loss has no finite minimiser: solved
and stuck restarts alike run off to infinity with vanishing gradients. So a small gradient alone
never makes a minimum here; that verdict is made in `landscape`. And a restart is called stuck
(plateau, saturated, stationary) only if it would also be so after ten times the steps, as far as
its curvature tells: see `stability`, and docs/labels.md for how often that was right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from runner.engines.base import Compiled, Evaluation
from runner.network.column_products import column_norms
from runner.network.signature import Signature
from runner.training.hessians import Gradients, Matrices
from runner.training.levels import columns_of_outputs, constant_loss, stuck_levels
from runner.training.stability import AHEAD, BoundsOf, will_stay


class Label(StrEnum):
    """What was seen of an endpoint; the value is what is stored. In the order of tables.

    Examples
    --------
    >>> Label("plateau").sentence
    'all patterns give one output, and the loss is that of the best constant'
    """

    sentence: str
    """What it means, to go after "the restart is this if"."""

    def __new__(cls, value: str, sentence: str) -> Label:
        """Make a member of its stored value and its sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    SOLVED = (
        "solved",
        "every output is right: on its target's side of the middle, or as problem.solved says",
    )
    CYCLING = "cycling", "the weights have come back to earlier ones, and will for ever"
    PLATEAU = (
        "plateau",
        "all patterns give one output, the loss is that of the best constant, and no direction "
        "leads away from there in ten times the steps",
    )
    SATURATED = (
        "saturated",
        "some patterns of different targets share their output, or an output is at the wrong end "
        "of its range; the loss is the one that this allows at best, and the weights still grow: "
        "no minimum, but no way out in ten times the steps either",
    )
    DESCENDING = (
        "descending",
        "the step budget ends while the loss falls, or where more steps would lead away",
    )
    OSCILLATING = (
        "oscillating",
        "the next step would raise the loss: the step size is too large there",
    )
    STATIONARY = (
        "stationary",
        "loss and weights are at rest and would be in ten times the steps, but it is not solved",
    )
    DIVERGED = (
        "diverged",
        "a weight, an output or the loss is not finite, or will not be after the next step, or the "
        "loss is a million times that of the best constant and rises",
    )


LABELS: Final = tuple(label.value for label in Label)
"""The stored value of every label, in the order of tables."""

REST = 0.01
"""What counts as at rest: less than this relative change over as many further steps as were
allowed, at the pace of the next step. Also how near (relatively) a level the loss must be."""

EXPLODED = 1e6
"""A loss that rises beyond this many times the best constant's has diverged, though finite yet."""

FALLING = 0.3
"""Share of the loss that may be lost in `stability.AHEAD` times the budget, at the next step's
pace, by an endpoint at a level; at a level that is neared as 1/t it is less than a tenth."""

_ROUNDING = 1e-12  # a relative rise of the loss by less is no oscillation


@dataclass(frozen=True)
class LabelResult:
    """Labels of n endpoints and the exact levels that stuck ones have come to."""

    place: np.ndarray
    """(n,) int: place of each label in `LABELS`."""
    level: np.ndarray
    """(n,) float64: for plateau and saturated the exact loss level, else nan."""

    @property
    def label(self) -> np.ndarray:
        """(n,) of `LABELS`, dtype object."""
        return np.asarray(np.array(LABELS, object)[self.place])


def label(
    signature: Signature,
    parameters: np.ndarray,
    solved: np.ndarray,
    targets: np.ndarray,
    max_steps: np.ndarray,
    seen: Evaluation,
    gradients: Gradients,
    period: np.ndarray | None = None,
    bounds: BoundsOf | None = None,
    compiled: Compiled | None = None,
    matrices: Matrices | None = None,
) -> LabelResult:
    """Label endpoints.

    Parameters
    ----------
    signature : Signature
    parameters : ndarray, shape (n_parameters, n)
    solved : ndarray, shape (n,), bool
    targets : ndarray, shape (n_patterns * n_outputs, n)
    max_steps : ndarray, shape (n,)
        Step budget of each restart.
    seen : Evaluation
    gradients : Gradients
        The endpoints' gradients at other parameters.
    period : ndarray, shape (n,), optional
        Steps after which the weights came back to what they were, bit for bit; 0 if they did not.
    bounds : BoundsOf, optional
        As for `runner.training.stability.will_stay`.
    compiled : Compiled, optional
        Of the signature: what it has for levels takes the place of NumPy's passes.
    matrices : Matrices, optional
        As for `runner.training.hessians.extreme_curvatures`.

    Returns
    -------
    LabelResult
        The first that holds of the sentences of `Label`, in the order: diverged, solved, cycling,
        plateau, saturated, oscillating, stationary, descending.
    """
    # What `seen` looks ahead is an epoch.
    epochs = max_steps // signature.updates_per_epoch
    with np.errstate(all="ignore"):
        loss, fall = seen.loss, seen.loss - seen.next_loss
        # few, as a rule; all others are at no level
        slow = np.flatnonzero(~solved & (fall * epochs * AHEAD <= FALLING * loss))
        outputs, wanted = columns_of_outputs(slow, seen.outputs, targets)
        shared_outputs = None if compiled is None else compiled.shared_outputs
        levels = stuck_levels(signature, outputs, wanted, shared_outputs)
        level = _scattered(levels.loss, slow, np.full(len(loss), np.nan))
        none = np.zeros(len(loss), bool)
        merged = _scattered(levels.some_merged, slow, none.copy())
        constant = _scattered(levels.all_merged, slow, none.copy())
        at_level = np.abs(loss - level) <= REST * level
        diverged = _diverged(signature, parameters, targets, seen)
        rising = -fall > _ROUNDING * np.abs(loss)
        # sizes of weights and of steps are asked for only where they decide
        still = np.flatnonzero(~solved & (fall * epochs <= REST * loss))
        resting = _scattered(_are_slow(parameters, seen.moved, epochs, still), still, none.copy())
        lost = np.flatnonzero(at_level & merged & ~constant)
        growing = _scattered(_are_growing(parameters, seen.moved, lost), lost, none.copy())

        stays = none.copy()
        asked = at_level & (merged | constant) | resting & ~rising
        asked = np.flatnonzero(asked & ~solved & ~diverged)
        stays[asked] = will_stay(
            np.take(parameters, asked, axis=1),
            np.take(seen.moved, asked, axis=1),
            np.take(seen.gradient, asked, axis=1),
            epochs[asked],
            signature.rule.follows_size,
            lambda at, which: gradients(at, asked[which]),
            signature.architecture.trained,
            bounds and (lambda at, which, *limits: bounds(at, asked[which], *limits)),
            matrices and (lambda which, *given: matrices(asked[which], *given)),
        )

    # the first that holds is the label, so the order is part of what they mean
    holds: Mapping[Label, np.ndarray] = {
        Label.DIVERGED: diverged,
        Label.SOLVED: solved,
        Label.CYCLING: none if period is None else period > 0,
        Label.PLATEAU: at_level & constant & stays,
        Label.SATURATED: at_level & merged & ~constant & growing & stays,
        Label.OSCILLATING: rising,
        Label.STATIONARY: resting & stays,
        Label.DESCENDING: np.ones(len(solved), bool),
    }
    place = np.empty(len(solved), np.intp)
    for name, mask in reversed(list(holds.items())):
        np.putmask(place, mask, LABELS.index(name))
    stuck = np.zeros(len(solved), bool)
    for name in (Label.PLATEAU, Label.SATURATED):
        stuck |= place == LABELS.index(name)
    return LabelResult(place, np.where(stuck, level, np.nan))


def _are_slow(
    parameters: np.ndarray, moved: np.ndarray, epochs: np.ndarray, which: np.ndarray
) -> np.ndarray:
    """Which of some endpoints' weights are at rest, by the next step."""
    here = np.take(parameters, which, axis=1)
    step = np.abs(np.take(moved, which, axis=1) - here).max(axis=0)
    size = np.maximum(np.abs(here).max(axis=0), 1.0)
    return np.asarray(step * epochs[which] <= REST * size)


def _are_growing(parameters: np.ndarray, moved: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Which of some endpoints' weights the next step makes larger."""
    here, there = (np.take(values, which, axis=1) for values in (parameters, moved))
    return column_norms(there) > column_norms(here)


def _diverged(
    signature: Signature, parameters: np.ndarray, targets: np.ndarray, seen: Evaluation
) -> np.ndarray:
    """Which endpoints are not finite, or on their way there."""
    finite = np.isfinite(seen.loss) & np.isfinite(seen.next_loss)
    for rows in (parameters, seen.outputs, seen.moved):
        if not np.isfinite(rows.sum()):  # quicker, and finite as a rule
            finite &= np.isfinite(rows).all(axis=0)
    exploded = np.zeros(len(seen.loss), bool)
    large = np.flatnonzero(finite & (seen.next_loss >= seen.loss))
    if large.size:
        exploded[large] = seen.loss[large] > EXPLODED * constant_loss(signature, targets[:, large])
    return np.asarray(~finite | exploded)


def _scattered(values: np.ndarray, places: np.ndarray, into: np.ndarray) -> np.ndarray:
    """Return an array with values put in places."""
    into[places] = values
    return into
