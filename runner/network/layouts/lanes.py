"""Layers of units unrolled over patterns, units and inputs: all engines, for small networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.network.layouts.layered import LayeredLayout
from runner.network.layouts.vectors import VectorLayout
from runner.network.tensors import Namespace, Tensor, total, weighted


class Lanes(VectorLayout, LayeredLayout):
    """Every single weight is a vector over lanes, and every unit has expressions of its own."""

    def layers(
        self, T: Namespace, parameters: Sequence[Tensor]
    ) -> list[tuple[list[Tensor], list[Tensor]]]:
        found: list[tuple[list[Tensor], list[Tensor]]] = [([], []) for _ in self.net.layers]
        for pattern in self.patterns:
            for (pre, out), (z, y) in zip(found, self.units(T, parameters, pattern), strict=True):
                pre += z
                out += y
        return found

    def places(self, layer: int) -> slice:
        sizes = [units * (fan_in + self.net.bias) for units, fan_in in self.net.layers]
        first = sum(sizes[:layer])
        return slice(first, first + sizes[layer])

    def units(
        self, T: Namespace, parameters: Sequence[Tensor], pattern: Sequence[Tensor | float]
    ) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """Yield the pre-activations and the outputs of every layer's units on one pattern."""
        net = self.net
        # Numbers are known when the graph is built; in a shuffled order inputs are tensors.
        inputs = [float(x) if isinstance(x, float | int) else x for x in pattern]
        made: dict[int, list[Tensor | float]] = {-1: inputs}
        row = 0
        for layer, (units, fan_in) in enumerate(net.layers):
            signals = [signal for source in net.sources(layer) for signal in made[source]]
            weights = parameters[row : row + units * fan_in]
            row += units * fan_in
            if net.bias:
                biases = list(parameters[row : row + units])
                row += units
            else:
                biases = [T.zeros_like(weights[0])] * units
            z = [
                weighted(biases[j], weights[j * fan_in : (j + 1) * fan_in], signals, self.dtype)
                for j in range(units)
            ]
            y = net.activation_of(layer).graph(T, z, self.dtype)
            made[layer] = list(y)
            yield z, y

    def loss(
        self,
        T: Namespace,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        loss, n = self.terms, self.net.n_outputs
        if loss.is_joint(self.net.output):
            starts = range(0, len(pre), n)
            return total([loss.joint_term(T, pre[i : i + n], targets[i : i + n]) for i in starts])
        terms = zip(pre, out, targets, strict=True)
        return total([loss.term(T, z, y, t, self.dtype) for z, y, t in terms])
