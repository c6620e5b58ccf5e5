"""The loss on paths between endpoints: straight ones, and curves that are trained to be low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import length
from runner.landscape.options import AnalysisOptions
from runner.network.alignment import align
from runner.network.canonical_images import balanced
from runner.network.column_products import column_dots, column_norms
from runner.network.symmetry import Symmetries


@dataclass(frozen=True)
class Paths:
    """Straight paths of n pairs."""

    losses: np.ndarray
    """(n, n_points), n_points odd: at equally spaced points, both ends included."""
    rise_tolerance: float
    """Rise above the line between a path's ends, relative to the higher end or 1, that counts."""

    @property
    def ends(self) -> np.ndarray:
        """Mean of the ends' losses (n,)."""
        return np.asarray(0.5 * (self.losses[:, 0] + self.losses[:, -1]))

    @property
    def midpoint_violation(self) -> np.ndarray:
        """Loss half way minus the mean of the ends' losses (n,)."""
        return np.asarray(self.losses[:, self.losses.shape[1] // 2] - self.ends)

    @property
    def excess(self) -> np.ndarray:
        """Largest rise above the line between the ends (n,); nan where a loss is not finite."""
        share = np.linspace(0.0, 1.0, self.losses.shape[1])
        line = (1 - share) * self.losses[:, :1] + share * self.losses[:, -1:]
        rise = (self.losses - line)[:, 1:-1].max(axis=1)
        # an overflow half way is no rise: the loss there is not known
        return np.where(np.isfinite(self.losses).all(axis=1), rise, np.nan)

    @property
    def barrier(self) -> np.ndarray:
        """Highest loss minus the mean of the ends' losses (n,)."""
        return np.asarray(self.losses.max(axis=1) - self.ends)

    @property
    def violated(self) -> np.ndarray:
        """Whether a path rises above the line by more than rounding (n,)."""
        higher = np.maximum(self.losses[:, [0, -1]].max(axis=1), 1.0)
        return np.asarray(self.excess > self.rise_tolerance * higher)


def straight(
    surface: LossSurface, first: np.ndarray, second: np.ndarray, options: AnalysisOptions
) -> Paths:
    """Losses on the straight paths from first to second, both (n_parameters, n)."""
    share = np.linspace(0.0, 1.0, options.path_points)
    points = (1 - share) * first[..., None] + share * second[..., None]
    return Paths(_along(surface, points), options.rise_tolerance)


def _along(surface: LossSurface, points: np.ndarray) -> np.ndarray:
    """Losses (n, n_points) at points (n_parameters, n, n_points)."""
    n, n_points = points.shape[1:]
    lanes = surface[np.repeat(np.arange(n), n_points)]
    return lanes.loss(points.reshape(len(points), -1)).reshape(n, n_points)


def curved(
    surface: LossSurface,
    first: np.ndarray,
    second: np.ndarray,
    noise: np.ndarray,
    options: AnalysisOptions,
) -> np.ndarray:
    """Barriers of quadratic Bézier curves between pairs, trained to be low.

    Parameters
    ----------
    surface : LossSurface
    first, second : ndarray, shape (n_parameters, n)
    noise : ndarray, shape (n_parameters, n)
        Standard normal numbers that push the bends off the straight path, where symmetry may make
        the gradient along them vanish.
    options : AnalysisOptions
        How many points, how many steps of Adam, and how large.

    Returns
    -------
    ndarray, shape (n,)
        Highest loss on the grid minus the mean of the ends' losses: an upper bound of the lowest
        barrier of all curves. The best of all that training came through counts, the straight
        path, which is a curve too, among them.

    Notes
    -----
    The mean loss over the grid is minimised by Adam on the bend (Garipov et al. 2018), all pairs
    at once. Adam's steps have the length of its rate whatever the gradient, so the rate is
    relative to the weights: rprop leaves weights of 1e5, which no 400 steps of 0.1 would bend.
    """
    n_points, n_steps = options.path_points, options.curve_steps
    share = np.linspace(0.0, 1.0, n_points)
    n = first.shape[1]
    ends = (1 - share) ** 2 * first[..., None] + share**2 * second[..., None]
    pull = 2 * share * (1 - share)  # of the bend on each point of the grid
    apart = np.maximum(column_norms(second - first), 1e-3 * length(first))
    bend = 0.5 * (first + second) + 0.1 * apart * noise / column_norms(noise)
    lanes = surface[np.repeat(np.arange(n), n_points)]
    best = straight(surface, first, second, options).barrier
    rates = options.curve_rate * np.maximum(_root_mean_square(first, second), 1.0)
    mean, square = np.zeros_like(bend), np.zeros_like(bend)
    for step in range(1, n_steps + 1):
        points = ends + pull * bend[..., None]
        values = lanes.values(points.reshape(len(points), -1))
        losses = values.loss.reshape(n, n_points)
        highest = losses.max(axis=1) - 0.5 * (losses[:, 0] + losses[:, -1])
        best = np.fmin(best, highest)
        gradient = (values.gradient.reshape(points.shape) * pull).mean(axis=2)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        rate = rates * (1 - (step - 1) / n_steps)
        unbiased = np.sqrt(square / (1 - 0.999**step)) + 1e-12
        bend = bend - rate * mean / (1 - 0.9**step) / unbiased
    return best


def _root_mean_square(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Root of the mean square (n,) of the weights of both ends."""
    squares = column_dots(first, first) + column_dots(second, second)
    return np.asarray(np.sqrt(0.5 * squares / len(first)))


def both_ways(
    surface: LossSurface,
    symmetries: Symmetries,
    first: np.ndarray,
    second: np.ndarray,
    options: AnalysisOptions,
) -> list[tuple[np.ndarray, np.ndarray, Paths]]:
    """Straight paths to the second ends as they are, and to their images nearest to the first.

    Returns
    -------
    list of (first, second, Paths)
        Unaligned, then aligned: the ends (n_parameters, n) as used, and the paths between them.
    """
    pairs = [(first, second)]
    first = balanced(symmetries, first)
    pairs.append((first, align(symmetries, first, balanced(symmetries, second))))
    return [(a, b, straight(surface, a, b, options)) for a, b in pairs]
