"""Starting weights of any range of restarts, from a counter-based generator.

Restart ``k`` owns a fixed slice of one Philox stream (Salmon et al. 2011) whose key is a hash of
the root seed, the network's shape and the initialisation. Any range can be drawn in one call, in
any order, on any machine; and configurations that differ only in gate, loss, optimizer or dtype
start from the same weights, so they can be compared restart by restart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from runner.network.architecture import Network
from runner.network.slices import Slice
from runner.network.starts.adjustments import NO_ADJUSTMENTS, Adjustments
from runner.network.starts.base import gaussian
from runner.network.starts.given import Given
from runner.network.starts.registry import DISTRIBUTIONS

_STARTS: Final[Mapping[str, int]] = MappingProxyType({})
"""What random numbers are for, where nothing else is said."""

_TOGETHER = 2**16  # random words of which numbers are made at a time: half a megabyte
_WORDS_PER_COUNT = 4  # 64-bit words that Philox yields per counter value

_encode: Final = json.JSONEncoder(sort_keys=True).encode


@dataclass(frozen=True)
class Starts:
    """The stream of starting weights of one network under one initialisation."""

    seed: int
    """Root seed, 0 to 2**63 - 1."""
    architecture: Network
    """Network whose parameters are drawn."""
    distribution: str
    """A key of `runner.network.starts.registry.DISTRIBUTIONS`, ``given`` or ``slice``."""
    scale: float
    """Half width, standard deviation or factor, as the distribution says."""
    slice: Slice | None = None
    """The grid of starts that takes the place of random ones, with distribution slice."""
    adjustments: Adjustments = NO_ADJUSTMENTS
    """What is changed in the distribution's numbers."""
    given: Given | None = None
    """The starts themselves, with distribution given."""
    attempt: int = 0
    """How many starts of each restart came before; see `runner.training.plateaus`."""

    def draw(self, start: int, stop: int) -> np.ndarray:
        """Starting weights of the restarts in [start, stop).

        Returns
        -------
        ndarray, shape (n_parameters, stop - start), float64
            With ``slice`` the grid's points, in its order.
        """
        if self.slice is not None:
            return self.slice.draw(self.architecture.parameter_names, start, stop)
        return self._of_uniform(self._uniform(start, stop), start, stop)

    def _of_uniform(self, uniform: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Make starts of their numbers on (0, 1), as `draw` does."""
        if self.given is not None:
            return self.given.draw(start, stop, uniform)
        drawn = DISTRIBUTIONS[self.distribution].draw(self.architecture, self.scale, uniform)
        return self.adjustments.apply(self.architecture, drawn, uniform)

    @property
    def _is_plain(self) -> bool:
        """Whether starts are the distribution's numbers, times its widths."""
        if self.slice is not None or self.given is not None:
            return False
        return self.adjustments == NO_ADJUSTMENTS and DISTRIBUTIONS[self.distribution].by_number

    def noise(self, start: int, stop: int) -> np.ndarray:
        """Standard normal numbers of the restarts in [start, stop), for a perturbation each.

        Returns
        -------
        ndarray, shape (n_parameters, stop - start), float64
            Others for every `attempt`, from a stream apart from that of the starts.
        """
        return gaussian(self._uniform(start, stop, {"perturbation": self.attempt}))

    def same_as(self, other: Starts) -> bool:
        """Tell whether another stream draws the same numbers, by what both are made of."""
        if self.slice is not None or other.slice is not None:
            names = self.architecture.parameter_names
            return self.slice == other.slice and names == other.architecture.parameter_names
        if self.given is not None or other.given is not None:
            return self._text() == other._text() and self._given() == other._given()
        if self._text() != other._text() or self.adjustments != other.adjustments:
            return False
        ours, theirs = (
            DISTRIBUTIONS[each.distribution].scales(each.architecture, each.scale)
            for each in (self, other)
        )
        return bool(np.array_equal(ours, theirs))

    def _given(self) -> tuple[str, float] | None:
        return None if self.given is None else (self.given.sha256, self.given.noise)

    def _uniform(self, start: int, stop: int, purpose: Mapping[str, int] = _STARTS) -> np.ndarray:
        """Draw numbers on the open interval (0, 1), shape (n_parameters, stop - start)."""
        return _on_unit(self._words(start, stop, purpose), self.architecture.n_parameters)

    def _words(self, start: int, stop: int, purpose: Mapping[str, int] = _STARTS) -> np.ndarray:
        """Draw the random words (stop - start, n_words) of restarts, as many as counts have."""
        counts = -(-self.architecture.n_parameters // _WORDS_PER_COUNT)
        generator = np.random.Philox(key=self._key(purpose))
        generator.advance(start * counts)
        words = generator.random_raw((stop - start) * counts * _WORDS_PER_COUNT)
        return words.reshape(stop - start, counts * _WORDS_PER_COUNT)

    def _key(self, purpose: Mapping[str, int]) -> np.ndarray:
        digest = hashlib.sha256(self._text(purpose).encode()).digest()
        return np.frombuffer(digest[:16], "<u8").astype(np.uint64)

    def _text(self, purpose: Mapping[str, int] = _STARTS) -> str:
        """What the random numbers are made of."""
        net = self.architecture.as_layers
        return _encode(
            {
                "seed": self.seed,
                "layers": self.architecture.starts_shape,
                "distribution": self.distribution,
                "scale": self.scale,
            }
            | self.adjustments.key()
            | ({} if net is None or net.bias else {"biases": False})
            | dict(purpose or ({"attempt": self.attempt} if self.attempt else {}))
        )


def draw_together(parts: Sequence[tuple[Starts, int, int]]) -> np.ndarray:
    """Starting weights of ranges of restarts of networks of one size, one after the other.

    Parameters
    ----------
    parts : sequence of tuple
        A stream, and a range of its restarts, each.

    Returns
    -------
    ndarray, shape (n_parameters, n), float64
        What `Starts.draw` gives for each; of many short ranges in a fraction of the time.
    """
    streams = [stream for stream, *_ in parts]
    n, kinds = streams[0].architecture.n_parameters, {each.distribution for each in streams}
    if len(kinds) > 1 or not all(each._is_plain for each in streams):
        return np.concatenate([each.draw(first, last) for each, first, last in parts], axis=1)
    drawn = [each._words(first, last) for each, first, last in parts]
    words = drawn[0] if len(drawn) == 1 else np.concatenate(drawn)
    kind = DISTRIBUTIONS[kinds.pop()]
    widths = np.stack([kind.scales(each.architecture, each.scale) for each in streams], axis=1)
    if len(drawn) > 1:
        widths = np.repeat(widths, [last - first for _, first, last in parts], axis=1)
    starts = np.empty((n, len(words)))
    size = max(8, _TOGETHER // words.shape[1])
    for first in range(0, len(words), size):  # what is in the cache is turned round there
        part = slice(first, first + size)
        own = widths if len(drawn) == 1 else widths[:, part]
        np.multiply(own, kind.standard(_on_unit(words[part], n)), out=starts[:, part])
    return starts


def _on_unit(words: np.ndarray, n: int) -> np.ndarray:
    """Make numbers (n, k) on the open interval (0, 1) of the first n of each row's random words."""
    # the middle of 2**53 equal cells: never 0 or 1, so the inverse of the normal is finite
    cells = (words[:, :n] >> np.uint64(11)).view(np.int64)  # made a float sooner than unsigned ones
    uniform: np.ndarray = (cells + 0.5) * 2.0**-53
    return np.ascontiguousarray(uniform).T
