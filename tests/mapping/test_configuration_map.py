"""Whole maps of small problems: what is known of them from elsewhere must be in them."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import root
from support.landscapes import numerical_hessian, plain
from support.maps import configuration, mapped, tables_of

from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.trees import class_tree, image_tree


@cache
def xor(hidden: int = 2) -> ConfigurationMap:
    network = {"activation": "tanh", "output": "linear", "hidden": [hidden]}
    return mapped(configuration({"network": network}))


def nearest(found: ConfigurationMap, weights: np.ndarray) -> float:
    """Distance of weights from the nearest image of any critical point, of all images."""
    images = np.hstack(found.points.images)
    return float(np.linalg.norm(images - weights[:, None], axis=0).min())


def test_everything_that_scipy_finds_is_in_the_map() -> None:
    """A root finder on plain NumPy's gradient, from many starts."""
    net, rng, n_found = plain(configuration()), np.random.default_rng(8), 0
    for _ in range(60):
        found = root(net.gradient, rng.normal(size=9) * 10 ** rng.uniform(-0.5, 0.5), method="lm")
        if np.abs(net.gradient(found.x)).max() < 1e-9:
            n_found += 1
            assert nearest(xor(), found.x) < 1e-5
    assert n_found > 30


def test_the_map_agrees_with_plain_numpy() -> None:
    net = plain(configuration())
    for point in xor().points.points:
        assert np.abs(net.gradient(point.weights)).max() < 1e-10
        assert net.loss(point.weights) == pytest.approx(point.loss, rel=1e-12)
        values = np.linalg.eigvalsh(numerical_hessian(net, point.weights))
        assert (values < 0).sum() == point.index
        np.testing.assert_allclose(point.eigenvalues, values, atol=1e-6)


def test_the_signs_of_all_images_add_up_to_one() -> None:
    """Morse theory; a map that lacks a point, or counts images wrongly, does not have this."""
    of_all = tables_of(xor())["completeness"].query("index == -1").iloc[0]
    points = tables_of(xor())["critical_points"]
    assert of_all["euler"] == 1
    assert ((-1.0) ** points["index"] * points["multiplicity"]).sum() == 1
    assert of_all["classes"] == len(points) == 41
    assert of_all["images"] == 257


def test_the_minimum_that_no_restart_reaches_is_found(tmp_path) -> None:
    """Softmax, two hidden units, l2 = 0.001: all weights 0, at ln 2."""
    (tmp_path / "xor.csv").write_text("x1,x2,y1,y2\n0,0,1,0\n0,1,0,1\n1,0,0,1\n1,1,1,0\n")
    found = mapped(
        configuration(
            {
                "problem": {"table": str(tmp_path / "xor.csv")},
                "network": {"activation": "tanh", "output": "softmax", "hidden": [2]},
                "loss": {"l2": 0.001},
            }
        )
    )
    minima = [point for point in found.points.points if point.is_minimum]
    assert len(minima) == 7
    zero = [point for point in minima if np.abs(point.weights).max() < 1e-6]
    assert [point.loss for point in zero] == [pytest.approx(np.log(2), rel=1e-12)]
    assert tables_of(found)["completeness"]["euler"].iloc[0] == 1


@pytest.mark.parametrize("biases", [True, False])
def test_a_convex_problem_has_one_critical_point(biases) -> None:
    found = mapped(
        configuration(
            {
                "problem": {"gate": "AND"},
                "network": {"hidden": []},
                "loss": {"l2": 0.01, "l2_biases": biases},
            }
        )
    )
    (point,) = found.points.points
    assert (point.index, found.points.multiplicity(point)) == (0, 1)


def test_a_smaller_networks_points_are_in_the_larger_one() -> None:
    """With the new unit's weights 0, as Mehta et al. (2018) state."""
    smaller = xor(1).points.points
    assert len(smaller) > 3
    for point in smaller:
        (w1, w2), b, v, c = point.weights[:2], point.weights[2], point.weights[3], point.weights[4]
        assert nearest(xor(), np.array([w1, w2, 0, 0, b, 0, v, 0, c])) < 1e-6


