"""The critical points of one configuration that are known, modulo the network's symmetries."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.experiment.configuration import Configuration
from runner.mapping.options import MapOptions
from runner.mapping.searches import PATH, RANDOM
from runner.mapping.worker import place
from runner.network.alignment import MAX_EXHAUSTIVE, align, align_by_assignment
from runner.network.canonical_images import canonical_images, multiplicities
from runner.network.forward import outputs

_SAME_LOSS = 1e-8  # relative: at a critical point the loss is exact to the square of the distance
_ROUNDING = 1e-12  # relative: what sums of float64 make of one loss at two points
_SAME_OUTPUTS = 1e-3  # relative to the largest weight or to 1; of one point 1e-6 at most
_PROBES = 4  # inputs that none of a table's own symmetries exchanges


@dataclass(eq=False)
class CriticalPoint:
    """One critical point and all its images, or a family of them."""

    weights: np.ndarray
    """(n_parameters,): of the first one that was found."""
    loss: float
    """Loss, the L2 term included."""
    gradient_norm: float
    """Largest absolute component of the gradient."""
    eigenvalues: np.ndarray
    """(n_parameters,): of the Hessian, rising."""
    index: int
    """How many of them are negative, beyond the tolerance."""
    null_directions: int
    """How many of them count as 0."""
    first: int
    """The search that found it first; of one that a path found, the searches made by then."""
    coordinates: np.ndarray
    """What it is known by, see `runner.mapping.worker.place`."""
    found: Counter[str] = field(default_factory=Counter)
    """How often it was found, by where from."""
    halves: set[int] = field(default_factory=set)
    """Which halves of the random searches found it: 0 the even ones, 1 the odd ones."""

    @property
    def is_family(self) -> bool:
        """Whether it has flat directions."""
        return self.null_directions > 0

    @property
    def is_minimum(self) -> bool:
        """Whether no eigenvalue is negative."""
        return self.index == 0


class CriticalPoints:
    """The known critical points of one configuration, in the order in which they were found.

    Parameters
    ----------
    configuration : Configuration
    options : MapOptions
    """

    def __init__(self, configuration: Configuration, options: MapOptions) -> None:
        self.configuration = configuration
        self.symmetries = configuration.symmetries
        self.points: list[CriticalPoint] = []
        self._names = list(configuration.architecture.parameter_names)
        self._options = options
        self._images: list[np.ndarray] = []
        self._by_loss: list[tuple[float, int]] = []
        self._computed: dict[int, np.ndarray] = {}
        shape = _PROBES, configuration.table.inputs.shape[1]
        scale = np.abs(configuration.table.inputs).max(initial=0.0) or 1.0
        self._probes = scale * np.cos(1.0 + np.arange(np.prod(shape))).reshape(shape)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def ends(self) -> np.ndarray:
        """Minima and transition states (n_parameters, m), between which searches start."""
        chosen = [point.weights for point in self.points if point.index <= 1]
        return np.array(chosen).reshape(len(chosen), len(self._names)).T

    @property
    def highest_index(self) -> int:
        """Highest index that is known; 0 where nothing is."""
        return max((point.index for point in self.points), default=0)

    def add(self, row: Mapping[str, Any], first: int) -> int:
        """Return the position of the point that a worker's row has, a new one if it is not known.

        Parameters
        ----------
        row : mapping
            As `runner.mapping.worker` returns them, with its point.
        first : int
            The search that found it.
        """
        weights = self.weights_of(row)
        loss, null = float(row["loss"]), int(row["null_directions"])
        at = self._place(weights, loss, null > 0)
        position = self._position(weights, loss, null > 0, at)
        if position >= 0:
            known = self.points[position]
            if known.is_family and int(row["index"]) > known.index:
                # a flat stretch from which another one of its points leads down is no minimum
                self._represent(known, row, weights)
            return position
        loss = self._level(loss)
        bisect.insort(self._by_loss, (loss, len(self.points)))
        self.points.append(
            CriticalPoint(
                weights,
                loss,
                float(row["gradient_norm"]),
                np.array(row["eigenvalues"], float),
                int(row["index"]),
                null,
                first,
                at,
            )
        )
        return len(self.points) - 1

    def _aligned(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return the image of a point (n_parameters, 1) that is nearest to another one."""
        if len(self.symmetries.layers) == 1 and self.symmetries.keep_lengths:
            # exact there, and quick however many images there are
            return align_by_assignment(self.symmetries, one, other)
        return align(self.symmetries, one, other)

    def _level(self, loss: float) -> float:
        """Return the loss of a known point that differs by rounding alone, or the loss itself.

        Symmetries of the problem make points of equal losses. Rounding, which is another one on
        another machine, must not decide their order and what joins them.
        """
        place = bisect.bisect(self._by_loss, (loss, -1))
        near = [known for known, _ in self._by_loss[max(place - 1, 0) : place + 1]]
        known = min(near, key=lambda known: abs(known - loss), default=loss)
        return known if abs(known - loss) <= _ROUNDING * abs(loss) else loss

    def find(self, row: Mapping[str, Any]) -> int:
        """Return the position of the known point that a worker's row has, or -1."""
        weights, loss = self.weights_of(row), float(row["loss"])
        family = int(row["null_directions"]) > 0
        return self._position(weights, loss, family, self._place(weights, loss, family))

    def _place(self, weights: np.ndarray, loss: float, family: bool) -> np.ndarray:
        """What a point (n_parameters,) is known by."""
        at = place(self.configuration, weights[:, None], np.array([loss]), family)
        return np.asarray(at[0])

    def knows(self, point: CriticalPoint) -> bool:
        """Whether a point of another map of the same surface is known here; benchmarks ask it."""
        at, family = point.coordinates, point.is_family
        return self._position(point.weights, point.loss, family, at) >= 0

    @staticmethod
    def _represent(family: CriticalPoint, row: Mapping[str, Any], weights: np.ndarray) -> None:
        """Have a family represented by another of its points."""
        family.weights, family.index = weights, int(row["index"])
        family.null_directions = int(row["null_directions"])
        family.eigenvalues = np.array(row["eigenvalues"], float)
        family.gradient_norm = float(row["gradient_norm"])

    def weights_of(self, row: Mapping[str, Any]) -> np.ndarray:
        """Weights (n_parameters,) of the point that a worker's row has."""
        return np.array([row[name] for name in self._names], float)

    def _position(self, weights: np.ndarray, loss: float, family: bool, at: np.ndarray) -> int:
        """Position of the known point that this is, or -1."""
        tolerance = self._options.class_tolerance
        reach = _SAME_LOSS * max(abs(loss), 1.0)
        first = bisect.bisect_left(self._by_loss, (loss - reach, -1))
        last = bisect.bisect_right(self._by_loss, (loss + reach, len(self.points)))
        likely = [
            position
            for position in sorted(position for _, position in self._by_loss[first:last])
            if self.points[position].is_family == family
        ]
        for position in likely:
            if np.linalg.norm(self.points[position].coordinates - at) <= tolerance:
                return position
        if not likely or family or not self.symmetries.layers:
            return -1
        # rounding may give images of one point two canonical forms; all compute the same, which is
        # quicker to see than which image is the nearest, and with which the table's symmetries part
        computed = self._outputs(weights)
        for position in likely:
            one, scale = self.points[position].weights[:, None], max(np.abs(weights).max(), 1.0)
            if position not in self._computed:
                self._computed[position] = self._outputs(one[:, 0])
            if np.abs(self._computed[position] - computed).max() > _SAME_OUTPUTS * scale:
                continue
            apart = np.linalg.norm(self._aligned(one, weights[:, None]) - one)
            if apart <= tolerance * max(np.abs(one).max(), 1.0):
                return position
        return -1

    def _outputs(self, weights: np.ndarray) -> np.ndarray:
        """What weights (n_parameters,) compute at inputs beside the table's."""
        network = self.configuration.architecture
        return outputs(network, self._probes, weights[:, None])

    def count(self, position: int, origin: str, number: int) -> None:
        """Count that a point was found once more, by the search of that number."""
        point = self.points[position]
        point.found[origin] += 1
        if origin == RANDOM:
            point.halves.add(number % 2)

    def count_path(self, position: int) -> None:
        """Count that a path came to a point."""
        self.points[position].found[PATH] += 1

    def multiplicity(self, point: CriticalPoint) -> float:
        """Count a known point's images under exchanges and flips; nan for a family."""
        if point.is_family:
            return np.nan
        if self.symmetries.order <= MAX_EXHAUSTIVE:
            return float(self.images[self.points.index(point)].shape[1])
        canonical = canonical_images(self.symmetries, point.weights[:, None])
        return float(multiplicities(self.symmetries, canonical, self._options.class_tolerance)[0])

    @property
    def images(self) -> list[np.ndarray]:
        """Distinct images of every known point, (n_parameters, n) each, itself first.

        Of all points at once, as a symmetry takes no longer for many than for one.
        """
        if len(self._images) < len(self.points):
            weights = np.stack([point.weights for point in self.points], axis=1)
            every = np.stack(list(self.symmetries.images(weights)), axis=1)
            self._images = [self._distinct(each) for each in np.moveaxis(every, 2, 0)]
        return self._images

    def _distinct(self, images: np.ndarray) -> np.ndarray:
        reach = self._options.class_tolerance * max(np.abs(images[:, 0]).max(), 1.0)
        kept = np.empty((len(images), 0))
        for image in images.T[:, :, None]:
            if not (np.linalg.norm(kept - image, axis=0) <= reach).any():
                kept = np.hstack([kept, image])
        return kept
