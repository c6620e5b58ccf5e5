"""The disconnectivity graph: at which loss which minima become connected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from runner.errors.messages import counted
from runner.report.colours import INK
from runner.report.figures.base import Key, Panel, Picture
from runner.report.figures.choice import chosen, telling
from runner.report.figures.loss_axis import LossAxis, rule
from runner.report.figures.row_colours import Answered, answered, row_keys
from runner.report.landscape_tables import Landscape
from runner.report.names import loss_name, title
from runner.report.numbers import number
from runner.report.style import MOST_PANELS, Shape, put_ticks
from runner.report.svg import Tips
from runner.report.tree_layout import laid_out

if TYPE_CHECKING:
    from runner.experiment.configuration import Configuration
    from runner.study.study import Study

READINGS = ("classes", "images")
"""Of `Study.tree`."""

_MOST_LEAVES = 400  # of a panel
_MOST_NUMBERED = 6  # leaves for each inch of a panel that have the number of their class
_SHAPE = Shape(3.2, 2.6)
_SINGLE = Shape(3.9, 3.2)
_RULE = rule("the lowest place where lines meet")
_FAMILY = Key("family of minima", INK, "s")


@dataclass(frozen=True)
class _Tree:
    """What a panel shows."""

    nodes: pd.DataFrame
    """Those that are drawn, with their places."""
    answers: Mapping[int, Answered]
    """Rows right of each minimum, by class."""
    families: frozenset[int]
    """Classes that are families."""
    n_minima: int
    """Leaves of the table, drawn or not."""

    @property
    def leaves(self) -> pd.DataFrame:
        return self.nodes[self.nodes["kind"] == "minimum"]

    @property
    def joins(self) -> pd.DataFrame:
        return self.nodes[self.nodes["kind"] != "minimum"]

    @property
    def said(self) -> str:
        """The graph in a few words."""
        roots = self.nodes[self.nodes["parent"] == -1]
        left_out = f", the {len(self.leaves):,} lowest" if len(self.leaves) < self.n_minima else ""
        leaves = f"{counted(self.n_minima, 'minimum', 'minima')}{left_out}"
        if len(roots) > 1:
            return f"{leaves}, {len(roots):,} parts that no known way connects"
        if self.joins.empty:
            return leaves
        return f"{leaves}, connected up to {number(roots['loss'].max())}"


def draw_tree(study: Study, landscape: Landscape, reading: str = READINGS[0]) -> Iterator[Picture]:
    """Draw the disconnectivity graph of each configuration that is mapped."""
    configurations = [c for c in study.plan.configurations if _n_minima(landscape, c, reading)]
    shown = telling(study, configurations, MOST_PANELS)
    found = [(c, tree) for c in shown if (tree := _tree(landscape, c, reading)) is not None]
    if not found:
        return
    keys = row_keys(answer for _, tree in found for answer in tree.answers.values())
    families = any(tree.families for _, tree in found)
    images = "" if reading == READINGS[0] else " Every image of a minimum is a minimum of its own."
    yield Picture(
        "tree",
        "At which loss minima become connected",
        "Each line ends below at a minimum, at its loss. Lines meet at the lowest known loss up to "
        "which one has to go from one side to the other: that of a saddle between them. Of what "
        "meets, the part with the lowest minimum is on the left; distances from left to right mean "
        f"nothing, numbers are classes of study.critical_points.{images} {_RULE}"
        f"{chosen(len(configurations), len(shown))}",
        "Disconnectivity graphs. " + "; ".join(f"{title(c)}: {tree.said}" for c, tree in found),
        tuple(
            Panel(title(c), partial(_draw, tree, keys, loss_name([c])), tree.said)
            for c, tree in found
        ),
        pd.concat([_data(c, tree) for c, tree in found], ignore_index=True),
        keys=(*dict.fromkeys(keys.values()), *([_FAMILY] if families else [])),
        shape=_SHAPE if len(found) > 1 else _SINGLE,
    )


def _n_minima(landscape: Landscape, c: Configuration, reading: str) -> int:
    table = landscape.of("tree", c)
    if table.empty:
        return 0
    return int(((table["reading"] == reading) & (table["kind"] == "minimum")).sum())


def _tree(landscape: Landscape, c: Configuration, reading: str) -> _Tree | None:
    table, points = landscape.of("tree", c), landscape.of("critical_points", c)
    nodes = laid_out(table[table["reading"] == reading], _MOST_LEAVES)
    minima = nodes.loc[nodes["kind"] == "minimum", "class"]
    points = points[points["class"].isin(minima)] if len(points) else points
    if points.empty or not minima.isin(points["class"]).all():
        return None  # a table from elsewhere, as the study's own have each minimum in both
    families = frozenset(points.loc[points["kind"] == "family", "class"].tolist())
    return _Tree(nodes, answered(c, points), families, _n_minima(landscape, c, reading))


def _data(c: Configuration, tree: _Tree) -> pd.DataFrame:
    """Return the nodes as the table has them, with the rows right of minima."""
    nodes = tree.nodes.drop(columns="x")
    answers = [
        tree.answers[number_] if kind == "minimum" else None
        for number_, kind in zip(nodes["class"], nodes["kind"], strict=True)
    ]
    right = [None if a is None or a.right < 0 else a.right for a in answers]
    nodes.insert(1, "title", title(c))
    return nodes.assign(rows_right=pd.array(right, "Int64"))


def _draw(tree: _Tree, keys: Mapping[Answered, Key], name: str, axes: Axes) -> Tips:
    nodes = tree.nodes
    scale = LossAxis.of(nodes["loss"], tree.joins["loss"])
    places = nodes.assign(y=scale.places(nodes["loss"])).set_index("node")
    inner = places[places["parent"] != -1]
    ends = places.loc[inner["parent"], "y"].to_numpy()
    lines = np.stack([inner[["x", "y"]], np.column_stack([inner["x"], ends])], axis=1)
    colours = [
        keys[tree.answers[number_]].colour if kind == "minimum" else INK
        for number_, kind in zip(inner["class"], inner["kind"], strict=True)
    ]
    axes.add_collection(LineCollection(list(lines), colors=colours, linewidths=1.0))
    tips: Tips = {}
    _draw_joins(places, axes, tips)
    _draw_leaves(tree, places, keys, axes, tips)
    scale.put(axes, "y", name)
    right = float(nodes["x"].max())
    axes.set_xlim(-0.6, right + 0.6)
    put_ticks(axes.xaxis, [])
    axes.set_xlabel("minima")
    return tips


def _draw_joins(places: pd.DataFrame, axes: Axes, tips: Tips) -> None:
    joins = places[places["kind"] != "minimum"]
    if joins.empty:
        return
    below = places.groupby("parent")["x"].agg(["min", "max"]).loc[joins.index]
    bars = [
        [(left, y), (right, y)]
        for left, right, y in zip(below["min"], below["max"], joins["y"], strict=True)
    ]
    lines = LineCollection(bars, colors=INK, linewidths=1.0)
    axes.add_collection(lines)
    tips[lines] = [
        f"{n:,} minima meet at loss {loss:.7g}, at the saddle of class {saddle}"
        for n, loss, saddle in zip(joins["minima"], joins["loss"], joins["class"], strict=True)
    ]


def _draw_leaves(
    tree: _Tree, places: pd.DataFrame, keys: Mapping[Answered, Key], axes: Axes, tips: Tips
) -> None:
    leaves = places[places["kind"] == "minimum"]
    drawn = leaves["class"].map(lambda k: _mark(tree, keys, k))
    for key in drawn.unique():
        rows = leaves[drawn == key]
        (marks,) = axes.plot(
            rows["x"], rows["y"], key.mark, color=key.colour, markersize=3.5, linestyle="none"
        )
        tips[marks] = [
            f"class {row['class']}{_image(row['image'])}: loss {row['loss']:.7g}, "
            f"{tree.answers[row['class']].text}"
            for _, row in rows.iterrows()
        ]
    inches = axes.bbox.width / axes.figure.dpi
    if len(leaves) <= _MOST_NUMBERED * inches:
        for _, row in leaves.iterrows():
            axes.annotate(
                str(row["class"]), (row["x"], row["y"]), (0, -4), textcoords="offset points",
                ha="center", va="top", fontsize=6.5,
            )  # fmt: skip


def _mark(tree: _Tree, keys: Mapping[Answered, Key], number_: int) -> Key:
    key = keys[tree.answers[number_]]
    return replace(key, mark=_FAMILY.mark) if number_ in tree.families else key


def _image(number_: int) -> str:
    return f", image {number_}" if number_ >= 0 else ""
