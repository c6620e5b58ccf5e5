"""The rows of a shard: trained restarts, labelled, as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from runner.engines.base import Compiled
from runner.experiment.batches import Segment
from runner.network.column_products import column_norms
from runner.training.arrow_arrays import column, lists, words
from runner.training.evaluation import bounds_of, gradients_of, matrices_of
from runner.training.labels import LABELS, LabelResult, label
from runner.training.restarts import Curves, Endpoints, Restarts
from runner.training.shards import shard_schema


def restart_rows(
    segments: Sequence[Segment], functions: Compiled, restarts: Restarts, ended: Endpoints
) -> pa.Table:
    """Label endpoints and put them into the columns of `runner.training.shards.shard_schema`.

    Parameters
    ----------
    segments : sequence of Segment
        Whose restarts, in order.
    functions : Compiled
        What trained them.
    restarts : Restarts
    ended : Endpoints
        Of these restarts.

    Returns
    -------
    pyarrow.Table
        One row per restart, in the order of the segments.
    """
    signature = functions.signature
    weights = ended.state[: signature.architecture.n_parameters]
    counted = signature.state.columns(ended.state)
    labelled = label_endpoints(functions, restarts, ended)
    numbers = [np.arange(s.start, s.stop) for s in segments]
    owners = [
        np.full(len(k), s.configuration.index) for s, k in zip(segments, numbers, strict=True)
    ]
    columns: list[np.ndarray | pa.Array] = [
        np.concatenate(owners),
        np.concatenate(numbers),
        words(labelled.place, LABELS),
        ended.solved,
        ended.steps,
        ended.seen.loss,
        np.abs(ended.seen.gradient).max(axis=0),
        column_norms(ended.weights),
        labelled.level,
        *(counts.astype(np.int64) for counts in counted.values()),
        *([ended.plateaus] if signature.plateau else []),
        *(_lists(weights[rows]) for rows, _ in signature.architecture.blocks()),
        *_curves(ended.curves),
    ]
    schema = shard_schema(signature)
    arrays = [
        column(values, field.type) if isinstance(values, np.ndarray) else values
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _lists(block: np.ndarray) -> pa.Array:
    """Parameters (size, n) of n restarts as a list each; one that is no number is null."""
    size, n = block.shape
    numbers = np.ascontiguousarray(block.T).ravel()
    return lists(np.full(n, size), column(numbers, pa.from_numpy_dtype(numbers.dtype)))


def label_endpoints(functions: Compiled, restarts: Restarts, ended: Endpoints) -> LabelResult:
    """Label what `runner.training.lanes.train` has returned for these restarts."""
    signature, targets = functions.signature, restarts.all_targets
    return label(
        signature,
        ended.weights,
        ended.solved,
        targets,
        restarts.max_steps,
        ended.seen,
        gradients_of(functions, ended.state, restarts.hyper, targets),
        signature.state.columns(ended.state).get("period"),
        bounds_of(functions, restarts.hyper, targets),
        functions,
        matrices_of(functions, ended.weights, restarts.hyper, targets),
    )


def _curves(curves: Curves) -> tuple[pa.Array, pa.Array]:
    """Steps and losses of restarts' curves, as lists; null where a restart is not traced."""
    n_points, missing = curves.n_points, curves.n_points == 0
    steps, losses = column(curves.step, pa.int32()), column(curves.loss, pa.float64())
    return lists(n_points, steps, missing), lists(n_points, losses, missing)
