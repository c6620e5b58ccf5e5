"""Curvature of endpoints, and the kind of the critical point, if any, near each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.landscape.loss_surface import LossSurface
from runner.landscape.newton import Spectrum, length, minimise, polish, spectrum
from runner.landscape.options import AnalysisOptions
from runner.network.column_products import column_norms
from runner.network.symmetry import Symmetries


@dataclass(frozen=True)
class Curvature:
    """Curvature of n endpoints, and the critical points near them."""

    gradient_norm: np.ndarray
    """(n,): largest absolute component."""
    smallest: np.ndarray
    """(n,): smallest eigenvalue of the Hessian; like the next four nan where it is not computed."""
    largest: np.ndarray
    """(n,): largest eigenvalue."""
    index: np.ndarray
    """(n,): negative eigenvalues beyond the tolerance."""
    condition: np.ndarray
    """(n,): largest over smallest absolute eigenvalue."""
    null_directions: np.ndarray
    """(n,): eigenvalues that count as 0."""
    critical: np.ndarray
    """(n,) of minimum, saddle, indeterminate and none, dtype object."""
    point: np.ndarray
    """(n_parameters, n): the nearby critical point, or the endpoint itself where there is none."""
    spectrum: np.ndarray
    """(4, n): smallest and largest eigenvalue, index and null directions at ``point``."""
    loss: np.ndarray
    """(n,): loss at ``point``."""
    outputs: np.ndarray
    """(n_patterns * n_outputs, n): outputs at ``point``."""
    returned: np.ndarray
    """(n,): 1 or 0, whether minimising from a perturbed point came back; nan where not tried."""
    swap_excess: np.ndarray
    """(n,): rise of the loss half way to the endpoint with two units exchanged; nan without."""


def curvature(
    surface: LossSurface,
    symmetries: Symmetries,
    weights: np.ndarray,
    stationary: np.ndarray,
    noise: np.ndarray,
    options: AnalysisOptions,
) -> Curvature:
    """Inspect endpoints: curvature, and the nearby critical point where there is one.

    Parameters
    ----------
    surface : LossSurface
        The endpoints' loss surfaces, n lanes.
    symmetries : Symmetries
        Of their network.
    weights : ndarray, shape (n_parameters, n), float64
        The endpoints; need not be finite.
    stationary : ndarray of bool, shape (n,)
        Endpoints that came to rest. A critical point is searched for near these, and near those
        of any label whose Hessian is regular and whose Newton step is short.
    noise : ndarray, shape (n_parameters, n)
        Standard normal numbers that perturb minima.
    options : AnalysisOptions
        Up to which size Hessians are computed, how near is nearby, and which tolerances count.

    Notes
    -----
    ``minimum``: the gradient vanishes, every eigenvalue is clearly positive, and minimising again
    from a perturbed point comes back. ``saddle``: the gradient vanishes and an eigenvalue is
    clearly negative. ``indeterminate``: every eigenvalue is clearly positive, but minimising
    does not come back; or, of stationary endpoints alone, flat directions leave the case open, or
    no critical point is nearby. ``none``: all others.
    """
    size, n = weights.shape
    values = surface.values(weights)
    finite = np.isfinite(weights).all(axis=0) & np.isfinite(values.loss)
    finite &= np.isfinite(values.gradient).all(axis=0)
    found = Curvature(
        gradient_norm=np.abs(values.gradient).max(axis=0),
        smallest=np.full(n, np.nan),
        largest=np.full(n, np.nan),
        index=np.full(n, np.nan),
        condition=np.full(n, np.nan),
        null_directions=np.full(n, np.nan),
        critical=np.full(n, "none", object),
        point=weights.copy(),
        spectrum=np.full((4, n), np.nan),
        loss=values.loss.copy(),
        outputs=values.outputs.copy(),
        returned=np.full(n, np.nan),
        swap_excess=_swap_excess(surface, symmetries, weights, values.loss),
    )
    tried = np.flatnonzero(finite)
    if not tried.size or size > options.max_parameters:
        return found
    at = spectrum(surface[tried], weights[:, tried], options.null_tolerance)
    found.condition[tried] = at.condition
    found.null_directions[tried] = at.null_directions
    found.spectrum[:, tried] = _summary(at)
    found.smallest[:], found.largest[:], found.index[:], _ = found.spectrum
    step = column_norms(at.step(values.gradient[:, tried]))
    short = (at.null_directions == 0) & (step <= options.search_radius * length(weights[:, tried]))
    tried = tried[stationary[tried] | short]
    if tried.size:
        _seek(found, surface, tried, weights, stationary, noise, options)
    return found


def _summary(at: Spectrum) -> np.ndarray:
    return np.stack([at.values[:, 0], at.values[:, -1], at.index, at.null_directions])


def _seek(
    found: Curvature,
    surface: LossSurface,
    tried: np.ndarray,
    weights: np.ndarray,
    stationary: np.ndarray,
    noise: np.ndarray,
    options: AnalysisOptions,
) -> None:
    """Search for critical points near some endpoints; write them and their kinds to ``found``."""
    polished, arrived = polish(surface[tried], weights[:, tried], options)
    again = np.flatnonzero(stationary[tried] & ~arrived)
    if again.size:
        # These are at rest, so something stopped them. A bent valley may have led the Newton steps
        # away; going downhill follows it to its end, from which the search may arrive.
        start = weights[:, tried[again]]
        lower = minimise(surface[tried[again]], start, options)
        polished[:, again], arrived[again] = polish(surface[tried[again]], lower, options)
        away = column_norms(polished[:, again] - start)
        arrived[again] &= away <= options.search_radius * length(start)
        found.critical[tried[again]] = "indeterminate"
    tried, polished = tried[arrived], polished[:, arrived]
    if not tried.size:
        return
    here = surface[tried]
    at = spectrum(here, polished, options.null_tolerance)
    minimum = (at.index == 0) & (at.null_directions == 0) & np.isfinite(at.scale)
    saddle = (at.index > 0) & ((at.null_directions == 0) | stationary[tried])
    kind = np.select([minimum, saddle], ["minimum", "saddle"], "none").astype(object)
    kind[(kind == "none") & stationary[tried]] = "indeterminate"

    candidate = np.flatnonzero(minimum)
    if candidate.size:
        direction = noise[:, tried[candidate]]
        back = _returns(here[candidate], polished[:, candidate], direction, options)
        found.returned[tried[candidate]] = back
        kind[candidate[~back]] = "indeterminate"

    found.critical[tried] = kind
    named = kind != "none"
    tried, polished = tried[named], polished[:, named]
    if tried.size:
        values = surface[tried].values(polished)
        found.point[:, tried] = polished
        found.loss[tried] = values.loss
        found.outputs[:, tried] = values.outputs
        found.spectrum[:, tried] = _summary(at)[:, named]


def _returns(
    surface: LossSurface, points: np.ndarray, direction: np.ndarray, options: AnalysisOptions
) -> np.ndarray:
    """Whether minimising comes back to points (n_parameters, n) after a push along a direction.

    A minimum may be so shallow that the usual push leads over its rim, or so near it that a Newton
    step does. So a push from which nothing came back is made shorter, by a tenth each time, for as
    long as it is still ten times as long as the distance that counts as back.
    """
    scale = length(points)
    unit = direction / column_norms(direction)
    back = np.zeros(len(surface), bool)
    share = options.perturbation
    while True:
        left = np.flatnonzero(~back)
        start = points[:, left]
        again = minimise(surface[left], start + share * scale[left] * unit[:, left], options)
        away = column_norms(again - start)
        back[left] = away <= options.return_tolerance * scale[left]
        share /= 10
        if back.all() or share < 9.99 * options.return_tolerance:
            return back


def _swap_excess(
    surface: LossSurface, symmetries: Symmetries, weights: np.ndarray, loss: np.ndarray
) -> np.ndarray:
    image = symmetries.exchanged(weights)
    if image is None:
        return np.full(len(loss), np.nan)
    with np.errstate(all="ignore"):
        return np.asarray(surface.loss(0.5 * (weights + image)) - loss)
