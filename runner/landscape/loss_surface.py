"""The loss surfaces of n endpoints in float64: values, gradients and exact Hessians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.base import Measured

_LANES = 4096  # of one call for products with a Hessian


@dataclass(frozen=True)
class Values:
    """A surface at one point per endpoint."""

    loss: np.ndarray
    """(n,): loss, the L2 term included."""
    gradient: np.ndarray
    """(n_parameters, n)."""
    outputs: np.ndarray
    """(n_patterns * n_outputs, n)."""


@dataclass(frozen=True)
class LossSurface:
    """The surfaces of n endpoints that share a compiled function; one lane each."""

    measured: Measured
    """What evaluates them."""
    hyper: np.ndarray
    """(len(HYPERPARAMETERS), n): hyperparameters; of these the L2 factor is used."""
    targets: np.ndarray
    """(n_targets, n)."""

    def __len__(self) -> int:
        return int(self.hyper.shape[1])

    def __getitem__(self, which: np.ndarray) -> LossSurface:
        """Surfaces of some of the endpoints, or of one endpoint more than once."""
        return LossSurface(self.measured, self.hyper[:, which], self.targets[:, which])

    @property
    def trained(self) -> np.ndarray:
        """Which parameters are trained, (n_parameters,) bool; nothing moves along others."""
        return self.measured.signature.architecture.trained

    def values(self, weights: np.ndarray) -> Values:
        """Loss, gradient and outputs at weights (n_parameters, n)."""
        n, outputs = len(self), self.measured.signature.n_targets
        found = Values(np.empty(n), np.empty_like(weights, np.float64), np.empty((outputs, n)))
        for block, padded in self._blocks():
            seen = self.measured.values(weights[:, padded], *self._settings(padded))
            loss, gradient, computed = (array[..., : block.size] for array in seen)
            found.loss[block], found.gradient[:, block] = loss, gradient
            found.outputs[:, block] = computed
        return found

    def loss(self, weights: np.ndarray) -> np.ndarray:
        """Loss (n,) at weights (n_parameters, n)."""
        return self.values(weights).loss

    def hessian(self, weights: np.ndarray) -> np.ndarray:
        """Exact Hessian at weights (n_parameters, n).

        Returns
        -------
        ndarray, shape (n_parameters, n_parameters, n)
            One product with a unit vector per column, made symmetric to the last bit; 0 in the
            rows and columns of frozen parameters.
        """
        size = weights.shape[0]
        hessian = np.zeros((size, size, len(self)))
        for block, padded in self._blocks():
            # several columns in one call, as long as they are few lanes: calls take time too
            together = max(1, _LANES // padded.size) if self.measured.any_lanes else 1
            trained = np.flatnonzero(self.trained)
            for first in range(0, trained.size, together):
                columns = trained[first : first + together]
                lanes = np.tile(padded, columns.size)
                unit = np.zeros((size, columns.size, padded.size))
                unit[columns, np.arange(columns.size)] = 1.0
                product = self.measured.product(
                    weights[:, lanes], unit.reshape(size, -1), *self._settings(lanes)
                )
                product = product.reshape(size, columns.size, -1)[:, :, : block.size]
                hessian[:, columns, block[0] : block[-1] + 1] = product
        return 0.5 * (hessian + hessian.swapaxes(0, 1))

    def _blocks(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Endpoints by calls: those of a call, and the same padded to its number of lanes."""
        measured = self.measured
        n_lanes = max(1, len(self)) if measured.any_lanes else measured.signature.n_lanes
        blocks = []
        for start in range(0, len(self), n_lanes):
            block = np.arange(start, min(start + n_lanes, len(self)))
            blocks.append((block, np.pad(block, (0, n_lanes - block.size), mode="edge")))
        return blocks

    def _settings(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.hyper[:, which], self.targets[:, which]
