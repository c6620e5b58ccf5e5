"""The loss behind FANN's tanh error function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from runner.network.losses.base import Loss
from runner.network.tensors import Namespace, Scalar, Tensor, constant

_LAST: Final = 0.9999999
"""Error from which on the slope is `_STEEPEST`."""

_STEEPEST: Final = 17.0


class TanhError(Loss):
    """Twice (1 + e) ln(1 + e) + (1 - e) ln(1 - e) for every pattern and output, with error e.

    Notes
    -----
    Half its slope is ln((1 + e) / (1 - e)), and 17 from an error of 0.9999999 on:
    ``FANN_ERRORFUNC_TANH`` of libfann 2.2.0, which makes large errors count for more than their
    square. Near 0 it is 2 e², twice the squared error. As there, the error of a tanh output is
    halved first.
    """

    def __init__(self, halved: bool = False) -> None:
        self._share = 0.5 if halved else 1.0

    def of(self, output: str) -> Loss:
        return TanhError(halved=output == "tanh")

    def term(self, T: Namespace, z: Tensor, y: Tensor, t: Tensor, dtype: str) -> Tensor:
        one, steepest = constant(1, dtype), constant(_STEEPEST, dtype)
        e = constant(self._share, dtype) * (y - t)
        inside = self._inside(T, e, dtype)
        up, down = one + inside, one - inside
        value = up * T.log(up) + down * T.log(down) + steepest * abs(e - inside)
        # Rounding can bring it under 0, where the loss is all but 0.
        return constant(2 / self._share, dtype) * T.maximum(value, constant(0, dtype))

    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
        factor: Scalar,
    ) -> list[tuple[Tensor, Tensor]]:
        dtype = str(factor.dtype)
        return [
            (y, (factor + factor) * self._slope(T, constant(self._share, dtype) * (y - t), dtype))
            for y, t in zip(out, targets, strict=True)
        ]

    def of_outputs(self, y: np.ndarray, t: np.ndarray, output: str) -> np.ndarray:
        own = self.of(output)
        terms = own.term(np, y, y, t, "float64")
        return np.asarray(terms.sum(axis=(0, 1)))

    def _inside(self, T: Namespace, e: Tensor, dtype: str) -> Tensor:
        last = constant(_LAST, dtype)
        return T.minimum(T.maximum(e, -last), last)

    def _slope(self, T: Namespace, e: Tensor, dtype: str) -> Tensor:
        one, last = constant(1, dtype), constant(_LAST, dtype)
        steepest = constant(_STEEPEST, dtype)
        inside = self._inside(T, e, dtype)
        slope = T.log((one + inside) / (one - inside))
        slope = T.switch(T.gt(e, last), steepest, slope)
        return T.switch(T.lt(e, -last), -steepest, slope)
