"""What labels take from vector code, against the same told by NumPy and by all eigenvalues."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from runner.engines.registry import compiled
from runner.engines.simd.machine_code import Function, assemble
from runner.engines.simd.shared_outputs import shared_outputs
from runner.network.activations.registry import ACTIVATIONS
from runner.network.architecture import Architecture
from runner.network.criterion import SolvedCriterion
from runner.network.loss_kind import LossKind
from runner.training.curvature_bounds import are_bounded
from runner.training.evaluation import bounds_of, gradients_of, matrices_of
from runner.training.hessians import extreme_curvatures, hessian_products
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


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden": (7,), "layout": "stacked"},
        {"hidden": (6,), "layout": "lanes", "patterns": ((0.0, 1.0), (1.0, 0.5))},
    ],
    ids=lambda fields: fields["layout"],
)
def test_ends_of_spectra_by_vector_code_are_those_of_numpy(xor, fields) -> None:
    functions = compiled("pytensor", xor(**fields))
    n, rng = functions.signature.architecture.n_parameters, np.random.default_rng(7)
    for k in (1, 37):
        at, which = rng.normal(size=(n, k)), np.arange(k)
        hyper = np.zeros((5, k))
        hyper[0], hyper[2] = 0.5, 1e-4
        targets = np.repeat(TARGETS[: len(functions.signature.patterns), np.newaxis], k, axis=1)
        state = np.zeros((functions.signature.n_rows, k))
        gradients = gradients_of(functions, state, hyper, targets)
        matrices = matrices_of(functions, at, hyper, targets)
        found = extreme_curvatures(gradients, at, which, None, matrices)
        np.testing.assert_array_equal(found, extreme_curvatures(gradients, at, which))
        # so that some leave at once, some late and some never, and rounding decides some
        least = np.where(rng.random(k) < 0.2, found[0], found[0] * rng.choice([0.3, 0.9, 1.1], k))
        told = extreme_curvatures(gradients, at, which, least, matrices)
        np.testing.assert_array_equal(told, extreme_curvatures(gradients, at, which, least))
        np.testing.assert_array_equal(told[0] >= least, found[0] >= least)
        assert k == 1 or 0 < np.not_equal(told, found).mean() < 1
    hessians = hessian_products(
        gradients, np.repeat(at[:, :1], n, axis=1), np.eye(n), np.zeros(n, int)
    )
    truth = np.linalg.eigvalsh((hessians + hessians.T) / 2)
    np.testing.assert_allclose(
        [each[0] for each in found], truth[[0, -1]], atol=1e-3 * np.abs(truth).max()
    )


def test_parameters_that_cannot_move_have_no_part_in_spectra(xor) -> None:
    network = Architecture(2, (9,), 1, "sigmoid", "sigmoid", frozen=("b1",))
    functions = compiled(
        "pytensor", replace(xor(layout="stacked", regularised=True), architecture=network)
    )
    moving, k = network.trained, 9
    at = np.random.default_rng(8).normal(size=(network.n_parameters, k))
    hyper, targets = np.ones((5, k)), np.repeat(TARGETS[:, np.newaxis], k, axis=1)
    gradients = gradients_of(functions, np.zeros_like(at), hyper, targets)

    def among(parameters, which):
        there = at[:, which]
        there[moving] = parameters
        return gradients(there, which)[moving]

    every, matrices = np.arange(k), matrices_of(functions, at, hyper, targets)
    found = extreme_curvatures(among, at[moving], every, None, matrices)
    np.testing.assert_array_equal(found, extreme_curvatures(among, at[moving], every))
    assert np.not_equal(found, extreme_curvatures(gradients, at, every)).all()


def test_networks_have_what_their_labels_need(xor) -> None:
    small, large = (compiled("pytensor", xor(hidden=(k,), layout="stacked")) for k in (2, 7))
    assert small.lanczos is None
    assert large.lanczos is not None
    assert small.shared_outputs is not None
    assert large.shared_outputs is not None
