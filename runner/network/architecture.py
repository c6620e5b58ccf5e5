"""What a network is to all rooms, and the usual kind: fully connected layers of units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np

from runner.network.activations.base import Activation
from runner.network.activations.registry import ACTIVATIONS


class Network(ABC):
    """Parameters that are trained, and what is known of the function that they compute.

    Notes
    -----
    Callers ask what they need (`as_layers`, `executes_file`, ...), never which subclass it is.

    For who adds a kind of network: subclass this as a frozen dataclass, and write a layout in
    `runner.network.layouts` that builds its outputs and its loss.
    """

    n_inputs: int
    """Inputs of the network."""
    n_outputs: int
    """Outputs of the network."""

    layouts: ClassVar[tuple[str, ...]]
    """Layouts that can compute it, by name; the first has a vector for every single parameter."""

    frozen: tuple[str, ...] = ()
    """Arrays of parameters that training leaves as they start."""
    executes_file: ClassVar[bool] = False
    """Whether its graph is built by executing a user's file."""

    @property
    def is_trusted(self) -> bool:
        """Whether its graph may be built here; False for a file that the client did not trust."""
        return True

    @property
    def as_layers(self) -> Architecture | None:
        """Its layers of units; None where they are not known.

        Only with layers are known: pre-activations, symmetries, hidden codes, exact loss levels,
        and outputs without an engine.
        """
        return None

    def require_layers(self) -> Architecture:
        """Return `as_layers`, for what cannot do without.

        Raises
        ------
        TypeError
            If the layers are not known.
        """
        layers = self.as_layers
        if layers is None:
            message = f"the layers of {self.title} are not known"
            raise TypeError(message)
        return layers

    @property
    def has_hidden_units(self) -> bool:
        """Whether it is known to have hidden units."""
        return self.as_layers is not None and bool(self.as_layers.hidden)

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is called."""

    @property
    @abstractmethod
    def array_names(self) -> tuple[str, ...]:
        """Names of the arrays of parameters, in storage order."""

    @property
    @abstractmethod
    def parameter_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each array of parameters, in storage order."""

    @property
    @abstractmethod
    def starts_shape(self) -> Sequence[tuple[int, int]]:
        """(units, inputs) of every layer, as the random starts depend on them.

        Networks of one seed, initialisation and ``starts_shape`` start from the same numbers.
        """

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Every parameter in storage order: array by array, ``W1[0,0]``, ``W1[0,1]``, ..."""
        return tuple(
            f"{name}[{','.join(map(str, place))}]"
            for name, shape in zip(self.array_names, self.parameter_shapes, strict=True)
            for place in product(*map(range, shape))
        )

    @cached_property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return sum(prod(shape) for shape in self.parameter_shapes)

    @cached_property
    def trained(self) -> np.ndarray:
        """Which parameters are trained, shape (n_parameters,), bool: those of no frozen array."""
        arrays = zip(self.array_names, self.parameter_shapes, strict=True)
        return np.concatenate([np.full(prod(s), name not in self.frozen) for name, s in arrays])

    @cached_property
    def biases(self) -> np.ndarray:
        """Which parameters are known to be biases, shape (n_parameters,), bool."""
        known = self.as_layers is not None
        arrays = zip(self.array_names, self.parameter_shapes, strict=True)
        return np.concatenate([np.full(prod(s), known and name[0] == "b") for name, s in arrays])

    def blocks(self) -> list[tuple[slice, tuple[int, ...]]]:
        """Rows and shape of each array of parameters in a stacked parameter vector."""
        blocks: list[tuple[slice, tuple[int, ...]]] = []
        row = 0
        for shape in self.parameter_shapes:
            size = prod(shape)
            blocks.append((slice(row, row + size), shape))
            row += size
        return blocks


@dataclass(frozen=True)
class Architecture(Network):
    """Shape and non-linearities of a fully connected network.

    Notes
    -----
    Layer ``l`` computes ``f(W_l a + b_l)`` with ``W_l`` of shape (units, inputs of the layer). With
    ``skip`` layers have more inputs than the units of the one before: those come first, then the
    units of earlier layers, the nearer ones first, and the network's inputs last. The weight matrix
    has that many columns more.

    Examples
    --------
    >>> net = Architecture(2, (2,), 1, "sigmoid", "sigmoid")
    >>> net.title, net.n_parameters
    ('2-2-1', 9)
    """

    n_inputs: int
    """Inputs of the network."""
    hidden: tuple[int, ...]
    """Units per hidden layer; empty for a single layer."""
    n_outputs: int
    """Units of the output layer."""
    activation: str | tuple[str, ...]
    """Non-linearity of the hidden units, or one for each hidden layer."""
    output: str
    """Non-linearity of the output units."""
    skip: bool | str = False
    """Shortcuts. True: the inputs also feed the output units; ``inputs``: every layer; ``all``:
    they and every layer feed all layers that follow."""
    bias: bool = True
    """Whether units have biases."""
    frozen: tuple[str, ...] = ()
    """Arrays of parameters that training leaves as they start."""

    layouts: ClassVar[tuple[str, ...]] = ("lanes", "stacked", "matrices")

    @property
    def as_layers(self) -> Architecture:
        return self

    @property
    def title(self) -> str:
        """What it is called: its numbers of units, as in ``2-2-1``."""
        return "-".join(str(n) for n in (self.n_inputs, *self.hidden, self.n_outputs))

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(units, inputs) of every layer, the output layer last."""
        return tuple(
            (units, sum(self._width(source) for source in self.sources(layer)))
            for layer, units in enumerate((*self.hidden, self.n_outputs))
        )

    def sources(self, layer: int) -> tuple[int, ...]:
        """Return what feeds a layer, in the order of its weights: layers from 0, -1 for the inputs.

        Examples
        --------
        >>> net = Architecture(2, (4, 3), 1, "tanh", "sigmoid", skip="all")
        >>> [net.sources(layer) for layer in range(3)]
        [(-1,), (0, -1), (1, 0, -1)]
        """
        if self.skip == "all":
            return tuple(range(layer - 1, -2, -1))
        last = layer == len(self.hidden)
        if layer and (self.skip == "inputs" or (self.skip and last)):
            return (layer - 1, -1)
        return (layer - 1,)

    def columns(self, layer: int, source: int) -> slice:
        """Return the columns of a layer's weights that one of its `sources` feeds."""
        first = 0
        for each in self.sources(layer):
            if each == source:
                break
            first += self._width(each)
        return slice(first, first + self._width(source))

    def fed_by(self, layer: int) -> tuple[int, ...]:
        """Return the layers that a layer's units feed."""
        return tuple(m for m in range(layer + 1, len(self.layers)) if layer in self.sources(m))

    def _width(self, source: int) -> int:
        return self.n_inputs if source < 0 else self.hidden[source]

    def activation_of(self, layer: int) -> Activation:
        """Activation of a layer's units; layers count from 0, the output layer is the last."""
        if layer == len(self.hidden):
            return ACTIVATIONS[self.output]
        name = self.activation if isinstance(self.activation, str) else self.activation[layer]
        return ACTIVATIONS[name]

    @property
    def starts_shape(self) -> tuple[tuple[int, int], ...]:
        """`layers`: starts depend on the shape alone, not on the non-linearities."""
        return self.layers

    @property
    def parameter_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of ``W1``, ``b1``, ``W2``, ...; without biases of ``W1``, ``W2``, ..."""
        return tuple(
            shape
            for units, inputs in self.layers
            for shape in ((units, inputs), (units,))[: len(self._kinds)]
        )

    @property
    def array_names(self) -> tuple[str, ...]:
        """``W1`` by unit and input, ``b1`` by unit, ``W2``, ..."""
        layers = range(1, len(self.layers) + 1)
        return tuple(f"{kind}{layer}" for layer in layers for kind in self._kinds)

    @property
    def _kinds(self) -> str:
        return "Wb" if self.bias else "W"
