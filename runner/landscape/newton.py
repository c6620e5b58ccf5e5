"""Newton searches on many surfaces at once: for a nearby critical point, and for a minimum.

Both use the eigenvalues of the exact Hessian; directions without curvature are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.engines.eigenvectors import eigenvectors
from runner.landscape.loss_surface import LossSurface
from runner.landscape.options import AnalysisOptions
from runner.network.column_products import column_dots, column_norms


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues and eigenvectors of n Hessians."""

    values: np.ndarray
    """(n, n_trained), rising: of the parameters that are trained."""
    vectors: np.ndarray
    """(n, n_parameters, n_trained), in columns."""
    null_tolerance: float
    """An eigenvalue within this share of the largest absolute one counts as 0."""

    @property
    def scale(self) -> np.ndarray:
        """Largest absolute eigenvalue (n,)."""
        return np.asarray(np.abs(self.values).max(axis=1))

    @property
    def null(self) -> np.ndarray:
        """Which eigenvalues count as 0 (n, n_trained)."""
        return np.asarray(np.abs(self.values) <= self.null_tolerance * self.scale[:, None])

    @property
    def index(self) -> np.ndarray:
        """Number of negative eigenvalues beyond the tolerance (n,)."""
        return np.asarray(((self.values < 0) & ~self.null).sum(axis=1))

    @property
    def null_directions(self) -> np.ndarray:
        """Number of eigenvalues that count as 0 (n,)."""
        return np.asarray(self.null.sum(axis=1))

    @property
    def condition(self) -> np.ndarray:
        """Largest over smallest absolute eigenvalue (n,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.scale / np.abs(self.values).min(axis=1))

    def along(self, columns: np.ndarray) -> np.ndarray:
        """Components (n, n_trained) along each eigenvector, of columns (n_parameters, n).

        Lane by lane, as einsum adds in another order where there is one lane alone.
        """
        lanes = np.ascontiguousarray(columns.T)[:, :, None]
        return np.asarray((self.vectors.swapaxes(1, 2) @ lanes)[:, :, 0])

    def combined(self, shares: np.ndarray) -> np.ndarray:
        """Columns (n_parameters, n) of components (n, n_trained) along each eigenvector."""
        return np.asarray((self.vectors @ shares[:, :, None])[:, :, 0].T)

    def times(self, step: np.ndarray) -> np.ndarray:
        """Product of the Hessian with a step (n_parameters, n), of that shape."""
        return self.combined(self.values * self.along(step))

    def step(self, gradient: np.ndarray, downhill: bool = False) -> np.ndarray:
        """Newton step (n_parameters, n) for a gradient of that shape.

        With ``downhill`` the absolute eigenvalues are used, so that negative curvature is a way
        down and not up (Dauphin et al. 2014).
        """
        along = np.einsum("npk,pn->nk", self.vectors, gradient)
        curvature = np.abs(self.values) if downhill else self.values
        inverse = np.divide(1.0, curvature, out=np.zeros_like(curvature), where=~self.null)
        return np.asarray(np.einsum("npk,nk->pn", self.vectors, along * inverse))


def spectrum(surface: LossSurface, weights: np.ndarray, null_tolerance: float) -> Spectrum:
    """Spectrum at weights (n_parameters, n); eigenvalues are nan where a Hessian is not finite."""
    trained = np.flatnonzero(surface.trained)
    hessian = surface.hessian(weights)
    if trained.size < len(weights):
        hessian = hessian[trained[:, np.newaxis], trained]
    broken = ~np.isfinite(hessian).all(axis=(0, 1))
    hessian[:, :, broken] = 0.0
    values, vectors = eigenvectors(hessian)
    values[broken] = np.nan
    if trained.size < len(weights):
        own, vectors = vectors, np.zeros((len(vectors), len(weights), trained.size))
        vectors[:, trained] = own
    return Spectrum(values, vectors, null_tolerance)


def length(weights: np.ndarray) -> np.ndarray:
    """Length (n,) of weights (n_parameters, n), at least 1: what distances are relative to."""
    return np.asarray(np.maximum(column_norms(weights), 1.0))


def polish(
    surface: LossSurface, weights: np.ndarray, options: AnalysisOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Go to a nearby critical point, of whatever index, by damped Newton steps.

    Parameters
    ----------
    surface : LossSurface
    weights : ndarray, shape (n_parameters, n)
    options : AnalysisOptions
        How near is nearby, and when a search ends.

    Returns
    -------
    polished : ndarray, shape (n_parameters, n)
    arrived : ndarray of bool, shape (n,)
        False where the search left the neighbourhood (``search_radius``), or where its steps do not
        shrink as they must at a critical point: on a surface that falls for ever the Newton steps
        keep their length while the gradient vanishes.
    """
    reach = options.search_radius * length(weights)
    polished, arrived = weights.copy(), np.zeros(len(surface), bool)
    active = np.arange(len(surface))
    history = np.full((2, len(surface)), np.inf)  # lengths of the last two steps
    for taken in range(options.search_steps):
        if not active.size:
            break
        here = surface[active]
        gradient = here.values(polished[:, active]).gradient
        step = spectrum(here, polished[:, active], options.null_tolerance).step(gradient)
        size = column_norms(step)
        polished[:, active] = _shortened(
            here, polished[:, active], step, gradient, options.halvings
        )
        at_rest = size <= options.step_tolerance * length(polished[:, active])
        arrived[active[at_rest]] = True
        away = column_norms(polished[:, active] - weights[:, active])
        going = ~at_rest & (away <= reach[active])
        if taken >= 4:
            going &= size <= 0.5 * history[0, active]
        history[:, active] = history[1, active], size
        active = active[going]
    arrived &= column_norms(polished - weights) <= reach
    return polished, arrived


