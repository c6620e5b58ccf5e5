"""The file ``configurations.parquet``: what the numbers of configurations in shards stand for.

For other programs: a study reads its plan, and never this file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

import numpy as np
import pyarrow as pa

from runner.experiment.fields.sections import SECTIONS
from runner.experiment.plan import Plan
from runner.network.architecture import Network
from runner.training.arrow_arrays import column, of_objects
from runner.training.column_names import plain_name
from runner.training.shards import encode

_T = TypeVar("_T")
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def configuration_table(plan: Plan) -> pa.Table:
    """Return a row for each configuration, in the order of their numbers.

    Returns
    -------
    pyarrow.Table
        configuration (int32), id (string), parameters (string: JSON of every array of
        parameters, in order, and its shape), n_parameters (int64); then every field of an
        experiment file by its plain name (``problem_gate``), null where it has no value. What is
        a word or something else (``network_skip``, ``network_activation``) is text: JSON of the
        something else.
    """
    configurations = [plan.configurations[place] for place in plan.roster.places]
    columns: dict[str, pa.Array] = {
        "configuration": column(np.arange(len(configurations)), pa.int32()),
        "id": of_objects([c.id for c in configurations], pa.string()),
    }
    networks, place = _distinct([c.architecture for c in configurations])
    shapes, sizes = [_shapes(n) for n in networks], [n.n_parameters for n in networks]
    columns["parameters"] = of_objects(shapes, pa.string()).take(place)
    columns["n_parameters"] = of_objects(sizes, pa.int64()).take(place)
    for name, section in SECTIONS.items():
        settings, place = _distinct([getattr(c.settings, name) for c in configurations])
        for field in section.model_fields:
            kind = _type(section.model_fields[field].annotation)
            values = [getattr(each, field) for each in settings]
            if pa.types.is_string(kind):
                values = [_text(value) for value in values]
            columns[plain_name(f"{name}.{field}")] = of_objects(values, kind).take(place)
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def configuration_file(plan: Plan) -> bytes:
    """Return `configuration_table` as the bytes of a Parquet file."""
    return encode(configuration_table(plan))


def _shapes(network: Network) -> str:
    return json.dumps(dict(zip(network.array_names, network.parameter_shapes, strict=True)))


def _distinct(objects: Sequence[_T]) -> tuple[list[_T], pa.Array]:
    """Return the different objects, and the place of each one among them.

    Configurations share most of what they are made of: thousands of rows are made of few values.
    """
    unique = {id(each): each for each in objects}
    places = dict(zip(unique, range(len(unique)), strict=True))
    return list(unique.values()), of_objects([places[id(each)] for each in objects], pa.int64())


def _text(value: Any) -> str | None:
    """Return a word as it is, and what else a field of words may be as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _type(annotation: Any) -> pa.DataType:
    """Return the Arrow type of a field's values: of a number, a word, or a list of these."""
    if annotation in _TYPES:
        return _TYPES[annotation]
    inner = [a for a in get_args(annotation) if a not in (type(None), ...)]
    if any(get_origin(each) is Literal for each in inner):  # a word, or something else
        return pa.string()
    if isinstance(annotation, type) or getattr(annotation, "__origin__", None) is tuple:
        return pa.list_(_type(inner[0]))
    first = inner[0]
    return pa.string() if isinstance(first, str) else _type(first)
