"""The file ``configurations.parquet``: what the numbers of configurations in shards stand for.

For other programs: a study reads its plan, and never this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, get_args

import pyarrow as pa

from runner.experiment.configuration import Configuration
from runner.experiment.grid import PATHS, SECTIONS
from runner.experiment.plan import Plan
from runner.training.column_names import plain_name
from runner.training.shards import encode

_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def configuration_table(plan: Plan) -> pa.Table:
    """Return a row for each configuration, in the order of their numbers.

    Returns
    -------
    pyarrow.Table
        configuration (int32), id (string), parameters (string: JSON of every array of
        parameters, in order, and its shape), n_parameters (int64); then every field of an
        experiment file by its plain name (``problem_gate``), null where it has no value.
    """
    configurations = [plan.roster.by_number[n] for n in range(len(plan.configurations))]
    columns: dict[str, pa.Array] = {
        "configuration": pa.array(range(len(configurations)), pa.int32()),
        "id": pa.array([c.id for c in configurations], pa.string()),
        "parameters": pa.array(_each(_shapes, configurations), pa.string()),
        "n_parameters": pa.array(
            _each(lambda c: c.architecture.n_parameters, configurations), pa.int64()
        ),
    }
    for path in PATHS:
        section, _, field = path.partition(".")
        kind = _type(SECTIONS[section].model_fields[field].annotation)
        values = [getattr(getattr(c.settings, section), field) for c in configurations]
        columns[plain_name(path)] = pa.array(values, kind)
    return pa.table(columns)


def configuration_file(plan: Plan) -> bytes:
    """Return `configuration_table` as the bytes of a Parquet file."""
    return encode(configuration_table(plan))


def _shapes(configuration: Configuration) -> str:
    network = configuration.architecture
    return json.dumps(dict(zip(network.array_names, network.parameter_shapes, strict=True)))


def _each(what: Any, configurations: Iterable[Configuration]) -> list[Any]:
    """Return something of each configuration, found once for each group of like networks."""
    known: dict[Any, Any] = {}
    found = []
    for c in configurations:
        key = c.architecture
        if key not in known:
            known[key] = what(c)
        found.append(known[key])
    return found


def _type(annotation: Any) -> pa.DataType:
    """Return the Arrow type of a field's values: of a number, a word, or a list of these."""
    if annotation in _TYPES:
        return _TYPES[annotation]
    inner = [a for a in get_args(annotation) if a not in (type(None), ...)]
    if isinstance(annotation, type) or getattr(annotation, "__origin__", None) is tuple:
        return pa.list_(_type(inner[0]))
    first = inner[0]
    return pa.string() if isinstance(first, str) else _type(first)
