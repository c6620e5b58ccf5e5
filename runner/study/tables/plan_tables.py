"""Tables that follow from a study's plan and log alone, without any shard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from runner.experiment.plan import Plan
from runner.study.commits import Commit
from runner.training.shards import INDEX


def grid_column(plan: Plan, name: str) -> pd.Categorical:
    """Return the value of one axis of the grid by configuration; lists as text."""
    values = [_text_of_list(c.point[name]) for c in plan.configurations]
    categories = [value for value in dict.fromkeys(values) if value is not None]
    return pd.Categorical(values, categories=categories)


def configurations(plan: Plan) -> pd.DataFrame:
    """Return one row per configuration.

    Columns
    -------
    the grid's columns : category, values of this configuration
    id : str, hash of its settings and files
    n_parameters : int64, weights and biases of its network
    """
    frame = pd.DataFrame({name: grid_column(plan, name) for name in plan.experiment.axes})
    frame.index = pd.RangeIndex(len(plan.configurations), name="configuration")
    frame["id"] = [c.id for c in plan.configurations]
    frame["n_parameters"] = [c.architecture.n_parameters for c in plan.configurations]
    return frame


def failures(plan: Plan, commits: Sequence[Commit]) -> pd.DataFrame:
    """Return the restarts that could not be trained.

    Columns
    -------
    configuration, restart : int64
    reason : str, the error in a line
    traceback : str, of the worker that trained it last
    """
    rows = []
    for commit in commits:
        for failure in commit.failures:
            alone = commit.batch.part(failure.position, failure.position + 1)
            (segment,) = plan.segments(alone)
            restart = (segment.configuration.index, segment.start)
            rows.append((*restart, failure.reason, failure.traceback))
    dtypes = dict.fromkeys(INDEX, "int64") | dict.fromkeys(("reason", "traceback"), "str")
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def trained(plan: Plan, commits: Sequence[Commit], failed: pd.DataFrame) -> pd.Series[int]:
    """Return how many restarts of each configuration are trained; ``failed`` is of `failures`."""
    counts = np.zeros(len(plan.configurations), np.int64)
    for commit in commits:
        for segment in plan.segments(commit.batch):
            counts[segment.configuration.index] += segment.stop - segment.start
    np.subtract.at(counts, failed["configuration"].to_numpy(np.int64), 1)
    return pd.Series(counts, pd.RangeIndex(len(counts), name="configuration"), name="n")


def starts(plan: Plan, restarts: pd.DataFrame) -> pd.DataFrame:
    """Return the starting weights of a table's restarts, drawn again; a column per parameter."""
    frames = []
    for configuration, index in restarts.groupby(level="configuration").groups.items():
        c = plan.configurations[int(str(configuration))]
        numbers = index.get_level_values("restart").to_numpy()
        first = int(numbers.min())
        drawn = c.starts(plan.experiment.seed).draw(first, int(numbers.max()) + 1)
        columns = c.architecture.parameter_names
        frames.append(pd.DataFrame(drawn[:, numbers - first].T, index=index, columns=columns))
    if not frames:
        return pd.DataFrame(index=restarts.index, columns=parameter_names(plan), dtype=float)
    return pd.concat(frames).reindex(columns=parameter_names(plan))


def parameter_names(plan: Plan) -> list[str]:
    """Return the weights and biases of all networks of the grid, layer by layer, weights first."""
    names: dict[str, None] = {}
    for group in plan.groups:
        names |= dict.fromkeys(group.configurations[0].architecture.parameter_names)
    if any(c.architecture.as_layers is None for c in plan.configurations):
        return list(names)  # in the order of the file
    # layer by layer, weights before biases, whatever network came first
    return sorted(names, key=_layer_order)


def _text_of_list(value: object) -> object:
    return str(list(value)) if isinstance(value, list | tuple) else value


def _layer_order(name: str) -> tuple[int, bool, list[int]]:
    head, _, tail = name.rstrip("]").partition("[")
    return int(head[1:]), head[0] == "b", [int(i) for i in tail.split(",")]
