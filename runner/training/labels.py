"""Honest labels for endpoints, from their values in float64 and one step further.

With targets that a unit only reaches at infinite weights the loss has no finite minimiser: solved
and stuck restarts alike run off to infinity with vanishing gradients. So a small gradient alone
never makes a minimum here; that verdict needs curvature and is made in `landscape`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.base import Evaluation
from runner.network.signature import Signature

LABELS = (
    "solved",
    "cycling",
    "plateau",
    "saturated",
    "descending",
    "oscillating",
    "stationary",
    "diverged",
)
"""Every label; `label` says what each means."""

REST = 0.01
"""What counts as at rest: less than this relative change over as many further steps as were
allowed, at the pace of the next step. Also how near (relatively) a level the loss must be."""

MERGED = 0.05
"""Outputs nearer to each other than this share of the targets' range count as equal."""

_MAX_PATTERNS = 64  # comparing all pairs of patterns costs their square, per endpoint


@dataclass(frozen=True)
class Verdict:
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
) -> Verdict:
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
    Verdict
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
        level, merged, constant = np.full(len(loss), np.nan), *np.zeros((2, len(loss)), bool)
        unsolved = np.flatnonzero(~solved)  # few, as a rule, and the others come to no level
        level[unsolved], merged[unsolved], constant[unsolved] = _levels(
            signature, seen.outputs[:, unsolved], targets[:, unsolved]
        )
        near = np.abs(loss - level) <= REST * level
        growing = np.linalg.norm(seen.moved, axis=0) > np.linalg.norm(parameters, axis=0)
        moved = np.abs(seen.moved - parameters).max(axis=0)
        size = np.maximum(np.abs(parameters).max(axis=0), 1.0)
        resting = (fall * max_steps <= REST * loss) & (moved * max_steps <= REST * size)

    cycling = np.zeros(len(solved), bool) if period is None else period > 0
    plateau = near & constant
    saturated = near & merged & ~constant & growing
    # A rise by rounding alone is no oscillation.
    rising = -fall > 1e-12 * np.abs(loss)
    holds = {
        "diverged": ~finite,
        "solved": solved,
        "cycling": cycling,
        "plateau": plateau,
        "saturated": saturated,
        "oscillating": rising,
        "stationary": resting,
        "descending": np.ones(len(solved), bool),
    }
    first = np.argmax(list(holds.values()), axis=0)
    names = np.array(list(holds), object)[first]
    stuck = (names == "plateau") | (names == "saturated")
    return Verdict(names, np.where(stuck, level, np.nan))


def _levels(
    signature: Signature, outputs: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loss if patterns with equal outputs gave their mean target, and which were equal.

    Returns level (n,), whether any two patterns of different targets share an output (n,), and
    whether all patterns do (n,). A user's own loss has no level that is known.
    """
    net, n_out = signature.architecture.as_layers, signature.architecture.n_outputs
    n_patterns, n = len(signature.patterns), outputs.shape[1]
    if net is None or signature.loss is None or n_patterns > _MAX_PATTERNS:
        return np.full(n, np.nan), np.zeros(n, bool), np.zeros(n, bool)
    y = outputs.reshape(n_patterns, n_out, n)
    t = targets.reshape(n_patterns, n_out, n)
    reach = MERGED * np.maximum(t.max(axis=0) - t.min(axis=0), np.finfo(float).tiny)
    equal = (np.abs(y[:, None] - y[None]) < reach).all(axis=2)
    # Each group goes by its first member; two rounds join what is equal through a third.
    first = np.argmax(equal, axis=1)
    first = np.take_along_axis(first, first, axis=0)
    same = first[:, None] == first[None]
    members = same.sum(axis=1)
    mean = np.einsum("pqn,qon->pon", same.astype(float), t) / members[:, None]
    level = signature.loss.of_outputs(net, mean, t)
    merged = (same & (t[:, None] != t[None]).any(axis=2)).any(axis=(0, 1))
    return level, merged, same.all(axis=(0, 1))
