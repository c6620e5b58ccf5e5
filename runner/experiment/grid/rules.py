"""Rules that all points of a grid are to keep together, and how each may break them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runner.experiment.conflicts.conflict import Conflict
from runner.experiment.grid.exceptions import misplaced_cells
from runner.experiment.settings import Settings


def conflicts(settings: Iterable[Settings], hidden: frozenset[str]) -> list[str]:
    """Return the broken rules, each once, less those that a field in `hidden` plays a part in."""
    found: dict[Conflict, None] = {}
    seen = set()
    for each in settings:
        # points of a grid share sections: thousands may differ in their starts alone
        apart = tuple(map(id, (each.problem, each.network, each.loss, each.training)))
        if apart not in seen:
            seen.add(apart)
            found |= dict.fromkeys(each.conflicts_without_starts())
        found |= dict.fromkeys(each.conflicts_of_starts())
    # The whole grid is wrong where `hidden` holds "": nothing is known of any field.
    parts = () if "" in hidden else found
    return list(
        dict.fromkeys(
            conflict.text
            for conflict in parts
            if not any(
                field in hidden or field.partition(".")[0] in hidden for field in conflict.fields
            )
        )
    )


def miscounts(restarts: int, settings: Iterable[Settings]) -> list[str]:
    """Say where a slice has another number of starts than the experiment has restarts."""
    counts = dict.fromkeys(each.init.slice.n_restarts for each in settings if each.init.slice)
    return [
        f"restarts is {restarts:,}; expected {count:,}, the points of init.x times "
        "those of init.y. Leave restarts out."
        for count in counts
        if count != restarts
    ]


def miscounted(
    grid: Mapping[str, tuple[Any, ...]],
    exclude: Sequence[Mapping[str, Any]],
    extra: Sequence[Mapping[str, Any]],
    points: list[tuple[dict[str, Any], Settings]],
) -> list[str]:
    """Say what is wrong with the number of points: cells out of place, none, or one twice."""
    problems = misplaced_cells(grid, exclude)
    if not points:
        problems.append("exclude leaves nothing of the grid; expected a configuration or more.")
    cells = [tuple(point.values()) for point, _ in points]
    if extra and len(set(cells)) < len(cells):
        problems.append("extra has a configuration that is there already; expected another one.")
    return problems
