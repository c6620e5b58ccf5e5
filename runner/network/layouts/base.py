"""What a training step needs of a layout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from runner.network.architecture import Network
from runner.network.loss_kind import LossKind
from runner.network.tensors import Namespace, Scalar, Tensor

Patterns: TypeAlias = np.ndarray | Sequence[Sequence[Tensor | float]]
"""Input patterns (n_patterns, n_inputs): numbers, or vectors over lanes in layout lanes."""


class Layout(ABC):
    """How the restarts of one network lie in tensors, and its outputs and loss built of those.

    Parameters
    ----------
    network : Network
    patterns : ndarray, shape (n_patterns, n_inputs), float64
        Folded into the graph as constants. Layout lanes takes tensors, too.
    loss : LossKind, optional
        None where the network makes its own.
    dtype : str
        Of all tensors: float32 or float64.

    Notes
    -----
    All parameters are a list of tensors, and so are all outputs and all targets (a number per
    pattern and output): below, *the parameter tensors*, *the output tensors* and so on. What they
    hold of one restart is one *lane*.

    For who adds one: write ``runner/network/layouts/NAME.py``, name it in
    `runner.network.layouts.registry.LAYOUTS` and in `layouts` of the networks that it can compute,
    and let `runner.experiment.batch_sizes` choose it. Derive from `PackedLayout` if engines other
    than vector code are to use it. A lane's numbers must not depend on other lanes, to the bit.
    """

    def __init__(
        self, network: Network, patterns: Patterns, loss: LossKind | None, dtype: str
    ) -> None:
        self.network = network
        self.patterns = patterns
        self.loss_kind = loss
        self.dtype = dtype

    @property
    @abstractmethod
    def n_tensors(self) -> int:
        """Number of parameter tensors."""

    @property
    @abstractmethod
    def trained(self) -> list[bool]:
        """Whether each of the parameter tensors is trained, not frozen."""

    @property
    @abstractmethod
    def biases(self) -> list[bool]:
        """Whether each of the parameter tensors is of biases."""

    def penalised(self, with_biases: bool) -> list[bool]:
        """Whether each of the parameter tensors is part of an L2 term."""
        return [with_biases or not bias for bias in self.biases]

    @abstractmethod
    def forward(
        self, T: Namespace, parameters: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return pre-activations and outputs of the output units.

        A layout whose network makes its own loss returns that in place of the pre-activations; it
        alone needs the targets for it.
        """

    @abstractmethod
    def loss(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        """Sum the loss terms to one number per lane, before `factor`."""

    @property
    @abstractmethod
    def factor(self) -> float:
        """What the summed loss terms are multiplied by."""

    @abstractmethod
    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> list[tuple[Tensor, Tensor]]:
        """Where back-propagation starts: (tensor, derivative of the loss, with `factor`, by it)."""

    @abstractmethod
    def spread(self, T: Namespace, vector: Tensor, tensor: Tensor) -> Tensor:
        """Make a number per lane broadcast against one tensor."""

    @abstractmethod
    def add(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        """Sum all tensors to one number per lane."""

    @abstractmethod
    def highest(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        """Reduce all tensors to their largest number per lane."""

    @abstractmethod
    def every(self, T: Namespace, tensors: Sequence[Tensor]) -> Tensor:
        """Reduce all tensors of booleans to one per lane."""

    @abstractmethod
    def per_output(self, values: Sequence[float]) -> Sequence[np.ndarray | Scalar]:
        """Spread one constant per output over the output tensors."""

    @abstractmethod
    def by_output(self, tensors: Sequence[Tensor]) -> list[list[Tensor]]:
        """Split output (or target) tensors by outputs: for each a list over the patterns.

        One tensor may hold several patterns; `every` takes what is made of such tensors.
        """


class PackedLayout(Layout):
    """A layout whose tensors are cut from, and joined to, one packed matrix (rows, n_lanes).

    Notes
    -----
    Every packed layout reads and writes the same matrix, so nothing outside a layout depends on
    which of them is used.
    """

    @abstractmethod
    def unpack(self, T: Namespace, rows: Tensor) -> list[Tensor]:
        """Split packed rows (n_parameters, n_lanes) into the parameter tensors."""

    @abstractmethod
    def pack(self, T: Namespace, parameters: Sequence[Tensor]) -> Tensor:
        """Join the parameter tensors into rows (n_parameters, n_lanes)."""

    @abstractmethod
    def unpack_targets(self, T: Namespace, rows: Tensor) -> list[Tensor]:
        """Split packed rows (n_patterns * n_outputs, n_lanes) into the target tensors."""

    @abstractmethod
    def pack_outputs(self, T: Namespace, outputs: Sequence[Tensor]) -> Tensor:
        """Join the output tensors into rows (n_patterns * n_outputs, n_lanes)."""
