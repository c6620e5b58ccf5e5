"""Ways of several paths made continuous: each path goes on where the one before it ends.

Paths join classes: where one ends, the next begins at another image of the same point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runner.network.alignment import MAX_EXHAUSTIVE
from runner.network.symmetry import Symmetries

_SAME = 1e-3  # distance of two images of one point, relative to the largest weight or 1


def continuous(
    symmetries: Symmetries, paths: Sequence[np.ndarray], kept: int
) -> tuple[int, list[np.ndarray]]:
    """Return images of the paths of a way that hang together.

    Parameters
    ----------
    symmetries : Symmetries
    paths : sequence of ndarray, shape (m, n_parameters)
        The stations of each, in the direction of the way.
    kept : int
        The path that stays as it is.

    Returns
    -------
    first : int
    images : list of ndarray
        Of all paths, from the first one. Or only of those around the kept one to where they do not
        hang together, as at a family, or with more symmetries than are tried.
    """
    first, found = kept, [paths[kept]]
    for path in paths[kept + 1 :]:
        image = _going_on(symmetries, path, found[-1][-1])
        if image is None:
            break
        found.append(image)
    for path in reversed(paths[:kept]):
        image = _going_on(symmetries, path[::-1], found[0][0])
        if image is None:
            break
        found.insert(0, image[::-1])
        first -= 1
    return first, found


def _going_on(symmetries: Symmetries, path: np.ndarray, place: np.ndarray) -> np.ndarray | None:
    """Return the image of a path that begins at a place; None where no image does."""
    few = symmetries.order <= MAX_EXHAUSTIVE
    images = symmetries.images(path.T) if few else iter([path.T])
    nearest = min(images, key=lambda image: float(np.linalg.norm(image[:, 0] - place)))
    apart = np.linalg.norm(nearest[:, 0] - place)
    return nearest.T if apart <= _SAME * max(np.abs(place).max(), 1.0) else None
