"""The cross-entropy, in nats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.network.losses.base import Loss
from runner.network.tensors import Namespace, Scalar, Tensor, constant, largest, total


class CrossEntropy(Loss):
    """Cross-entropy of logistic outputs, one by one, or of the classes of a softmax, together.

    Notes
    -----
    Both are computed from pre-activations, so that no logarithm meets a zero.
    """

    by_pre_activations = True

    def is_joint(self, output: str) -> bool:
        return output == "softmax"

    def term(self, T: Namespace, z: Tensor, y: Tensor, t: Tensor, dtype: str) -> Tensor:
        zero = constant(0, dtype)
        return T.maximum(z, zero) - t * z + T.log1p(T.exp(-abs(z)))

    def joint_term(self, T: Namespace, z: Sequence[Tensor], t: Sequence[Tensor]) -> Tensor:
        highest = largest(T, z)
        log_scale = highest + T.log(total([T.exp(score - highest) for score in z]))
        return log_scale - total([ti * zi for ti, zi in zip(t, z, strict=True)])

    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
        factor: Scalar,
    ) -> list[tuple[Tensor, Tensor]]:
        # Both the logistic and the softmax output give factor * (y - t) at the pre-activation,
        # exactly; starting there spares the logarithms and never divides by zero.
        errors = zip(pre, out, targets, strict=True)
        return [(z, factor * (y - t)) for z, y, t in errors]

    def of_outputs(self, y: np.ndarray, t: np.ndarray, output: str) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(t > 0, -t * np.log(y), 0.0)
            if not self.is_joint(output):
                terms += np.where(t < 1, -(1 - t) * np.log1p(-y), 0.0)
        return np.asarray(terms.sum(axis=(0, 1)))
