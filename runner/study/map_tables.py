"""The tables that `python -m runner map` adds to a study: their names and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MAP_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "critical_points": {
        "configuration": "int64",
        "class": "int64",
        "kind": "str",
        "index": "int64",
        "null_directions": "int64",
        "loss": "float64",
        "gradient_norm": "float64",
        "multiplicity": "float64",
        "found": "int64",
        "from_random": "int64",
        "from_between": "int64",
        "from_endpoint": "int64",
        "from_path": "int64",
        "first_search": "int64",
        "eigenvalues": "object",
    },
    "transitions": {
        "configuration": "int64",
        "class": "int64",
        "index": "int64",
        "loss": "float64",
        "curvature": "float64",
        "end_a": "str",
        "end_b": "str",
        "class_a": "int64",
        "class_b": "int64",
        "loss_a": "float64",
        "loss_b": "float64",
        "height_a": "float64",
        "height_b": "float64",
        "path_length_a": "float64",
        "path_length_b": "float64",
    },
    "tree": {
        "configuration": "int64",
        "reading": "str",
        "node": "int64",
        "parent": "int64",
        "kind": "str",
        "class": "int64",
        "image": "int64",
        "loss": "float64",
        "minima": "int64",
        "lowest": "int64",
    },
    "completeness": {
        "configuration": "int64",
        "index": "int64",
        "classes": "int64",
        "families": "int64",
        "images": "float64",
        "searches": "int64",
        "arrived": "int64",
        "left": "int64",
        "unfinished": "int64",
        "unchanged": "int64",
        "done": "bool",
        "chance_bound": "float64",
        "first_half": "int64",
        "second_half": "int64",
        "both_halves": "int64",
        "estimate": "float64",
        "ci_low": "float64",
        "ci_high": "float64",
        "euler": "float64",
    },
}
"""Columns and dtypes of every table. `critical_points` has a column per weight after these.
`runner.study.map_properties` says what each column means."""
