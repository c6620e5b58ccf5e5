"""What is known of a configuration's convexity; never more than was shown.

One pair of points whose straight path rises above the line between their losses proves that a
loss is not convex. That none of many was found proves nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from runner.experiment.configuration import Configuration
from runner.network.loss_kind import LossKind

PROVEN = "non-convex, proven"
KNOWN = "convex, known"
OPEN = "no violation found"

_ENTROPY = np.log(3) - 2 / 3 * np.log(2)  # of the odds 1 : 2, in nats


def known(configuration: Configuration) -> str:
    """Why a loss is convex for certain, or an empty string."""
    network, loss = configuration.architecture.as_layers, configuration.settings.loss
    if network is None:
        return ""
    last = {f"{kind}{len(network.layers)}" for kind in "Wb"}
    if not last.issuperset(set(network.array_names).difference(network.frozen)):
        return ""
    single, rest = ("The output", ", all else frozen,") if network.hidden else ("A single", "")
    if loss.kind == "cross-entropy":
        kind = "softmax" if network.output == "softmax" else "logistic"
        return f"{single} layer{rest} under cross-entropy ({kind} regression) has a convex loss"
    if loss.kind == "squared-error" and network.output == "linear":
        return f"{single} linear layer{rest} under squared error (least squares) has a convex loss"
    return ""


def swap_bound(configuration: Configuration) -> float:
    """Loss that no network with two equal hidden units comes below; nan where none is known.

    Notes
    -----
    For XOR and XNOR with two hidden units. If both are equal, a monotone function of one linear
    projection of the inputs remains. Whatever the projection, the corners come in an order in
    which the two of one class are the ends; the best monotone fit gives three corners of targets
    t, t and u their mean, which costs three times the entropy of odds 1 : 2 or, in squared
    errors, two thirds of (t - u)². Half way between a solution and itself with the units
    exchanged both are equal.
    """
    settings, table = configuration.settings, configuration.table
    network = configuration.architecture.as_layers
    if network is None or network.hidden != (2,) or network.skip or network.frozen:
        return np.nan
    if settings.problem.gate not in ("XOR", "XNOR"):
        return np.nan
    low, high = float(table.targets.min()), float(table.targets.max())
    factor = LossKind(settings.loss.kind, settings.loss.reduction).factor(network, table.n_patterns)
    if settings.loss.kind == "cross-entropy":
        return float(factor * 3 * _ENTROPY) if (low, high) == (0.0, 1.0) else np.nan
    if settings.loss.kind == "tanh-error" or network.output == "softmax":
        return np.nan
    return float(factor * 2 / 3 * (high - low) ** 2)


def verdict(
    configuration: Configuration,
    curvature: pd.DataFrame,
    paths: pd.DataFrame,
    rise_tolerance: float,
) -> dict[str, str | int | float]:
    """Return the row of the table of verdicts.

    Parameters
    ----------
    configuration : Configuration
    curvature : DataFrame
        Analysed restarts: restart, loss (at the endpoint) and swap_excess.
    paths : DataFrame
        Rows of barriers, with a column ``violated``.
    rise_tolerance : float
        Rise, relative to the loss or 1, that counts as one when two units are exchanged.
    """
    pairs = paths.groupby(["pairs", "restart_a", "restart_b"])["violated"].any()
    n, violations = len(pairs), int(pairs.sum())
    worst = paths["excess"].max() if len(paths) else np.nan
    # an overflow half way is no rise
    swaps = curvature["swap_excess"].where(np.isfinite(curvature["swap_excess"]))
    swapped = swaps > rise_tolerance * np.maximum(curvature["loss"], 1.0)
    ends, proofs = (-1, -1), []
    if swapped.any():
        best = curvature.iloc[int(np.argmax(swaps.where(swapped, -np.inf)))]
        ends = (int(best["restart"]),) * 2
        proofs = [_swap_proof(configuration, best)]
    if violations:
        steepest = paths.iloc[int(np.argmax(paths["excess"].where(paths["violated"], -np.inf)))]
        ends = int(steepest["restart_a"]), int(steepest["restart_b"])
        proofs = [_path_proof(steepest, violations, n), *proofs]
    name, reasons = PROVEN, proofs
    if why := known(configuration):
        name = KNOWN
        rounding = f", by at most {worst:.1g}" if violations else ""
        reasons = [f"{why}; {violations:,} of {n:,} pairs violate it{rounding}"]
    elif not proofs:
        name = OPEN
        reasons = [_nothing_found(n, configuration.architecture.frozen)]
    text = ". ".join(reason[0].upper() + reason[1:] for reason in reasons)
    return {
        "configuration": configuration.index,
        "verdict": name,
        "pairs": n,
        "violations": violations,
        "worst_violation": worst,
        "swap_violation": swaps.max() if len(swaps) else np.nan,
        "restart_a": ends[0],
        "restart_b": ends[1],
        "reason": f"{text}.",
    }


def _path_proof(path: pd.Series, violations: int, pairs: int) -> str:
    image = " (its nearest image under the symmetries)" if path["aligned"] else ""
    return (
        f"the loss on the straight path from restart {path['restart_a']} to "
        f"{path['restart_b']}{image} rises {path['excess']:.3g} above the line between its "
        f"ends; so it does for {violations:,} of {pairs:,} pairs"
    )


def _swap_proof(configuration: Configuration, restart: pd.Series) -> str:
    text = (
        f"restart {int(restart['restart'])} with two hidden units exchanged has the same loss, "
        f"{restart['loss']:.3g}, and half way it is {restart['swap_excess']:.3g} higher"
    )
    bound = swap_bound(configuration)
    if np.isnan(bound):
        return text
    return f"{text}; with two equal units no loss comes below {bound:.4g}"


def _nothing_found(pairs: int, frozen: tuple[str, ...]) -> str:
    if pairs:
        return f"none of {pairs:,} straight paths rises, which proves nothing"
    same = " with the same frozen weights" if frozen else ""
    return f"there was no pair of finite endpoints{same} to look at"
