"""What the words of a report mean, for readers who have seen none before."""

from __future__ import annotations

LABELS = {
    "solved": "every output is on its target's side of the middle",
    "cycling": "the weights have come back to earlier ones, and will for ever",
    "plateau": "all patterns give one output, and the loss is that of the best constant",
    "saturated": "some patterns of different targets share their output, the loss is the one that "
    "this allows at best, and the weights still grow: no minimum, but no way out in sight either",
    "descending": "the loss still falls where the step budget ends",
    "oscillating": "the next step would raise the loss: the step size is too large there",
    "stationary": "loss and weights are at rest, but the restart is not solved",
    "minimum": "at rest where the loss curves upwards in every direction, and come back to after "
    "a perturbation",
    "saddle": "at rest where the loss curves downwards in some direction",
    "indeterminate": "at rest where the curvature does not tell",
    "diverged": "a weight, an output or the loss is no longer finite",
}
"""Every label, in the order of tables."""

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
