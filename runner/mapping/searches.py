"""Searches: from where each starts, and which index it wants.

Search number k has both from a counter, whoever makes it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from runner.landscape.newton import length
from runner.mapping.eigenvector_following import ANY
from runner.network.symmetry import Symmetries

RANDOM, BETWEEN, ENDPOINT, PATH = "random", "between", "endpoint", "path"
"""Where a critical point was found from."""

_ORIGINS = (RANDOM, RANDOM, BETWEEN, ENDPOINT)  # of searches in turn
_SHARES = (0.20, 0.55, 0.95)  # up to which a search wants index 0, index 1, any; then a higher one
_WORDS = 6  # uniform numbers of a search beside one per parameter and two per hidden unit
_WIDEST = 10.0  # standard deviation of random starts, and its inverse the narrowest
_NOISE = 0.05  # relative, of starts between two points


@dataclass(frozen=True, eq=False)
class Searches:
    """The starts of searches of one configuration, in order of their numbers."""

    weights: np.ndarray
    """(n_parameters, n)."""
    wanted: np.ndarray
    """(n,) int: index that is searched for, or `ANY`."""
    origin: np.ndarray
    """(n,) of `RANDOM`, `BETWEEN` and `ENDPOINT`, dtype object."""

    def __len__(self) -> int:
        return len(self.wanted)


@dataclass(frozen=True, eq=False)
class SearchStream:
    """The starts of all searches of one configuration."""

    seed: int
    """Root seed of the experiment."""
    symmetries: Symmetries
    """Of the network and its loss."""
    endpoints: np.ndarray
    """(n_parameters, n): endpoints of restarts, finite; may be none."""
    highest_index: int
    """Highest index that is searched for; -1 for all."""

    def draw(self, first: int, n: int, known: np.ndarray, index: int) -> Searches:
        """Starts of searches first to first + n.

        Parameters
        ----------
        first, n : int
        known : ndarray, shape (n_parameters, m)
            Critical points of index 0 and 1 that were known when the search round began.
        index : int
            Highest index that was known then.

        Notes
        -----
        Half of the searches start from random points: normal numbers whose standard deviation is
        log-uniform from 1/10 to 10. A quarter starts between two known points, or images of one,
        and a quarter from endpoints of restarts while there are any left.
        """
        p = self.symmetries.architecture.n_parameters
        uniform = self._uniform(first, n)
        normal, rest = ndtri(uniform[:p]), uniform[p:]
        number = first + np.arange(n)
        origin = np.array(_ORIGINS, object)[number % len(_ORIGINS)]
        weights = normal * _WIDEST ** (2 * rest[0] - 1)
        between = np.flatnonzero((origin == BETWEEN) & (known.shape[1] > 0))
        origin[(origin == BETWEEN) & (known.shape[1] == 0)] = RANDOM
        if between.size:
            weights[:, between] = self._between(known, normal[:, between], rest[:, between])
        given = np.flatnonzero(origin == ENDPOINT)
        place = number[given] // len(_ORIGINS)
        left = place < self.endpoints.shape[1]
        origin[given[~left]] = RANDOM
        weights[:, given[left]] = self.endpoints[:, place[left]]
        return Searches(weights, _wanted(rest[4], rest[5], index, self.highest_index), origin)

    def _between(self, known: np.ndarray, normal: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Points between two known ones, of which one is replaced by a random image."""
        m = known.shape[1]
        one = known[:, np.minimum((rest[1] * m).astype(int), m - 1)]
        other = known[:, np.minimum((rest[2] * m).astype(int), m - 1)]
        row = _WORDS
        for layer in self.symmetries.layers:
            units = self.symmetries.units(layer)
            places = np.argsort(rest[row : row + units], axis=0)
            signs = None
            if self.symmetries.flips(layer):
                signs = np.where(rest[row + units : row + 2 * units] < 0.5, -1.0, 1.0)
            other = self.symmetries.transform(other, layer, places, signs)
            row += 2 * units
        point = one + rest[3] * (other - one)
        return np.asarray(point + _NOISE * length(point) * normal / np.sqrt(len(normal)))

    def _uniform(self, first: int, n: int) -> np.ndarray:
        """Draw numbers on the open interval (0, 1): (words, n), a column for each search."""
        units = sum(map(self.symmetries.units, self.symmetries.layers))
        words = self.symmetries.architecture.n_parameters + _WORDS + 2 * units
        counts = -(-words // 4)  # Philox yields four words per counter value
        generator = np.random.Philox(key=self._key())
        generator.advance(first * counts)
        drawn = generator.random_raw(n * counts * 4).reshape(n, counts * 4)[:, :words]
        return np.ascontiguousarray(((drawn >> np.uint64(11)) + 0.5) * 2.0**-53).T

    def _key(self) -> np.ndarray:
        shape = [list(layer) for layer in self.symmetries.architecture.starts_shape]
        text = json.dumps({"map": self.seed, "layers": shape}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).digest()
        return np.frombuffer(digest[:16], "<u8").astype(np.uint64)


def _wanted(kind: np.ndarray, which: np.ndarray, known: int, highest: int) -> np.ndarray:
    """Index (n,) that each search wants: few ask for one above 1, as Newton's method finds those.

    ``known`` is the highest index that is known, ``highest`` the highest that is searched for, -1
    for all.
    """
    higher = 2 + (which * max(known, 1)).astype(int)  # one above what is known too
    wanted = np.select([kind < share for share in _SHARES], [0, 1, ANY], higher)
    if highest >= 0:
        wanted = np.where(wanted == ANY, highest, np.minimum(wanted, highest))
    return wanted
