"""Disconnectivity graphs: at which loss which minima are connected (Becker and Karplus 1997)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Join:
    """Two nodes that are connected below a loss."""

    loss: float
    """Highest loss on the way."""
    one: int
    """A node."""
    other: int
    """Another node, or the same."""
    saddle: int
    """Position of the saddle on the way among the critical points."""


@dataclass
class TreeNode:
    """A minimum, or the loss at which several groups of minima become one."""

    loss: float
    """Of the minimum; of a join, the lowest known on which all below are connected."""
    minimum: int
    """The minimum's node; -1 of a join."""
    saddle: int
    """The saddle over which the lowest way leads; -1 of a minimum."""
    parent: int
    """Position of the node above; -1 of a root."""
    n_minima: int
    """Minima at or below the node."""
    lowest: int
    """Node of the lowest minimum at or below."""


class Disconnectivity:
    """The tree that joins make of minima: of all ways between two, the lowest counts.

    Parameters
    ----------
    minima : mapping of int to float
        Their losses, by node.
    joins : iterable of Join
        Between minima, and other nodes such as saddles at which a path ended.
    tolerance : float
        Losses of joins that differ by less are one level.
    """

    def __init__(
        self, minima: Mapping[int, float], joins: Iterable[Join], tolerance: float = 1e-9
    ) -> None:
        self._losses = minima
        self.nodes: list[TreeNode] = []
        top: dict[int, int] = {}  # set -> position of its highest node in the tree
        self._parent: dict[int, int] = {}
        self._dissolved: dict[int, int] = {}  # join -> the one of its level that has taken it in
        for minimum, loss in sorted(minima.items(), key=lambda item: (item[1], item[0])):
            top[self._find(minimum)] = len(self.nodes)
            self.nodes.append(TreeNode(loss, minimum, -1, -1, 1, minimum))
        ordered = sorted(joins, key=lambda join: (join.loss, join.saddle, join.one, join.other))
        for join in ordered:
            one, other = self._find(join.one), self._find(join.other)
            if one == other:
                continue
            tops = [top[each] for each in (one, other) if each in top]
            self._parent[other] = one
            if len(tops) == 2:
                top[one] = self._joined(tops, join, tolerance)
            elif tops:
                top[one] = tops[0]
        self.nodes = self._compact()

    def _find(self, node: int) -> int:
        while self._parent.setdefault(node, node) != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def _joined(self, tops: Sequence[int], join: Join, tolerance: float) -> int:
        """Position of the node above two others: one of them, if it is at the same level."""
        parts = sorted((self.nodes[each] for each in tops), key=lambda n: self._losses[n.lowest])
        n_minima, lowest = sum(part.n_minima for part in parts), parts[0].lowest
        reach = tolerance * max(abs(join.loss), 1.0)
        level = [t for t in tops if self.nodes[t].minimum < 0]
        level = [t for t in level if join.loss - self.nodes[t].loss <= reach]
        if level:
            node, above = self.nodes[level[0]], level[0]
            node.n_minima, node.lowest = n_minima, lowest
            self._dissolved |= dict.fromkeys(level[1:], above)
        else:
            above = len(self.nodes)
            self.nodes.append(TreeNode(join.loss, -1, join.saddle, -1, n_minima, lowest))
        for each in tops:
            if each != above and each not in self._dissolved:
                self.nodes[each].parent = above
        return above

    def _compact(self) -> list[TreeNode]:
        """Return the nodes that are left, with their parents' new positions."""
        into = self._dissolved
        for join in reversed(into):  # what took it in may have been taken in later
            into[join] = into.get(into[join], into[join])
        left = [k for k in range(len(self.nodes)) if k not in into]
        place = {k: position for position, k in enumerate(left)} | {-1: -1}
        for k in left:
            parent = self.nodes[k].parent
            self.nodes[k].parent = place[into.get(parent, parent)]
        return [self.nodes[k] for k in left]
