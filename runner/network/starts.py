"""Starting weights of any range of restarts, from a counter-based generator.

Restart ``k`` owns a fixed slice of one Philox stream (Salmon et al. 2011) whose key is a hash of
the root seed, the network's shape and the initialisation. Any range can be drawn in one call, in
any order, on any machine; and configurations that differ only in gate, loss, optimizer or dtype
start from the same weights, so they can be compared restart by restart.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from runner.network.architecture import Architecture
from runner.network.slices import Slice

_WORDS_PER_COUNT = 4  # 64-bit words that Philox yields per counter value


@dataclass(frozen=True)
class Starts:
    """The stream of starting weights of one network under one initialisation."""

    seed: int
    """Root seed, 0 to 2**63 - 1."""
    architecture: Architecture
    """Network whose parameters are drawn."""
    distribution: str
    """uniform, normal, glorot-uniform, he-normal or slice."""
    scale: float
    """Half width, standard deviation or factor; see `draw`."""
    slice: Slice | None = None
    """The grid of starts that takes the place of random ones, with distribution slice."""

    def draw(self, start: int, stop: int) -> np.ndarray:
        """Starting weights of the restarts in [start, stop).

        Returns
        -------
        ndarray, shape (n_parameters, stop - start), float64
            ``uniform``: every parameter on (-scale, scale). ``normal``: every parameter with
            standard deviation scale. ``glorot-uniform`` (Glorot and Bengio 2010): weights on
            ±scale·sqrt(6 / (fan_in + fan_out)), biases 0. ``he-normal`` (He et al. 2015): weights
            with standard deviation scale·sqrt(2 / fan_in), biases 0. ``slice``: the grid's points,
            in its order.

        Notes
        -----
        Normal variates come from the inverse distribution function, which takes one word each, so
        that every restart's slice has the same length.
        """
        if self.slice is not None:
            return self.slice.draw(self.architecture.parameter_names, start, stop)
        uniform = self._uniform(start, stop)
        scales = self._scales()[:, np.newaxis]
        if self.distribution in ("normal", "he-normal"):
            from scipy.special import ndtri  # takes a while to load

            weights = scales * ndtri(uniform)
        else:
            weights = scales * (2 * uniform - 1)
        return np.asarray(weights, np.float64)

    def _uniform(self, start: int, stop: int) -> np.ndarray:
        """Draw numbers on the open interval (0, 1), shape (n_parameters, stop - start)."""
        n = self.architecture.n_parameters
        counts = -(-n // _WORDS_PER_COUNT)
        generator = np.random.Philox(key=self._key())
        generator.advance(start * counts)
        words = generator.random_raw((stop - start) * counts * _WORDS_PER_COUNT)
        words = words.reshape(stop - start, counts * _WORDS_PER_COUNT)[:, :n]
        # the middle of 2**53 equal cells: never 0 or 1, so the inverse of the normal is finite
        return np.ascontiguousarray(((words >> np.uint64(11)) + 0.5) * 2.0**-53).T

    def _key(self) -> np.ndarray:
        net = self.architecture
        text = json.dumps(
            {
                "seed": self.seed,
                "layers": net.layers,
                "distribution": self.distribution,
                "scale": self.scale,
            },
            sort_keys=True,
        )
        digest = hashlib.sha256(text.encode()).digest()
        return np.frombuffer(digest[:16], "<u8").astype(np.uint64)

    def _scales(self) -> np.ndarray:
        """Scale of each parameter, shape (n_parameters,)."""
        if self.distribution in ("uniform", "normal"):
            return np.full(self.architecture.n_parameters, self.scale)
        scales: list[float] = []
        for units, inputs in self.architecture.layers:
            if self.distribution == "glorot-uniform":
                scale = self.scale * np.sqrt(6 / (inputs + units))
            else:
                scale = self.scale * np.sqrt(2 / inputs)
            scales += [scale] * (units * inputs) + [0.0] * units
        return np.array(scales)
