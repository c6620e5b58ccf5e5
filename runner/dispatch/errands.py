"""Tasks beside the pieces of batches: small proofs that a run asks of chosen workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from runner.cluster.answers import Answer
from runner.experiment.plan import Batch


class Errand(Protocol):
    """What a window sends for somebody else, and whom it tells what came of it."""

    name: str
    """For Dask's name of the task."""
    kind: str
    """Kind of device that it must run on."""
    batch: Batch
    """What it trains, for its deadline."""
    urgent: bool
    """Whether it goes ahead of what its worker has been sent."""

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return which of the workers of its kind may do it."""

    def call(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the function that the worker runs, and its arguments."""

    def answered(self, answer: Answer) -> None:
        """Take what the function returned."""

    def failed(self, reason: str) -> None:
        """Take that it raised, hung, or lost its worker for good."""

    def lost(self) -> None:
        """Take that it was never done, as its worker has left."""
