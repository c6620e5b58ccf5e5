"""What all layouts of layers of units share: the loss is a sum of terms of a known kind."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence

from runner.network.architecture import Architecture, Network
from runner.network.layouts.base import Layout, Patterns
from runner.network.loss_kind import LossKind
from runner.network.losses.base import Loss
from runner.network.tensors import Namespace, Tensor, constant


class LayeredLayout(Layout):
    """A layout of layers of units under a loss of the registry."""

    def __init__(
        self, network: Network, patterns: Patterns, loss: LossKind | None, dtype: str
    ) -> None:
        super().__init__(network, patterns, loss, dtype)
        if loss is None:
            message = f"the loss of {network.title} is not known"
            raise TypeError(message)
        self.net: Architecture = network.require_layers()
        self.kind: LossKind = loss
        self.terms: Loss = loss.loss.of(self.net.output)

    @abstractmethod
    def layers(
        self, T: Namespace, parameters: Sequence[Tensor]
    ) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
        """Return the pre-activations and the outputs of all patterns, layer by layer."""

    @abstractmethod
    def places(self, layer: int) -> slice:
        """Return where a layer's own tensors are among the parameter tensors."""

    @property
    def factor(self) -> float:
        return self.kind.factor(self.net, len(self.patterns))

    def forward(
        self, T: Namespace, parameters: Sequence[Tensor], targets: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        *_, last = self.layers(T, parameters)
        return last

    def seeds(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> list[tuple[Tensor, Tensor]]:
        return self.terms.seeds(T, pre, out, targets, constant(self.factor, self.dtype))
