"""A new order of the patterns for every epoch, from a generator that lies in each lane.

The generator is Wichmann and Hill's (1982, algorithm AS 183): three small multiplications modulo
primes, all of whose numbers float32 has exactly, so that every engine, dtype and device goes
through the same states. Restart ``k`` begins with states drawn by `first_states` from its own part
of a counter-based stream: its orders depend on the root seed and on ``k`` alone, and are the same
in every configuration that takes as many patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from runner.network.tensors import Namespace, Tensor, constant, total

MULTIPLIERS: Final = (171, 172, 170)
MODULI: Final = (30269, 30307, 30323)
"""Of the three generators; each product is under 2**24."""

_KEY_TAG: Final = 0x6F726465  # keeps this stream apart from that of the starts


def first_states(seed: int, start: int, stop: int) -> np.ndarray:
    """Draw the generators' states of the restarts in [start, stop).

    Parameters
    ----------
    seed : int
        Root seed, 0 to 2**63 - 1.
    start, stop : int

    Returns
    -------
    ndarray, shape (3, stop - start), float64
        Whole numbers from 1 to below each of `MODULI`.
    """
    generator = np.random.Philox(key=np.array([seed, _KEY_TAG], np.uint64))
    generator.advance(start)  # four words each, of which three are used
    words = generator.random_raw(4 * (stop - start)).reshape(stop - start, 4)[:, :3]
    return np.asarray(1 + words % (np.array(MODULI, np.uint64) - 1), np.float64).T


def shuffled(
    T: Namespace, items: Sequence[Sequence[Tensor]], states: Sequence[Tensor], dtype: str
) -> tuple[list[list[Tensor]], list[Tensor]]:
    """Build a random order of items (Fisher and Yates), each lane its own.

    Parameters
    ----------
    T : module
        Tensor namespace of the engine.
    items : sequence of sequences of tensors
        Vectors over lanes, as many for every item.
    states : sequence of three tensors
        The generators' states.
    dtype : str
        Of all of these.

    Returns
    -------
    items, states
        In their new order, and the states after it.
    """
    order, states = [list(item) for item in items], list(states)
    for last in range(len(order) - 1, 0, -1):
        uniform, states = _next(T, states, dtype)
        place = T.floor(uniform * constant(last + 1, dtype))
        place = T.minimum(place, constant(last, dtype))  # where the product was rounded up
        for other in range(last):
            swap = T.eq(place, constant(other, dtype))
            pairs = list(zip(order[last], order[other], strict=True))
            order[last] = [T.switch(swap, b, a) for a, b in pairs]
            order[other] = [T.switch(swap, a, b) for a, b in pairs]
    return order, states


def _next(T: Namespace, states: Sequence[Tensor], dtype: str) -> tuple[Tensor, list[Tensor]]:
    """A number in [0, 1), and the states after it."""
    following = []
    for state, multiplier, modulus in zip(states, MULTIPLIERS, MODULI, strict=True):
        product, m = state * constant(multiplier, dtype), constant(modulus, dtype)
        rest = product - T.floor(product / m) * m
        # A quotient just under a whole number may have been rounded up to it.
        rest = T.switch(T.lt(rest, constant(0, dtype)), rest + m, rest)
        following.append(rest)
    pairs = zip(following, MODULI, strict=True)
    value = total([state / constant(modulus, dtype) for state, modulus in pairs])
    return value - T.floor(value), following
