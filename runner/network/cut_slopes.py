"""Back-propagation as FANN does it: with slopes of outputs that are cut short of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Protocol

from runner.network.architecture import Architecture
from runner.network.layouts.base import Layout
from runner.network.layouts.layered import LayeredLayout
from runner.network.losses.base import Loss
from runner.network.tensors import Namespace, Tensor


class Gradient(Protocol):
    """An engine's ``grad``, as a product of derivatives with a Jacobian."""

    def __call__(
        self,
        seeds: Sequence[tuple[Tensor, Tensor]],
        parameters: Sequence[Tensor],
        held: Sequence[Tensor] = (),
        /,
    ) -> list[Tensor]:
        """Back-propagate (tensor, derivative) pairs to parameters.

        Parameters
        ----------
        seeds : sequence of (tensor, tensor)
        parameters : sequence of tensors
        held : sequence of tensors
            What is not differentiated further; may be among the parameters.
        """


def cuts_any(network: Architecture, loss: Loss) -> bool:
    """Whether updates follow any slope that is cut: one of sigmoid or tanh, to trained weights.

    Examples
    --------
    >>> from runner.network.losses.registry import LOSSES
    >>> entropy, squares = LOSSES["cross-entropy"], LOSSES["squared-error"]
    >>> cuts_any(Architecture(2, (2,), 1, "tanh", "sigmoid"), entropy)
    True
    >>> single = Architecture(2, (), 1, "tanh", "sigmoid")
    >>> cuts_any(single, entropy), cuts_any(single, squares)
    (False, True)
    """
    last = len(network.hidden)
    per_layer = len(network.array_names) // (last + 1)
    return any(
        network.activation_of(layer).has_cut_slope
        and not (layer == last and loss.by_pre_activations)
        # behind frozen layers alone no slope is asked for
        and not set(network.array_names[: (layer + 1) * per_layer]) <= set(network.frozen)
        for layer in range(last + 1)
    )


def back_with_cut_slopes(
    T: Namespace,
    gradient: Gradient,
    layout: Layout,
    parameters: Sequence[Tensor],
    targets: Sequence[Tensor],
) -> list[Tensor]:
    """Build what takes the place of the loss's gradient; of frozen parameters 0.

    Raises
    ------
    TypeError
        If the layout knows no layers.

    Notes
    -----
    ``fann_activation_derived`` of libfann 2.2.0: a logistic unit's slope y (1 - y) is that at 0.01
    to 0.99, so that it is never under 0.0099; that of tanh is at -0.98 to 0.98. From layer to layer
    the engine goes one at a time, held at the outputs of all earlier ones, and slopes are put in
    between. Where a loss is differentiated by pre-activations, no slope of the output units comes
    in, and none is cut.
    """
    if not isinstance(layout, LayeredLayout):
        message = f"the slopes of {layout.network.title} are not known"
        raise TypeError(message)
    layers = list(layout.layers(T, parameters))
    *_, (pre, out) = layers
    owed = dict(layout.seeds(T, pre, out, targets))  # derivatives of the loss, by tensor
    found: list[Tensor] = []
    for layer in range(len(layers) - 1, -1, -1):
        earlier = list(dict.fromkeys(y for _, outputs in layers[:layer] for y in outputs))
        places = layout.places(layer)
        trained = layout.trained[places]
        own = list(compress(parameters[places], trained))
        seeds = _through_units(T, layout, layer, layers[layer], owed)
        back = gradient(seeds, [*own, *earlier], earlier)
        slopes = iter(back[: len(own)])
        found[:0] = [
            next(slopes) if each else T.zeros_like(parameter)
            for parameter, each in zip(parameters[places], trained, strict=True)
        ]
        for y, derivative in zip(earlier, back[len(own) :], strict=True):
            owed[y] = owed[y] + derivative if y in owed else derivative
    return found


def _through_units(
    T: Namespace,
    layout: LayeredLayout,
    layer: int,
    tensors: tuple[list[Tensor], list[Tensor]],
    owed: dict[Tensor, Tensor],
) -> list[tuple[Tensor, Tensor]]:
    """Return a layer's seeds: at pre-activations where slopes are cut, else where they are owed."""
    activation = layout.net.activation_of(layer)
    seeds = {}
    for z, y in zip(*tensors, strict=True):
        slope = activation.cut_slope(T, y, layout.dtype)
        if y in owed and slope is not None:
            seeds[z] = owed[y] * slope
        else:
            at = y if y in owed else z
            seeds[at] = owed[at]
    return list(seeds.items())