def test_logistic_xor_has_no_minimum_at_finite_weights() -> None:
    """Hamey (1998), Sprinkhuizen-Kuyper and Boers (1999), for two hidden units."""
    network = {"activation": "sigmoid", "output": "sigmoid", "hidden": [2]}
    problem = {"gate": "XOR"}
    for kind, level in (("cross-entropy", np.log(2)), ("squared-error", 0.25)):
        loss = {"kind": kind}
        found = mapped(configuration({"network": network, "problem": problem, "loss": loss}))
        points = found.points.points
        assert all(point.is_family and point.index > 0 for point in points)
        assert level in [pytest.approx(point.loss) for point in points]
        assert found.statuses["left"] > 0
        ends = tables_of(found)["transitions"]
        assert not ends[["end_a", "end_b"]].isin(["minimum"]).any(axis=None)


def test_saddles_lie_above_what_they_join() -> None:
    transitions = tables_of(xor())["transitions"]
    points = tables_of(xor())["critical_points"].set_index("class")
    assert len(transitions) == (points["index"] == 1).sum()
    for side in "ab":
        assert (transitions[f"height_{side}"] > 0).all()
        losses = points.loc[transitions[f"class_{side}"], "loss"]
        np.testing.assert_allclose(transitions[f"loss_{side}"], losses, rtol=1e-9)
    assert (transitions["loss_a"] <= transitions["loss_b"]).all()
    assert (transitions["curvature"] < 0).all()


def test_both_readings_of_the_tree_agree() -> None:
    classes, images = class_tree(xor()), image_tree(xor())
    assert images is not None
    multiplicity = {
        position: xor().points.multiplicity(point)
        for position, point in enumerate(xor().points.points)
        if point.is_minimum
    }
    leaves = pd.Series(list(images.point.values())).value_counts()
    assert leaves.to_dict() == multiplicity
    by_class, by_image = meetings(classes), meetings(images)
    for one, other in combinations(multiplicity, 2):
        ends = [[n for n, p in images.point.items() if p == each] for each in (one, other)]
        ways = [by_image[a, b] for a in ends[0] for b in ends[1]]
        # a way among classes may lead from one image to another one of the same
        assert by_class[one, other] <= min(ways) + 1e-12
    assert np.isfinite(list(by_image.values())).all()


def meetings(tree) -> dict[tuple[int, int], float]:
    """Loss at which any two minima of a tree meet."""
    nodes, place = tree.graph.nodes, {}
    for position, node in enumerate(tree.graph.nodes):
        if node.minimum >= 0:
            place[node.minimum] = position
    above = {}
    for minimum, position in place.items():
        line, node = [], nodes[position].parent
        while node >= 0:
            line.append(node)
            node = nodes[node].parent
        above[minimum] = line
    found = {}
    for one in place:
        for other in place:
            shared = [k for k in above[one] if k in set(above[other])]
            found[one, other] = nodes[shared[0]].loss if shared else np.inf
    return found


def test_images_are_counted_by_trying_all() -> None:
    found = xor()
    for point in found.points.points:
        images = {
            tuple(np.round(image[:, 0], 6) + 0.0)
            for image in found.points.symmetries.images(point.weights[:, None])
        }
        assert found.points.multiplicity(point) == len(images)


def test_a_round_that_no_worker_could_make_counts_as_searched() -> None:
    """Else the same starts would be sent again for ever."""
    made = deepcopy(xor())
    before, unfinished = made.searches, made.statuses["unfinished"]
    starts = made.next_searches()
    made.skip_searches(starts)
    assert made.searches == before + len(starts)
    assert made.statuses["unfinished"] == unfinished + len(starts)
