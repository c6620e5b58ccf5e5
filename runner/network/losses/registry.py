"""Losses by their names in the experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.losses.base import Loss
from runner.network.losses.cross_entropy import CrossEntropy
from runner.network.losses.squared_error import SquaredError
from runner.network.losses.tanh_error import TanhError

LOSSES: Final[Mapping[str, Loss]] = {
    "cross-entropy": CrossEntropy(),
    "squared-error": SquaredError(),
    "tanh-error": TanhError(),
}
"""Every loss of layers of units; a custom model brings its own."""
