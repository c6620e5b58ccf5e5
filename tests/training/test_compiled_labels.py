"""What labels take from vector code, against the same told by NumPy and by all eigenvalues."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.quadratics import symmetric

from runner.engines.registry import compiled
from runner.engines.simd.machine_code import Function, Orthogonalisation, assemble
from runner.engines.simd.orthogonalisation import orthogonalisation
from runner.engines.simd.shared_outputs import shared_outputs
from runner.network.activations.registry import ACTIVATIONS
from runner.network.architecture import Architecture
from runner.network.criterion import SolvedCriterion
from runner.network.loss_kind import LossKind
from runner.training.curvature_bounds import are_bounded
from runner.training.evaluation import bounds_of, gradients_of
from runner.training.hessians import extreme_curvatures
from runner.training.levels import stuck_levels

TARGETS = np.array([0.0, 1.0, 1.0, 0.0])
FIELDS = ("loss", "some_merged", "all_merged")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"hidden": (3,), "activation": "relu", "loss": "squared-error"},
        {"regularised": True, "optimizer": "momentum"},
    ],
)
@pytest.mark.parametrize("n", [1, 8, 301])
def test_curvature_is_bounded_where_all_eigenvalues_say_so(xor, fields, n) -> None:
    signature = xor(**fields)
    functions, rng = compiled("pytensor", signature), np.random.default_rng(n)
    n_parameters = signature.architecture.n_parameters
    at = rng.normal(size=(n_parameters, n)) * rng.choice([1e-3, 1.0, 10.0], n)
    hyper = np.zeros((5, n))
    hyper[0], hyper[2] = 0.5, 1e-4
    targets = np.repeat(TARGETS[:, np.newaxis], n, axis=1)
    state = np.zeros((signature.n_rows, n))
    gradients, bounds = (
        gradients_of(functions, state, hyper, targets),
        bounds_of(functions, hyper, targets),
    )
    every = np.arange(n)
    lowest, highest = extreme_curvatures(gradients, at, every)
    # so that either bound decides for some, and that some are met by rounding alone
    least = np.where(rng.random(n) < 0.2, lowest, lowest + rng.normal(size=n) * abs(lowest))
    enough = np.where(rng.random(n) < 0.2, highest, highest * rng.uniform(0.5, 1.5, n))
    told = bounds(at, every, least, enough)
    found = are_bounded(gradients, at, every, least, enough, told)
    np.testing.assert_array_equal(found, are_bounded(gradients, at, every, least, enough))
    margin = 1e-6 * np.maximum(np.abs(lowest), np.abs(highest))
    sure = (np.abs(lowest - least) > margin) & (np.abs(highest - enough) > margin)
    np.testing.assert_array_equal(found[sure], ((lowest >= least) & (highest >= enough))[sure])
    assert n < 100 or sure.mean() > 0.5
    assert n < 100 or (told[1].any() and found.any() and not found.all())


@pytest.mark.parametrize(
    ("patterns", "outputs", "loss", "output"),
    [
        (4, 1, "cross-entropy", "sigmoid"),
        (4, 1, "squared-error", "sigmoid"),
        (3, 2, "squared-error", "tanh"),
        (2, 3, "squared-error", "linear"),
    ],
)
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_levels_by_vector_code_are_those_of_numpy(xor, patterns, outputs, loss, output, n) -> None:
    signature = replace(
        xor(),
        architecture=Architecture(2, (2,), outputs, "sigmoid", output),
        patterns=tuple((float(i), float(i % 7)) for i in range(patterns)),
        criterion=SolvedCriterion((0.5,) * outputs, (0.0,) * outputs),
        loss=LossKind(loss, "mean"),
    )
    bounds = None if loss == "cross-entropy" else ACTIVATIONS[output].asymptotes
    bounds = bounds if bounds and np.isfinite(bounds).all() else None
    function = Function(assemble(shared_outputs(patterns, outputs, bounds)))

    def shared(*arrays):
        values, (some_merged, all_merged) = function(*arrays)
        return values, some_merged, all_merged

    rng = np.random.default_rng(patterns + n)
    y = rng.choice([0.005, 0.3, 0.32, 0.6, 0.999], (patterns * outputs, n))
    y[:, : n // 3] = y[0, : n // 3] + 0.01 * rng.random((patterns * outputs, n // 3))
    whole = rng.integers(0, 2, y.shape).astype(float)
    whole[0], whole[-1] = 0, 1
    for t in (whole, 0.1 + 0.8 * whole):  # sums of the latter depend on their order
        found, plain = (stuck_levels(signature, y, t, how) for how in (shared, None))
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(found, field), getattr(plain, field))


@pytest.mark.parametrize("k", [1, 15, 16, 40])
def test_ends_of_spectra_by_vector_code_are_those_of_numpy(k) -> None:
    orthogonalise = Orthogonalisation(assemble(orthogonalisation()))
    rng = np.random.default_rng(k)
    hessians = symmetric(rng, k, np.sort(rng.normal(size=40)))
    hessians[::3] = symmetric(rng, 1, np.linspace(0.01, 1, 40))
    at, which = rng.normal(size=(40, k)), np.arange(k)

    def gradients(parameters, some):  # each to the bit what it is whoever stands beside
        return np.stack([hessians[w] @ parameters[:, i] for i, w in enumerate(some)], axis=1)

    for least in (None, np.full(k, -1e-3)):
        found = extreme_curvatures(gradients, at, which, least, orthogonalise)
        np.testing.assert_array_equal(found, extreme_curvatures(gradients, at, which, least))
    truth = np.linalg.eigvalsh(hessians)[:, -1]
    _, highest = extreme_curvatures(gradients, at, which, None, orthogonalise)
    np.testing.assert_allclose(highest, truth, rtol=1e-3)


def test_vectors_that_do_not_go_together_are_refused() -> None:
    orthogonalise = Orthogonalisation(assemble(orthogonalisation()))
    vectors = np.zeros((1, 3, 4, orthogonalise.width))
    for count, product in ((3, vectors[:, 0].copy()), (1, vectors[:, 0, :3].copy())):
        with pytest.raises(ValueError, match="do not go together"):
            orthogonalise(vectors, count, product)


def test_networks_have_what_their_labels_need(xor) -> None:
    small, large = (compiled("pytensor", xor(hidden=(k,), layout="stacked")) for k in (2, 10))
    assert small.orthogonalise is None
    assert large.orthogonalise is not None
    assert small.shared_outputs is not None
    assert large.shared_outputs is not None
