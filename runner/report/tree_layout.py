"""Where the nodes of a disconnectivity graph stand, so that no two of its lines cross."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pandas as pd

from runner.report.numbers import drawable

_GAP = 1.0  # between parts that no known way connects, besides the leaves' own distance of 1


def laid_out(tree: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the nodes that are drawn, each with its place from left to right.

    Parameters
    ----------
    tree : DataFrame
        Rows of `Study.tree`, of one configuration and one reading.
    most : int
        Leaves that are drawn, those of the lowest loss. Joins of which fewer than two parts are
        left are left out too.

    Returns
    -------
    DataFrame
        The same columns, ``parent`` being the next node above that is drawn, and ``x``: leaves
        are at least 1 apart, in each join the part with the lowest minimum is first, and a join
        stands halfway between its first and its last part.
    """
    finite = tree[np.isfinite(drawable(tree["loss"]))]
    children = _children(finite)
    order = _from_the_roots(children)  # without what a damaged table has beside its trees
    nodes = _lowest(finite.set_index("node", drop=False).loc[order], most)
    children, loss = _children(nodes), nodes["loss"].to_dict()
    least: dict[int, tuple[float, int]] = {}
    for node in reversed(_from_the_roots(children)):
        least[node] = min([least[each] for each in children[node]], default=(loss[node], node))
    for parts in children.values():
        parts.sort(key=least.__getitem__)
    placed = _places(children)
    return nodes.assign(x=[placed[node] for node in nodes["node"]]).reset_index(drop=True)


def _children(nodes: pd.DataFrame) -> defaultdict[int, list[int]]:
    """Return the nodes right below each; those below -1 are roots."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for node, parent in zip(nodes["node"].tolist(), nodes["parent"].tolist(), strict=True):
        children[parent].append(node)
    return children


def _from_the_roots(children: defaultdict[int, list[int]]) -> list[int]:
    """Return all nodes, each before those below it and those of a part together."""
    order: list[int] = []
    left = children[-1][::-1]
    while left:
        order.append(left.pop())
        left += children[order[-1]][::-1]
    return order


def _lowest(nodes: pd.DataFrame, most: int) -> pd.DataFrame:
    """Leave the lowest leaves, and the joins of at least two parts that have any."""
    leaves = nodes[nodes["kind"] == "minimum"]
    if len(leaves) <= most:
        return nodes
    kept = leaves.sort_values("loss", kind="stable").head(most)["node"].tolist()
    parent = dict(zip(nodes["node"].tolist(), nodes["parent"].tolist(), strict=True))
    above: set[int] = set()
    for leaf in kept:
        node = leaf
        while node != -1 and node not in above:
            above.add(node)
            node = parent[node]
    parts = Counter(parent[node] for node in above)
    drawn = {node for node in above if parts[node] != 1}

    def next_drawn(node: int) -> int:
        node = parent[node]
        while node != -1 and node not in drawn:
            node = parent[node]
        return node

    found = nodes[nodes["node"].isin(drawn)]
    return found.assign(parent=[next_drawn(node) for node in found["node"]])


def _places(children: defaultdict[int, list[int]]) -> dict[int, float]:
    order, roots = _from_the_roots(children), set(children[-1])
    places: dict[int, float] = {}
    next_place = -_GAP
    for node in order:
        if node in roots:
            next_place += _GAP
        if not children[node]:
            places[node] = next_place
            next_place += 1.0
    for node in reversed(order):
        if parts := children[node]:
            places[node] = (places[parts[0]] + places[parts[-1]]) / 2
    return places
