"""What the words of a report mean, for readers who have seen none before."""

from __future__ import annotations

from runner.training.labels import Label

LABELS = {label.value: label.sentence for label in Label} | {
    "minimum": "at rest where the loss curves upwards in every direction, and come back to after "
    "a perturbation",
    "saddle": "at rest where the loss curves downwards in some direction",
    "indeterminate": "at rest where the curvature does not tell",
}
"""Every label of restarts, and every further kind of class."""

OTHERS = {
    "restart": "one training run from one random start",
    "configuration": "one combination of the experiment's settings",
    "step": "one update of all weights on all patterns",
    "class": "endpoints that the network's symmetries (hidden units exchanged, signs turned) make "
    "the same",
    "excess": "how far the loss on a straight path rises above the line between its ends' losses; "
    "above 0 it proves that the loss is not convex",
    "barrier": "the highest loss on a path less the mean of its ends' losses",
    "alignment": "exchanging hidden units of one endpoint so that they match another's: removes "
    "barriers that are there by symmetry alone",
    "midpoint violation": "how far the loss halfway between two endpoints lies above the mean of "
    "theirs; above 0 it is a proof too",
    "95% interval": "made by a rule that covers the true value in 95% of studies",
}
"""Other words."""