def _shortened(
    surface: LossSurface,
    weights: np.ndarray,
    step: np.ndarray,
    gradient: np.ndarray,
    halvings: int,
) -> np.ndarray:
    """Take a step towards a smaller gradient, halved until it is."""
    before = column_norms(gradient)
    moved: np.ndarray = weights - step
    left = np.arange(len(surface))
    share = 1.0
    for _ in range(halvings):
        after = column_norms(surface[left].values(moved[:, left]).gradient)
        # at rest nothing but rounding is left of the gradient
        left = left[~(after <= before[left] + 1e-15)]
        if not left.size:
            break
        share /= 2
        moved[:, left] = weights[:, left] - share * step[:, left]
    return moved


def minimise(surface: LossSurface, weights: np.ndarray, options: AnalysisOptions) -> np.ndarray:
    """Go down to a minimum by Newton steps that never raise the loss.

    Returns
    -------
    ndarray, shape (n_parameters, n)
        Where the search came to rest, or was after its last step.
    """
    found = weights.copy()
    active = np.arange(len(surface))
    for _ in range(options.search_steps):
        if not active.size:
            break
        here, at = surface[active], found[:, active]
        values = here.values(at)
        step = spectrum(here, at, options.null_tolerance).step(values.gradient, downhill=True)
        size = column_norms(step)
        longest = 0.5 * length(at)
        step *= np.minimum(1.0, longest / np.maximum(size, 1e-300))
        slope = column_dots(step, values.gradient)
        found[:, active] = _lowered(here, at, step, values.loss, slope, options.halvings)
        still = (found[:, active] == at).all(axis=0)
        active = active[~still & (size > options.step_tolerance * length(at))]
    return found


def _lowered(
    surface: LossSurface,
    weights: np.ndarray,
    step: np.ndarray,
    loss: np.ndarray,
    slope: np.ndarray,
    halvings: int,
) -> np.ndarray:
    """Take a step down, halved until it is; none where even a short one is not."""
    moved: np.ndarray = weights - step
    left = np.arange(len(surface))
    share = 1.0
    for _ in range(halvings):
        after = surface[left].loss(moved[:, left])
        allowed = loss[left] - 1e-4 * share * slope[left] + 1e-15 * np.abs(loss[left])
        left = left[~(after <= allowed)]
        if not left.size:
            return moved
        share /= 2
        moved[:, left] = weights[:, left] - share * step[:, left]
    moved[:, left] = weights[:, left]
    return moved
