"""The weights from which restarts that were on a plateau go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from runner.experiment.batches import Segment
from runner.experiment.configuration import Configuration
from runner.training.restarts import PlateauRule


def plateau_rule(segments: Sequence[Segment], seed: int) -> PlateauRule | None:
    """Return what a batch's restarts do on plateaus; None for nothing.

    Parameters
    ----------
    segments : sequence of Segment
        Whose restarts, in order; all of one signature.
    seed : int
        Root seed.
    """
    configurations = [segment.configuration for segment in segments]
    if not configurations[0].settings.training.plateau:
        return None
    sizes = [segment.stop - segment.start for segment in segments]
    epochs = [c.settings.training.steps_to_fall // c.updates_per_epoch for c in configurations]
    falls = [c.settings.training.least_fall for c in configurations]
    return PlateauRule(
        epochs=np.repeat(np.array(epochs, np.int32), sizes),
        fall=np.repeat(np.array(falls), sizes),
        other_weights=OtherWeights(tuple(segments), seed),
    )


@dataclass(frozen=True)
class OtherWeights:
    """Draws new starts or noise; see `runner.training.restarts.PlateauRule.other_weights`."""

    segments: tuple[Segment, ...]
    """Whose restarts, in order."""
    seed: int
    """Root seed."""

    def __call__(self, restarts: np.ndarray, attempt: int, weights: np.ndarray) -> np.ndarray:
        found, first = weights.copy(), 0
        for segment in self.segments:
            size = segment.stop - segment.start
            here = np.flatnonzero((restarts >= first) & (restarts < first + size))
            if here.size:
                numbers = segment.start + restarts[here] - first
                found[:, here] = self._of(segment.configuration, numbers, attempt, weights[:, here])
            first += size
        return found

    def _of(
        self, configuration: Configuration, numbers: np.ndarray, attempt: int, weights: np.ndarray
    ) -> np.ndarray:
        """The same for restarts of one configuration, by their numbers, rising."""
        stream = replace(configuration.starts(self.seed), attempt=attempt)
        span, which = (int(numbers[0]), int(numbers[-1]) + 1), numbers - numbers[0]
        training = configuration.settings.training
        if training.plateau == "new-start":
            return stream.draw(*span)[:, which]
        noise = training.noise * stream.noise(*span)[:, which]
        return np.where(configuration.architecture.trained[:, np.newaxis], weights + noise, weights)
