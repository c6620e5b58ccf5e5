"""The patterns in the order in which an epoch of updates on some of them takes them."""

from __future__ import annotations

from collections.abc import Sequence

from runner.network.shuffle import shuffled
from runner.network.signature import Signature
from runner.network.tensors import Namespace, Tensor, constant


def ordered_patterns(
    T: Namespace, signature: Signature, targets: Sequence[Tensor], generator: Sequence[Tensor]
) -> tuple[list[list[Tensor | float]], list[list[Tensor]], list[Tensor]]:
    """Build the patterns and their targets, each in the order of one epoch.

    Parameters
    ----------
    T : module
        Tensor namespace of the engine.
    signature : Signature
    targets : sequence of tensors
        Vectors over lanes, pattern by pattern.
    generator : sequence of tensors
        The three of `runner.network.shuffle`, where patterns are shuffled; else empty.

    Returns
    -------
    patterns, targets, generator
        An item for each pattern, and the generator after the epoch.
    """
    dtype, n_inputs = signature.dtype, signature.architecture.n_inputs
    n = signature.architecture.n_outputs
    patterns: list[list[Tensor | float]] = [[float(x) for x in p] for p in signature.patterns]
    aims = [list(targets[start : start + n]) for start in range(0, len(targets), n)]
    if not signature.shuffled:
        return patterns, aims, []
    one = T.ones_like(generator[0])
    items = [
        [*(one * constant(x, dtype) for x in pattern), *aim]
        for pattern, aim in zip(patterns, aims, strict=True)
    ]
    order, after = shuffled(T, items, generator, dtype)
    return [row[:n_inputs] for row in order], [row[n_inputs:] for row in order], after
