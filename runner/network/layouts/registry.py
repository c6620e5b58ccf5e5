"""Layouts by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.architecture import Network
from runner.network.layouts.base import Layout, Patterns
from runner.network.layouts.custom import CustomVectors
from runner.network.layouts.lanes import Lanes
from runner.network.layouts.matrices import Matrices
from runner.network.layouts.stacked import Stacked
from runner.network.loss_kind import LossKind

LAYOUTS: Final[Mapping[str, type[Layout]]] = {
    "lanes": Lanes,
    "stacked": Stacked,
    "matrices": Matrices,
    "custom": CustomVectors,
}
"""Every layout; `Network.layouts` says which of them can compute a network."""


def make_layout(
    name: str, network: Network, patterns: Patterns, loss: LossKind | None, dtype: str
) -> Layout:
    """Make a layout of a network.

    Raises
    ------
    TypeError
        If the layout cannot compute the network.
    """
    if name not in network.layouts:
        message = f"layout {name} cannot compute {network.title}, which has {network.layouts}"
        raise TypeError(message)
    return LAYOUTS[name](network, patterns, loss, dtype)
