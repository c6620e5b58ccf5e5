"""Stopping rules by the names of their fields in the experiment file, less ``stop_``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.stops.base import StopRule
from runner.network.stops.gradient import StopGradient
from runner.network.stops.loss import StopLoss
from runner.network.stops.solved import StopSolved

STOPS: Final[Mapping[str, StopRule]] = {
    "solved": StopSolved(),
    "loss": StopLoss(),
    "gradient": StopGradient(),
}
"""Every stopping rule, in the order in which `runner.network.signature.Signature.stops` has them.
"""
