"""Classes of endpoints: as many minima as an independent search finds, whatever the symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from support.landscapes import configuration, function, plain, searched, surface

from runner.landscape import minima_rows
from runner.landscape.curvature import curvature
from runner.landscape.equivalence import Points, attained, classes, kinds
from runner.landscape.options import DEFAULTS


def points(c, weights, label="solved", critical=None, level=np.nan, loss=None):
    """Points of a configuration; what is not given is looked up."""
    n = weights.shape[1]
    if critical is None:
        noise = np.random.default_rng(0).normal(size=weights.shape)
        found = curvature(surface(c, n), c.symmetries, weights, np.zeros(n, bool), noise, DEFAULTS)
        critical, weights, spectrum, loss = (
            found.critical,
            found.point,
            found.spectrum,
            found.loss,
        )
    else:
        spectrum = np.array([[1.0, 2.0, 0.0, 0.0]]).T.repeat(n, axis=1)
    return Points(
        c,
        np.arange(n),
        np.broadcast_to(np.array(label), n),
        np.broadcast_to(np.array(critical), n),
        weights,
        spectrum,
        np.zeros(n) if loss is None else loss,
        np.ones(n),
        np.broadcast_to(np.asarray(level, float), n),
    )


def sort(p):
    kind = kinds(p)
    return kind, classes(p, kind, DEFAULTS)


def test_there_are_as_many_minima_as_an_independent_search_finds() -> None:
    c = configuration()
    ends = searched()
    seen = [function(c, end) for end in ends]
    functions = set(seen)
    p = points(c, np.array(ends).T)
    kind, found = sort(p)
    assert (kind == "minimum").all()
    rows = minima_rows.rows(p, kind, found, DEFAULTS)
    assert len(rows) == len(functions)
    for number in range(len(rows)):
        members = {seen[k] for k in np.flatnonzero(found == number)}
        assert len(members) == 1  # and the same endpoints belong together
    assert sum(row["size"] for row in rows) == len(ends)
    assert [row["size"] for row in rows] == sorted((row["size"] for row in rows), reverse=True)
    net = plain(c)
    for row in rows:
        weights = np.array([row[name] for name in c.architecture.parameter_names])
        assert net.loss(weights) == pytest.approx(row["loss"], rel=1e-12)
        assert row["multiplicity"] in (1.0, 4.0, 8.0)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_a_symmetry_never_changes_the_class(seed) -> None:
    for activation in ("tanh", "sigmoid", "relu"):
        c = configuration(
            network={"activation": activation, "hidden": [3], "output": "tanh"},
            loss={"kind": "squared-error", "l2": 0.001 if activation == "tanh" else 0.0},
        )
        rng = np.random.default_rng(seed)
        weights = rng.normal(size=(c.architecture.n_parameters, 12))
        loss = np.tile(rng.uniform(size=12), 2)
        s = c.symmetries
        signs = rng.choice([-1.0, 1.0], (3, 12)) if s.flips(0) else None
        places = rng.permuted(np.tile(np.arange(3)[:, None], 12), axis=0)
        image = s.transform(weights, 0, places, signs)
        for kind in ("minimum", "saddle"):
            both = np.concatenate([weights, image], axis=1)
            _, found = sort(points(c, both, critical=kind, loss=loss))
            np.testing.assert_array_equal(found[:12], found[12:])
            assert found.max() == 11
        free = configuration(**{**FREE, "network": {"activation": activation, "hidden": [3]}})
        for label in ("solved", "saturated"):
            _, found = sort(points(free, both, label=label, critical="none", level=0.5))
            np.testing.assert_array_equal(found[:12], found[12:])
            assert found.min() == 0


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0.0, 6.0))
def test_a_class_depends_on_its_own_points_alone(seed, decades) -> None:
    c = configuration()
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(-2, 3, 10)  # largest weights
    middle = rng.uniform(-1, 1, (c.architecture.n_parameters, 10))
    middle *= size / np.abs(middle).max(axis=0)
    noise = rng.normal(size=(*middle.shape, 3))
    noise *= 1e-6 * np.maximum(size, 1.0)[:, None] / np.linalg.norm(noise, axis=0)
    near = (middle[..., None] + noise).reshape(len(middle), -1)
    # twins that are further apart than a class is wide, but by nothing beside a far endpoint
    twins = near + 1e-2 * np.maximum(size, 1.0).repeat(3)
    weights = np.concatenate([near, twins], axis=1)
    loss = np.arange(20.0).repeat(3)
    _, alone = sort(points(c, weights, critical="minimum", loss=loss))
    np.testing.assert_array_equal(alone, np.arange(20).repeat(3))
    far = np.full((len(middle), 1), 10.0**decades)
    together = np.concatenate([weights, far], axis=1)
    _, found = sort(points(c, together, critical="minimum", loss=np.append(loss, -1.0)))
    np.testing.assert_array_equal(found, np.arange(21).repeat([3] * 20 + [1]))


XOR_01 = {"gate": "XOR"}
FREE = {"problem": XOR_01, "network": {}, "loss": {}}


def test_what_decides_the_kind() -> None:
    labels = ["solved", "saturated", "plateau", "descending", "oscillating", "diverged", "solved"]
    critical = ["none"] * 6 + ["minimum"]
    weights = np.zeros((9, 7))
    free = points(configuration(**FREE), weights, labels, critical)
    wanted = ["solved", "saturated", "plateau", "", "", "", "minimum"]
    assert kinds(free).tolist() == wanted
    # where finite weights can be best, a solved endpoint without a minimum is not there yet
    bound = points(configuration(**{**FREE, "loss": {"l2": 0.01}}), weights, labels, critical)
    assert kinds(bound).tolist() == ["", *wanted[1:]]


def test_an_l2_term_or_targets_within_reach_make_minima_finite() -> None:
    assert not attained(configuration(**FREE))
    assert attained(configuration(**{**FREE, "loss": {"l2": 1e-6}}))
    weights_alone = {"l2": 1e-6, "l2_biases": False}
    assert attained(configuration(**{**FREE, "loss": weights_alone}))
    # what the output's bias alone can bring ever nearer
    always = {"problem": {"gate": "TRUE"}, "loss": weights_alone}
    assert not attained(configuration(**{**FREE, **always}))
    for nothing_else in ({"bias": False}, {"freeze": ["b1", "b2"]}):
        assert attained(configuration(**{**FREE, **always, "network": nothing_else}))
    inside = {"gate": "XOR", "targets": [0.1, 0.9]}
    assert attained(configuration(**{**FREE, "problem": inside}))
    linear = {"output": "linear"}
    assert attained(configuration(problem=XOR_01, network=linear, loss={"kind": "squared-error"}))


def test_saturated_endpoints_go_by_level_and_code_and_plateaus_by_level() -> None:
    c = configuration(**FREE)
    weights = np.zeros((9, 5))
    weights[:, 1] = weights[:, 2] = [10, 10, 20, 20, -15, -15, 1, 1, 0]
    level = [0.4774, 0.4774, 0.3466, 0.6931, 0.6931]
    label = ["saturated"] * 3 + ["plateau"] * 2
    p = points(c, weights, label, "none", level)
    kind, found = sort(p)
    assert found.tolist() == [1, 2, 3, 0, 0]
    rows = minima_rows.rows(p, kind, found, DEFAULTS)
    assert [row["code"] for row in rows] == ["", "hhhh|hhhh", "0001|0111", "0001|0111"]
    assert [row["level"] for row in rows] == [0.6931, 0.4774, 0.4774, 0.3466]
    assert all(np.isnan(row["multiplicity"]) for row in rows)
    assert rows[0]["share"] == 0.4
    interval = binomtest(2, 5).proportion_ci(0.95, method="wilson")
    assert (rows[0]["ci_low"], rows[0]["ci_high"]) == pytest.approx((interval.low, interval.high))


def test_flat_critical_points_go_by_what_they_compute() -> None:
    c = configuration(
        network={"hidden": [1], "activation": "linear", "output": "linear"},
        loss={"kind": "squared-error"},
    )
    scales = np.array([1.0, 2.0, -4.0])
    weights = np.stack([0.5 * scales, 0.5 * scales, 0 * scales, 1 / scales, 0 * scales])
    other = weights.copy()
    other[4] = 1.0
    p = points(c, np.concatenate([weights, other], axis=1), critical="indeterminate")
    assert sort(p)[1].tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("kind", ["saddle", "indeterminate"])
def test_saddles_go_by_weights_unless_they_have_flat_directions(kind) -> None:
    """Units that feed nothing may be anything: the same function at other weights."""
    c = configuration()
    weights = np.random.default_rng(5).normal(size=(9, 3))
    weights[[c.architecture.parameter_names.index(n) for n in ("W2[0,0]", "W2[0,1]")]] = 0.0
    weights[-1] = [0.0, 0.0, 1.0]
    p = points(c, weights, critical=kind)
    p.spectrum[3] = 4  # null directions
    assert sort(p)[1].tolist() == [0, 0, 1]
    p.spectrum[3] = 0
    assert sort(p)[1].tolist() == ([0, 1, 2] if kind == "saddle" else [0, 0, 1])


def test_one_point_is_of_one_class_whatever_each_check_said() -> None:
    c = configuration()
    rng = np.random.default_rng(4)
    places = rng.normal(size=(9, 2))
    turned = c.symmetries.exchanged(places)
    weights = np.concatenate([places, turned, places + 1e-9], axis=1)
    critical = ["indeterminate", "saddle", "minimum", "saddle", "minimum", "indeterminate"]
    p = points(c, weights, critical=critical, loss=np.tile([0.1, 0.2], 3))
    p.spectrum[2:, :] = [[0, 1, 0, 1, 0, 0], [0, 0, 0, 1, 0, 1]]  # index, null directions
    kind, found = sort(p)
    assert kind.tolist() == critical  # what each check said stays
    assert found.tolist() == [0, 1, 0, 1, 0, 1]
    rows = minima_rows.rows(p, kind, found, DEFAULTS)
    assert [(row["kind"], row["size"]) for row in rows] == [("minimum", 3), ("saddle", 3)]
    # a representative is one whose own check gave the kind
    assert [row["restart"] for row in rows] == [2, 1]


def test_points_that_only_compute_the_same_stay_apart_where_they_are_regular() -> None:
    c = configuration()
    weights = np.zeros((9, 4))
    weights[8] = 0.5  # the output is tanh 0.5 wherever the hidden units are
    weights[0] = [0.0, 1.0, 2.0, 3.0]
    critical = ["saddle", "saddle", "indeterminate", "indeterminate"]
    assert sort(points(c, weights, critical=critical))[1].tolist() == [1, 2, 0, 0]
