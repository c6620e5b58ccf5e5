"""Basins in a plane: where it lies, and where its starts lead, beside SciPy's integrator."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from support.landscapes import plain
from support.maps import configuration, mapped, tables_of

from runner.mapping.basin_planes import side_of
from runner.mapping.continuous_ways import continuous
from runner.mapping.options import MapOptions

OPTIONS = MapOptions(unchanged=300, round_searches=300, basin_side=15)


@pytest.fixture(scope="module")
def xor():
    return mapped(configuration(), OPTIONS)


def images_of(weights: np.ndarray) -> np.ndarray:
    """All images (9, 8) of two tanh units' weights: W1 row by row, b1, W2, b2."""
    found = []
    for order, signs in itertools.product([(0, 1), (1, 0)], itertools.product([1, -1], repeat=2)):
        first = weights[:4].reshape(2, 2)[list(order)] * np.array(signs)[:, None]
        rest = [weights[4:6][list(order)] * signs, weights[6:8][list(order)] * signs, weights[8:]]
        found.append(np.concatenate([first.ravel(), *rest]))
    return np.stack(found, axis=1)


def test_starts_lead_where_an_integrator_on_plain_numpy_goes(xor) -> None:
    """Steepest descent by LSODA, its end beside all images of the class that the table has."""
    tables, net = tables_of(xor), plain(xor.configuration)
    names = list(xor.configuration.architecture.parameter_names)
    points = tables["critical_points"].set_index("class")[names]
    basins = tables["basins"]
    classes = []
    for row in basins.iloc[::16].itertuples(index=False):
        start = np.array(row[-9:], float)
        path = solve_ivp(
            lambda _, x: -net.gradient(x), (0, 2000), start, "LSODA", rtol=1e-9, atol=1e-11
        )
        end = path.y[:, -1]
        images = images_of(points.loc[row[5]].to_numpy())
        assert np.linalg.norm(images - end[:, None], axis=0).min() < 1e-4
        assert row.loss == pytest.approx(net.loss(end), abs=1e-9)
        assert row.outcome == "minimum"
        classes.append(row[5])
    assert len(set(classes)) >= 3


def test_the_plane_holds_both_minima_and_the_highest_saddle_between_them(xor) -> None:
    tables = tables_of(xor)
    names = list(xor.configuration.architecture.parameter_names)
    points, basins = tables["critical_points"].set_index("class"), tables["basins"]
    place, x, y = basins[names].to_numpy(), basins["x"].to_numpy(), basins["y"].to_numpy()
    axes = np.linalg.lstsq(np.column_stack([np.ones_like(x), x, y]), place, rcond=None)[0]
    np.testing.assert_allclose(axes[1:] @ axes[1:].T, np.eye(2), atol=1e-9)
    found = {}
    for name in (0, 1, int(basins["saddle"].iloc[0])):
        off = images_of(points.loc[name, names].to_numpy(float)) - axes[0][:, None]
        flat = axes[1:] @ off
        away = np.linalg.norm(off - axes[1:].T @ flat, axis=0)
        assert away.min() < 1e-5
        within = flat[:, away < 1e-5]
        assert (np.abs(within) < np.abs([x, y]).max()).all(axis=0).any()
        found[name] = within
    np.testing.assert_allclose(found[0].T[np.abs(found[0]).sum(axis=0).argmin()], 0, atol=1e-5)
    assert (np.abs(found[1][1]) < 1e-5).any()
    # of all saddles on the lowest way it is the highest: where the tree joins both
    tree = tables["tree"].query("reading == 'classes'")
    lowest = tree.loc[tree["kind"] == "join", "loss"].min()
    assert points.loc[basins["saddle"].iloc[0], "loss"] == pytest.approx(lowest, rel=1e-9)


def test_what_the_searches_know_does_not_depend_on_the_basins(xor) -> None:
    none = tables_of(mapped(configuration(), MapOptions(**{**OPTIONS.__dict__, "basin_side": 0})))
    assert none.pop("basins").empty
    for name, table in none.items():
        pd.testing.assert_frame_equal(tables_of(xor)[name], table)
    assert tables_of(xor)["basins"]["class"].ge(0).all()


def test_one_minimum_has_no_plane() -> None:
    strong = configuration({"loss": {"kind": "squared-error", "reduction": "sum", "l2": 2.0}})
    assert tables_of(mapped(strong, OPTIONS))["basins"].empty


@pytest.mark.parametrize(
    ("n_parameters", "side"), [(9, 33), (50, 33), (60, 25), (100, 11), (118, 9), (200, 0)]
)
def test_large_networks_have_fewer_starts_or_none(n_parameters, side) -> None:
    found = side_of(n_parameters, 33)
    assert found == side
    assert found**2 * n_parameters**3 <= 33**2 * 50**3
    assert side_of(n_parameters, 0) == 0
    assert side_of(9, 5) == 5


@given(st.lists(st.integers(0, 7), min_size=1, max_size=5), st.data())
def test_ways_hang_together_whatever_images_their_paths_have(chosen, data) -> None:
    symmetries = configuration().symmetries
    rng = np.random.default_rng(len(chosen))
    line = np.cumsum(rng.normal(size=(4 * len(chosen) + 1, 9)), axis=0)
    pieces = [line[4 * k : 4 * k + 5] for k in range(len(chosen))]
    kept = data.draw(st.integers(0, len(chosen) - 1))
    chosen[kept] = 0  # images_of begins with the point itself
    given_ = [
        np.stack([images_of(w)[:, image] for w in piece])
        for piece, image in zip(pieces, chosen, strict=True)
    ]
    first, found = continuous(symmetries, given_, kept)
    assert first == 0
    np.testing.assert_allclose(np.stack(found), np.stack(pieces))


def test_a_way_is_cut_where_its_paths_do_not_meet() -> None:
    paths = [np.full((3, 9), float(k)) for k in (1, 1, 1, 5, 5)]
    first, found = continuous(configuration().symmetries, paths, 1)
    assert (first, len(found)) == (0, 3)
    first, found = continuous(configuration().symmetries, paths, 4)
    assert (first, len(found)) == (3, 2)
