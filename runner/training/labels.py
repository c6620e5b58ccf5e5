"""Honest labels for endpoints, from their values in float64 and one step further.

With targets that a unit only reaches at infinite weights the loss has no finite minimiser: solved
and stuck restarts alike run off to infinity with vanishing gradients. So a small gradient alone
never makes a minimum here; that verdict needs curvature and is made in `landscape`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from runner.engines.base import Evaluation
from runner.network.signature import Signature
from runner.training.levels import stuck_levels


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

    SOLVED = "solved", "every output is on its target's side of the middle"
    CYCLING = "cycling", "the weights have come back to earlier ones, and will for ever"
    PLATEAU = (
        "plateau",
        "all patterns give one output, and the loss is that of the best constant",
    )
    SATURATED = (
        "saturated",
        "some patterns of different targets share their output, the loss is the one that this "
        "allows at best, and the weights still grow: no minimum, but no way out in sight either",
    )
    DESCENDING = "descending", "the loss still falls where the step budget ends"
    OSCILLATING = (
        "oscillating",
        "the next step would raise the loss: the step size is too large there",
    )
    STATIONARY = "stationary", "loss and weights are at rest, but the restart is not solved"
    DIVERGED = "diverged", "a weight, an output or the loss is no longer finite"


LABELS: Final = tuple(label.value for label in Label)
"""The stored value of every label, in the order of tables."""

REST = 0.01
"""What counts as at rest: less than this relative change over as many further steps as were
allowed, at the pace of the next step. Also how near (relatively) a level the loss must be."""

_ROUNDING = 1e-12  # a relative rise of the loss by less is no oscillation


@dataclass(frozen=True)
class LabelResult:
    """Labels of n endpoints and the exact levels that stuck ones have come to."""

    label: np.ndarray
    """(n,) of `LABELS`, dtype object."""
    level: np.ndarray
    """(n,) float64: for plateau and saturated the exact loss level, else nan."""


def label(
    signature: Signature,
    parameters: np.ndarray,
    solved: np.ndarray,
    targets: np.ndarray,
    max_steps: np.ndarray,
    seen: Evaluation,
    period: np.ndarray | None = None,
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
    period : ndarray, shape (n,), optional
        Steps after which the weights came back to what they were, bit for bit; 0 if they did not.

    Returns
    -------
    LabelResult
        The first that holds of: ``diverged``, a weight, an output or the loss is not finite;
        ``solved``, every output is on the right side; ``cycling``, the weights have come back to
        earlier ones and so will for ever; ``plateau``, all patterns have one output
        and the loss is that of the best constant; ``saturated``, some patterns share their
        output, the loss is that of their mean target, and the weights grow; ``oscillating``, the
        next step raises the loss; ``stationary``, loss and weights would change by less than
        `REST` in as many steps again as were allowed; ``descending``, the loss still falls.
    """
    with np.errstate(all="ignore"):
        loss, fall = seen.loss, seen.loss - seen.next_loss
        finite = np.isfinite(loss) & np.isfinite(parameters).all(axis=0)
        finite &= np.isfinite(seen.outputs).all(axis=0)
        unsolved = np.flatnonzero(~solved)  # few, as a rule, and the others come to no level
        levels = stuck_levels(signature, seen.outputs[:, unsolved], targets[:, unsolved])
        level = _scattered(levels.loss, unsolved, np.full(len(loss), np.nan))
        merged = _scattered(levels.some_merged, unsolved, np.zeros(len(loss), bool))
        constant = _scattered(levels.all_merged, unsolved, np.zeros(len(loss), bool))
        near = np.abs(loss - level) <= REST * level
        growing = np.linalg.norm(seen.moved, axis=0) > np.linalg.norm(parameters, axis=0)
        moved = np.abs(seen.moved - parameters).max(axis=0)
        size = np.maximum(np.abs(parameters).max(axis=0), 1.0)
        resting = (fall * max_steps <= REST * loss) & (moved * max_steps <= REST * size)

    # the first that holds is the label, so the order is part of what they mean
    holds: Mapping[Label, np.ndarray] = {
        Label.DIVERGED: ~finite,
        Label.SOLVED: solved,
        Label.CYCLING: np.zeros(len(solved), bool) if period is None else period > 0,
        Label.PLATEAU: near & constant,
        Label.SATURATED: near & merged & ~constant & growing,
        Label.OSCILLATING: -fall > _ROUNDING * np.abs(loss),
        Label.STATIONARY: resting,
        Label.DESCENDING: np.ones(len(solved), bool),
    }
    first = np.argmax(list(holds.values()), axis=0)
    names = np.array([label.value for label in holds], object)[first]
    stuck = (names == Label.PLATEAU.value) | (names == Label.SATURATED.value)
    return LabelResult(names, np.where(stuck, level, np.nan))


def _scattered(values: np.ndarray, places: np.ndarray, into: np.ndarray) -> np.ndarray:
    """Return an array with values put in places."""
    into[places] = values
    return into
