"""Figures of a map: where every line is drawn, beside the tables; reports with and without one."""

from __future__ import annotations

import csv
import io
import itertools
import re
import shutil
import urllib.parse

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.path import Path
from support.crafted import EXPERIMENT, crafted
from support.maps import XOR, mapped, tables_of

import runner
from runner.errors import StudyError
from runner.mapping.disconnectivity import Disconnectivity, Join
from runner.mapping.options import MapOptions
from runner.report.figures.loss_axis import LossAxis
from runner.report.figures.path_basins import SADDLE, deepest
from runner.report.tree_layout import laid_out
from runner.report.writer import write_report
from runner.study.tables import analysis_tables

EQUAL = 1e-9  # losses that differ by less are one level


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("agg")
    yield
    plt.close("all")


def kept(study, tables):
    """Store a map's tables in a study, as `map` does."""
    folder = study.path / "tables"
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        analysis_tables.write(folder, name, analysis_tables.frame(name, rows), study.digest)
    return runner.open_study(study.path)


@st.composite
def trees(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of `Study.tree` of some minima, with losses near one another or far apart."""
    n = draw(st.integers(1, 9))
    level = st.one_of(
        st.integers(0, 5).map(lambda k: k / 10), st.integers(1, 7).map(lambda k: 10.0**-k)
    )
    losses = {k: draw(level) for k in range(n)}
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.integers(6, 12))
    joins = [
        Join(height / 10 * draw(st.sampled_from([1, 100])), one, other, n + k)
        for k, (one, other, height) in enumerate(draw(st.lists(pairs, max_size=16)))
    ]
    nodes = Disconnectivity(losses, joins).nodes
    rows = {
        "configuration": 0,
        "reading": "classes",
        "node": range(len(nodes)),
        "parent": [node.parent for node in nodes],
        "kind": ["minimum" if node.minimum >= 0 else "join" for node in nodes],
        "class": [node.minimum if node.minimum >= 0 else node.saddle for node in nodes],
        "image": -1,
        "loss": [node.loss for node in nodes],
        "minima": [node.n_minima for node in nodes],
        "lowest": [node.lowest for node in nodes],
    }
    return pd.DataFrame(rows)


def above(nodes: pd.DataFrame, node: int) -> list[int]:
    parent = dict(zip(nodes["node"], nodes["parent"], strict=True))
    found = []
    while (node := parent[node]) != -1:
        found.append(node)
    return found


def meeting(nodes: pd.DataFrame, one: int, other: int) -> float:
    """Loss at which two leaves meet; infinite if they do not."""
    shared = [node for node in above(nodes, one) if node in above(nodes, other)]
    return float(nodes.set_index("node")["loss"][shared[0]]) if shared else np.inf


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    experiment = {**EXPERIMENT, "name": "plain"}
    return crafted(
        tmp_path_factory.mktemp("tree") / "s", {0: [9, 100]}, {0: [True, False]}, experiment
    )


def points_of(study, tree: pd.DataFrame) -> pd.DataFrame:
    """Rows of `Study.critical_points` of a tree's minima, all at the first restart's end."""
    minima = tree[tree["kind"] == "minimum"]
    rows = dict.fromkeys(analysis_tables.ALL_TABLES["critical_points"], 0)
    rows |= {"class": minima["class"].to_numpy(), "loss": minima["loss"].to_numpy()}
    rows |= {"kind": "minimum", "eigenvalues": [[1.0]] * len(minima)}
    return pd.DataFrame(rows | study.weights.iloc[0].to_dict())


@settings(max_examples=25, deadline=None)
@given(tree=trees())
def test_every_line_is_where_the_table_says_and_none_cross(plain, tree) -> None:
    study = kept(plain, {"tree": tree, "critical_points": points_of(plain, tree)})
    axes = Figure().subplots()
    study.plot.tree(axes)
    heights = tree["loss"] - tree["loss"].min()
    if axes.get_yscale() == "log":
        positive = heights[heights > EQUAL]
        joined = heights[tree["kind"] == "join"]
        assert min(joined, default=np.median(positive)) < heights.max() / 30
        place = heights.where(heights > EQUAL, positive.min() / 3)
    else:
        place = tree["loss"]
    leaves = np.concatenate([line.get_xydata() for line in axes.lines])
    minima = tree["kind"] == "minimum"
    np.testing.assert_allclose(sorted(leaves[:, 1]), sorted(place[minima]))
    assert np.diff(sorted(leaves[:, 0])).min(initial=1.0) >= 1
    segments = [s for lines in axes.collections for s in lines.get_segments()]
    upright = [s for s in segments if s[0, 0] == s[1, 0]]
    level = [s for s in segments if s[0, 0] != s[1, 0]]
    expected = [(place[k], place[p]) for k, p in enumerate(tree["parent"]) if p != -1]
    ends = sorted((float(s[0, 1]), float(s[1, 1])) for s in upright)
    np.testing.assert_allclose(np.ravel(ends), np.ravel(sorted(expected)))
    np.testing.assert_allclose(sorted(s[0, 1] for s in level), sorted(place[~minima]))
    assert all(s[0, 1] == s[1, 1] for s in level)
    for s, t in itertools.product(upright, level):
        assert not (t[0, 0] < s[0, 0] < t[1, 0] and s[0, 1] < t[0, 1] < s[1, 1])
    for s, t in itertools.combinations(upright, 2):
        assert s[0, 0] != t[0, 0] or max(s[0, 1], t[0, 1]) >= min(s[1, 1], t[1, 1])
    low, high = axes.get_ylim()
    assert low < place.min() <= place.max() < high


@given(trees(), st.integers(1, 9))
def test_the_lowest_leaves_stay_and_meet_where_they_did(tree, most) -> None:
    nodes = laid_out(tree, most)
    leaves = nodes[nodes["kind"] == "minimum"]
    every = tree[tree["kind"] == "minimum"]
    assert len(leaves) == min(most, len(every))
    assert leaves["loss"].max() <= every["loss"].drop(leaves["node"]).min() or len(leaves) == len(
        every
    )
    for one, other in itertools.combinations(leaves["node"], 2):
        assert meeting(nodes, one, other) == meeting(tree, one, other)
    x, loss = nodes.set_index("node")["x"], nodes.set_index("node")["loss"]
    for parent, parts in nodes[nodes["parent"] != -1].groupby("parent"):
        assert len(parts) >= 2
        assert x[parent] == (parts["x"].min() + parts["x"].max()) / 2
        first = parts.sort_values("x")["node"].iloc[0]
        below = {
            k: [n for n in leaves["node"] if k in (n, *above(nodes, n))] for k in (first, parent)
        }
        assert loss[below[first]].min() == loss[below[parent]].min()


def test_a_damaged_tree_is_left_out_and_its_rest_drawn() -> None:
    rows = [(0, 2, "minimum", 0.1), (1, 2, "minimum", 0.2), (2, -1, "join", 0.3)]
    rows += [
        (3, 4, "minimum", 0.1),
        (4, 3, "join", 0.2),
        (5, 9, "minimum", 0.1),
        (6, 2, "minimum", np.nan),
    ]
    tree = pd.DataFrame(rows, columns=["node", "parent", "kind", "loss"])
    assert sorted(laid_out(tree, 9)["node"]) == [0, 1, 2]
    assert sorted(laid_out(tree, 1)["node"]) == [0]


@pytest.mark.parametrize(
    ("losses", "logarithmic"),
    [([0.1, 0.5, 1.0], False), ([0.1], False), ([0.0, 1e-6, 1e-5, 1.0], True), ([2.0, 2.0], False),
     ([1e-9, 1e-9 + 1e-12, 1.0], False), ([5.0, 5.001, 5.002, 6.0], True), ([0.0, 1e300], False)],
)  # fmt: skip
def test_the_axis_is_logarithmic_where_half_would_be_in_the_lowest_thirtieth(
    losses, logarithmic
) -> None:
    scale = LossAxis.of(losses)
    assert bool(scale.foot) == logarithmic
    places = scale.places(losses)
    assert (np.diff(places) >= 0).all()
    if logarithmic:
        assert places[0] > 0
        np.testing.assert_allclose(places[1:], np.subtract(losses[1:], losses[0]))


def test_the_lowest_join_decides_where_there_are_any() -> None:
    low_join = [0.02, 0.02, 0.0235, 2.56, 2.57]
    assert LossAxis.of(low_join, [0.0235, 2.57]).foot > 0
    assert not LossAxis.of(low_join).foot
    low_minima = [0.0, 1e-6, 1e-6, 0.5, 1.0]
    assert not LossAxis.of(low_minima, [0.5, 1.0]).foot
    assert LossAxis.of([*low_minima[:3], 1.0]).foot > 0


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """XOR on two tanh units, mapped."""
    path = tmp_path_factory.mktemp("mapped") / "s"
    study = crafted(path, {0: [9, 50]}, {0: [True, False]}, XOR)
    (c,) = study.plan.configurations
    return kept(study, tables_of(mapped(c, MapOptions(unchanged=300, round_searches=300))))


def test_a_report_with_a_map_shows_its_figures_and_their_numbers(found) -> None:
    text = write_report(found).read_text()
    for heading in (
        "At which loss minima become connected",
        "The lowest way between the two best minima",
        "Minima, transition states and higher",
    ):
        assert f">{heading}" in text
    links = dict(re.findall(r'download="([^"]*)" href="([^"]*)"', text))
    links |= {b: a for a, b in re.findall(r'href="([^"]*)" download="([^"]*)"', text)}
    content = urllib.parse.unquote(links["xor-tree.csv"].partition(",")[2])
    rows = pd.read_csv(io.StringIO(content)).set_index("node").sort_index()
    tree = found.tree.query("reading == 'classes'")
    for column in ("parent", "class", "loss", "minima"):
        np.testing.assert_array_equal(rows[column], tree[column])
    points = found.critical_points
    content = urllib.parse.unquote(links["xor-critical-points.csv"].partition(",")[2])
    saved = list(csv.DictReader(io.StringIO(content)))
    assert [float(row["loss"]) for row in saved] == points["loss"].tolist()
    # rows right, from the weights: tanh units, a linear output, targets -0.8 and 0.8
    for _, row in rows[rows["kind"] == "minimum"].iterrows():
        w = points.iloc[int(row["class"])]
        right = 0
        for a, b in itertools.product([-1, 1], repeat=2):
            hidden = [
                np.tanh(w[f"W1[{k},0]"] * a + w[f"W1[{k},1]"] * b + w[f"b1[{k}]"]) for k in (0, 1)
            ]
            output = w["W2[0,0]"] * hidden[0] + w["W2[0,1]"] * hidden[1] + w["b2[0]"]
            right += output * (1 if a != b else -1) > 0
        assert row["rows_right"] == right
        assert f"class {row['class']}: loss {row['loss']:.7g}, {right} of 4 rows right" in text
    assert "solved: 4 of 4 rows right" in text


def test_a_slice_that_is_mapped_has_its_basins_beside_the_map(found, tmp_path) -> None:
    others = [name for name in found.weights.columns if name not in ("W1[0,0]", "b2[0]")]
    others = [name for name in others if name.startswith(("W", "b"))]
    start = {"x": "W1[0,0]=-1:1:3", "y": "b2[0]=0:2:4", "at": [f"{name}=0.5" for name in others]}
    experiment = {**XOR, "init": {"distribution": "slice", **start}}
    del experiment["restarts"]
    study = crafted(tmp_path / "s", {0: [9] * 12}, {0: [True] * 12}, experiment)
    tables = {
        name: getattr(found, name).to_dict("records")
        for name in ("critical_points", "transitions", "paths", "basins", "tree")
    }
    text = write_report(kept(study, tables)).read_text()
    for figure in ("basins", "tree", "path", "critical-points"):
        assert f'id="figure-{figure}"' in text


def test_points_are_drawn_at_their_loss_and_index(found) -> None:
    (axes,) = found.plot.critical_points()
    drawn = {tuple(xy) for line in axes.lines for xy in np.round(line.get_xydata(), 6)}
    points = found.critical_points
    assert drawn == set(zip(points["loss"].round(6), points["index"], strict=True))


def test_the_lowest_way_is_drawn_as_its_paths_are_stored(found) -> None:
    axes, _ = found.plot.path()
    line = max((line.get_xydata() for line in axes.lines), key=len)
    minima = found.critical_points.query("index == 0")
    tree = found.tree.query("reading == 'classes'").set_index("node")
    leaves = tree[tree["kind"] == "minimum"].reset_index().set_index("class")["node"]
    nodes = tree.reset_index()
    np.testing.assert_allclose(line[[0, -1], 1], minima["loss"].iloc[:2], rtol=1e-9)
    assert line[:, 1].max() == pytest.approx(meeting(nodes, leaves[0], leaves[1]), rel=1e-9)
    assert (np.diff(line[:, 0]) > 0).all()
    # every rise and fall is one of the table's
    stored = set(found.paths["loss"])
    assert set(line[:, 1]) <= stored
    boxes = axes.child_axes
    assert [box.get_xlabel() for box in boxes] == ["1", "2", "3", "4", "5"]
    assert all(len(box.images) == 1 for box in boxes)


def test_basins_are_drawn_beside_the_way_as_their_table_says(found) -> None:
    profile, axes = found.plot.path()
    assert axes.get_title().startswith("XOR 2-2-1\nbasins: class ")
    table = found.basins
    drawn = axes.collections
    assert len(drawn) == table["class"].nunique()
    step = np.diff(np.unique(table["x"]))[0]
    parts = [(subpaths(each), tuple(each.get_facecolor()[0])) for each in drawn]
    seen = set()
    for x, y, class_ in table[["x", "y", "class"]].itertuples(index=False):
        inside = [
            colour
            for paths, colour in parts
            if any(path.contains_point((x, y), radius=-step / 9) for path in paths)
        ]
        assert len(inside) == 1
        seen.add((class_, inside[0]))
    assert len(seen) == table["class"].nunique() == len({colour for _, colour in seen})
    shares = table["class"].value_counts(normalize=True)
    named = {text.get_text() for text in axes.texts}
    assert named == {f"class {k}" for k, share in shares.items() if share >= 0.01}
    # the way in the plane: from minimum to minimum, at x = 0 and on the axis again
    (way,) = [line for line in axes.lines if line.get_linestyle() == "-"]
    x, y = way.get_xydata().T
    assert (x[0], y[0], y[-1]) == pytest.approx((0, 0, 0), abs=1e-6)
    (line,) = [each for each in profile.lines if each.get_linestyle() == "-"]
    assert x[-1] < np.ptp(line.get_xdata())  # the straight line is shorter than the way
    (saddles,) = [each for each in axes.lines if each.get_color() == SADDLE.colour]
    assert len(saddles.get_xdata()) >= 1


def subpaths(areas):
    return [Path(part) for path in areas.get_paths() for part in path.to_polygons()]


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)))
def test_a_name_stands_as_far_inside_as_any_place(cells) -> None:
    assume(cells.any())
    framed = np.pad(cells, 1)
    outside = np.argwhere(~framed) - 1

    def depth(place):
        return np.abs(outside - place).sum(axis=1).min()

    best = max(depth(place) for place in np.argwhere(cells))
    assert cells[deepest(cells)]
    assert depth(deepest(cells)) == best


def test_a_map_without_basins_has_the_way_alone(found, tmp_path) -> None:
    shutil.copytree(found.path, tmp_path / "s")
    (tmp_path / "s" / "tables" / "basins.parquet").unlink()
    study = runner.open_study(tmp_path / "s")
    assert len(study.plot.path()) == 1
    said = re.sub(r"<[^>]*>", "", write_report(study).read_text())
    assert "1 table of the map cannot be read, or not for these restarts: study.basins." in said
    assert "Beside it, basins" not in said


def test_images_are_leaves_of_their_own(found) -> None:
    (axes,) = found.plot.tree(reading="images")
    points = found.critical_points
    images = points.loc[points["kind"] == "minimum", "multiplicity"].sum()
    assert sum(len(line.get_xdata()) for line in axes.lines) == images
    with pytest.raises(StudyError, match="reading is 'both'; expected classes or images"):
        found.plot.tree(reading="both")


def test_a_study_without_a_map_has_no_such_figure(found, tmp_path) -> None:
    shutil.copytree(found.path, tmp_path / "s")
    path = tmp_path / "s" / "tables" / "tree.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    text = write_report(runner.open_study(tmp_path / "s")).read_text()
    said = re.sub(r"<[^>]*>", "", text)
    assert "1 table of the map cannot be read, or not for these restarts: study.tree. Run" in said
    assert 'id="figure-tree"' not in text
    assert 'id="figure-critical-points"' in text
    shutil.rmtree(tmp_path / "s" / "tables")
    study = runner.open_study(tmp_path / "s")
    text = write_report(study).read_text()
    assert 'id="figure-critical-points"' not in text
    assert "of the map" not in text
    for name in ("tree", "path", "critical_points"):
        with pytest.raises(StudyError, match=r"nothing to draw for it\. Run runner\.map_landscape"):
            getattr(study.plot, name)()


def test_families_have_marks_of_their_own(plain) -> None:
    tree = pd.DataFrame({"configuration": 0, "reading": "classes", "node": [0, 1], "parent": -1,
                         "kind": "minimum", "class": [0, 1], "image": -1, "loss": [0.1, 0.2],
                         "minima": 1, "lowest": [0, 1]})  # fmt: skip
    points = points_of(plain, tree).assign(kind=["minimum", "family"])
    study = kept(plain, {"tree": tree, "critical_points": points})
    for axes in (study.plot.tree()[0], study.plot.critical_points()[0]):
        marks = {line.get_marker(): line.get_xydata()[0] for line in axes.lines}
        assert set(marks) == {"o", "s"}
        assert 0.2 in marks["s"]
        (legend,) = axes.figure.legends
        assert "family of minima" in [text.get_text() for text in legend.get_texts()]
