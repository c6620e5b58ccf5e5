"""Trees of joins, beside all ways between all pairs of minima."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.mapping.disconnectivity import Disconnectivity, Join


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[int, float], list[Join]]:
    n = draw(st.integers(1, 7))
    losses = {k: draw(st.integers(0, 5)) / 10 for k in range(n)}
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.integers(6, 12))
    drawn = draw(st.lists(pairs, max_size=12))
    joins = [Join(level / 10, one, other, 100 + k) for k, (one, other, level) in enumerate(drawn)]
    return losses, joins


@given(networks())
def test_two_minima_meet_at_the_lowest_highest_loss_of_all_ways(network) -> None:
    losses, joins = network
    tree, n = Disconnectivity(losses, joins), len(losses)
    lowest = np.full((n, n), np.inf)
    for join in joins:
        both = (join.one, join.other)
        lowest[both] = lowest[both[::-1]] = min(lowest[both], join.loss)
    for k in range(n):  # as Floyd and Warshall's shortest ways, with the largest step as length
        lowest = np.minimum(lowest, np.maximum(lowest[:, [k]], lowest[[k], :]))
    place = {node.minimum: k for k, node in enumerate(tree.nodes) if node.minimum >= 0}

    def above(minimum: int) -> list[int]:
        found, node = [], tree.nodes[place[minimum]].parent
        while node >= 0:
            found.append(node)
            node = tree.nodes[node].parent
        return found

    for one in range(n):
        for other in range(n):
            shared = [k for k in above(one) if k in above(other)]
            if one != other:
                meet = tree.nodes[shared[0]].loss if shared else np.inf
                assert meet == lowest[one, other]
    for k, node in enumerate(tree.nodes):
        below = [m for m in losses if k == place[m] or k in above(m)]
        assert node.n_minima == len(below)
        assert losses[node.lowest] == min(losses[m] for m in below)
        above_it = tree.nodes[node.parent].loss
        assert node.parent < 0 or (
            above_it > node.loss if node.minimum < 0 else above_it >= node.loss
        )


def test_saddles_at_which_paths_end_join_what_they_join() -> None:
    joins = [Join(1.0, 10, 0, 10), Join(1.0, 10, 11, 10), Join(0.8, 11, 1, 11)]
    tree = Disconnectivity({0: 0.0, 1: 0.5}, joins)
    assert [(node.loss, node.parent, node.saddle) for node in tree.nodes] == [
        (0.0, 2, -1),
        (0.5, 2, -1),
        (1.0, -1, 10),
    ]


def test_joins_of_one_level_are_one_node() -> None:
    """Two pairs that meet at 1.0, and then each other at 1.0 too."""
    joins = [Join(1.0, 0, 1, 10), Join(1.0, 2, 3, 11), Join(1.0, 1, 2, 12), Join(2.0, 3, 4, 13)]
    tree = Disconnectivity(dict.fromkeys(range(5), 0.0), joins)
    assert [(n.loss, n.parent, n.n_minima) for n in tree.nodes[5:]] == [(1.0, 6, 4), (2.0, -1, 5)]
    assert [n.parent for n in tree.nodes[:5]] == [5, 5, 5, 5, 6]
