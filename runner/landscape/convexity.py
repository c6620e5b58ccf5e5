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
    if network is None or network.hidden:
        return ""
    if loss.kind == "cross-entropy":
        kind = "softmax" if network.output == "softmax" else "logistic"
        return f"A single layer under cross-entropy ({kind} regression) has a convex loss"
    if network.output == "linear":
        return "A single linear layer under squared error (least squares) has a convex loss"
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
    if network is None or network.hidden != (2,) or network.skip:
        return np.nan
    if settings.problem.gate not in ("XOR", "XNOR"):
        return np.nan
    low, high = float(table.targets.min()), float(table.targets.max())
    factor = LossKind(settings.loss.kind, settings.loss.reduction).factor(network, table.n_patterns)
    if settings.loss.kind == "cross-entropy":
        return float(factor * 3 * _ENTROPY) if (low, high) == (0.0, 1.0) else np.nan
    return float(factor * 2 / 3 * (high - low) ** 2) if network.output != "softmax" else np.nan


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
    # an overflow half way is no rise
    swaps = curvature["swap_excess"].where(np.isfinite(curvature["swap_excess"]))
    row: dict[str, str | int | float] = {
        "configuration": configuration.index,
        "verdict": OPEN,
        "pairs": len(pairs),
        "violations": int(pairs.sum()),
        "worst_violation": paths["excess"].max() if len(paths) else np.nan,
        "swap_violation": swaps.max() if len(swaps) else np.nan,
        "restart_a": -1,
        "restart_b": -1,
    }
    reasons = []
    why = known(configuration)
    swapped = swaps > rise_tolerance * np.maximum(curvature["loss"], 1.0)
    if row["violations"]:
        worst = paths.iloc[int(np.argmax(paths["excess"].where(paths["violated"], -np.inf)))]
        row["restart_a"], row["restart_b"] = int(worst["restart_a"]), int(worst["restart_b"])
        image = " (its nearest image under the symmetries)" if worst["aligned"] else ""
        reasons.append(
            f"the loss on the straight path from restart {row['restart_a']} to "
            f"{row['restart_b']}{image} rises {worst['excess']:.3g} above the line between its "
            f"ends; so it does for {row['violations']:,} of {row['pairs']:,} pairs"
        )
    if swapped.any():
        best = curvature.iloc[int(np.argmax(swaps.where(swapped, -np.inf)))]
        restart = int(best["restart"])
        if not row["violations"]:
            row["restart_a"] = row["restart_b"] = restart
        text = (
            f"restart {restart} with two hidden units exchanged has the same loss, "
            f"{best['loss']:.3g}, and half way it is {best['swap_excess']:.3g} higher"
        )
        bound = swap_bound(configuration)
        if not np.isnan(bound):
            text += f"; with two equal units no loss comes below {bound:.4g}"
        reasons.append(text)
    if why:
        row["verdict"] = KNOWN
        rounding = f", by at most {row['worst_violation']:.1g}" if row["violations"] else ""
        reasons = [f"{why}; {row['violations']:,} of {row['pairs']:,} pairs violate it{rounding}"]
    elif reasons:
        row["verdict"] = PROVEN
    elif row["pairs"]:
        reasons = [f"none of {row['pairs']:,} straight paths rises, which proves nothing"]
    else:
        reasons = ["there was no pair of finite endpoints to look at"]
    text = ". ".join(reason[0].upper() + reason[1:] for reason in reasons)
    return row | {"reason": f"{text}."}
