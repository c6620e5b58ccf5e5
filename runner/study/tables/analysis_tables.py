"""The tables that `python -m runner analyze` and `map` add to a study: names, columns and files.

Each is a Parquet file in the study's folder ``tables``. The frames' ``attrs`` say how many restarts
were analysed, and with which tolerances. A table also carries a digest of the shards that it was
made from; if the study has gone on since, the table is out of date and is refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.study import files
from runner.study.folder import require_file
from runner.study.tables.map_columns import MAP_TABLES
from runner.training.column_names import distinct, plain_name
from runner.training.shards import INDEX

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "curvature": {
        "configuration": "int64",
        "restart": "int64",
        "gradient_norm": "float64",
        "smallest": "float64",
        "largest": "float64",
        "index": "float64",
        "condition": "float64",
        "null_directions": "float64",
        "label": "str",
        "critical": "str",
        "polished_loss": "float64",
        "polish_distance": "float64",
        "returned": "boolean",
        "swap_excess": "float64",
    },
    "classes": {"configuration": "int64", "restart": "int64", "class": "int64"},
    "minima": {
        "configuration": "int64",
        "class": "int64",
        "kind": "str",
        "size": "int64",
        "share": "float64",
        "ci_low": "float64",
        "ci_high": "float64",
        "loss": "float64",
        "accuracy": "float64",
        "smallest": "float64",
        "largest": "float64",
        "index": "float64",
        "multiplicity": "float64",
        "level": "float64",
        "code": "str",
        "restart": "int64",
    },
    "unseen": {
        "configuration": "int64",
        "n": "int64",
        "classes": "int64",
        "singletons": "int64",
        "doubletons": "int64",
        "good_turing": "float64",
        "chao1": "float64",
        "boender_rinnooy_kan": "float64",
    },
    "barriers": {
        "configuration": "int64",
        "pairs": "str",
        "restart_a": "int64",
        "restart_b": "int64",
        "class_a": "int64",
        "class_b": "int64",
        "aligned": "bool",
        "midpoint_violation": "float64",
        "excess": "float64",
        "barrier": "float64",
        "curve_barrier": "float64",
        "path": "object",
    },
    "verdicts": {
        "configuration": "int64",
        "verdict": "str",
        "reason": "str",
        "pairs": "int64",
        "violations": "int64",
        "worst_violation": "float64",
        "swap_violation": "float64",
        "restart_a": "int64",
        "restart_b": "int64",
    },
}
"""Columns and dtypes of every table of `analyze`. `minima` has a column per weight and bias after
these. `runner.study.tables.analysis_properties` says what each column means."""

ALL_TABLES: Final = {**TABLES, **MAP_TABLES}
"""Those of `map` too."""

WITH_WEIGHTS: Final = ("minima", "critical_points", "paths", "basins")
"""Tables that have a column for each weight and bias after their own."""

MAX_BYTES: Final = 2**30
"""Largest file of a table that is read."""

_MAX_VALUES: Final = 2**28  # of a table, which may be packed into a small file
_DIGEST: Final = "study"


def frame(name: str, rows: Any) -> pd.DataFrame:
    """Return rows as a table: its columns in order, with their dtypes.

    Parameters
    ----------
    name : str
        A key of `ALL_TABLES`.
    rows : list of mappings, or mapping of columns
        Other columns follow the table's own.
    """
    columns = ALL_TABLES[name]
    made = pd.DataFrame(rows)
    rest = [column for column in made.columns if column not in columns]
    made = made.reindex(columns=[*columns, *rest]).astype(dict(columns))
    return made.set_index(INDEX) if name in ("curvature", "classes") else made


def write(folder: Path, name: str, table: pd.DataFrame, digest: str) -> None:
    """Write a table whole or not at all, marked with the digest of what it was made from.

    Weights get names that every reader takes, ``W1_0_1``; `read` gives them back their own.
    """
    plain = table.set_axis(distinct(map(plain_name, table.columns)), axis="columns")
    plain.attrs = {**table.attrs, _DIGEST: digest}
    sink = io.BytesIO()
    plain.to_parquet(sink, compression="zstd")
    files.replace(path(folder, name), sink.getvalue())


def read(
    folder: Path, name: str, digest: str, n_configurations: int, weights: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table, which may come from anywhere.

    Parameters
    ----------
    folder : Path
        Of the tables.
    name : str
        A key of `ALL_TABLES`.
    digest : str
        Of the study's shards.
    n_configurations : int
        Of the study.
    weights : sequence of str
        Names of the columns that a table may have after its own, ``W1[0,1]``; by default they are
        left as they are in the file. Before version 0.2.0 files had these names too.

    Raises
    ------
    StudyError
        If it is not there, is a link, is larger than any, cannot be read, does not have its
        columns, or was made from another state of the study.
    """
    where, study = path(folder, name), printable(str(folder.parent))
    for own in (folder, where):
        require_file(own)
    command = "map" if name in MAP_TABLES else "analyze"
    again = f"Run `python -m runner {command} {study}`."
    try:
        _require_size(where)
        table = pd.read_parquet(where)
        columns = [*ALL_TABLES[name], *map(plain_name, weights)]
        in_file = distinct(columns)[len(ALL_TABLES[name]) :]
        named = table.rename(columns=dict(zip(in_file, weights, strict=True)))
        found = _own_columns(name, named, n_configurations)
    except FileNotFoundError:
        message = f"{study}: the table {name!r} is not there yet. {again}"
        raise StudyError(message) from None
    except Exception as error:  # a file from elsewhere: pandas documents no limit to what it raises
        reason = printable(" ".join(str(error).split())[:300])
        message = f"{printable(str(where))}: cannot be read ({reason}). {again}"
        raise StudyError(message) from error
    if table.attrs.get(_DIGEST) != digest:
        message = f"{study}: the table {name!r} is older than the study's restarts. {again}"
        raise StudyError(message)
    found.attrs = table.attrs
    return found


def _require_size(where: Path) -> None:
    """Raise ValueError if a file is too large, or holds too many values, to be read."""
    if where.stat().st_size > MAX_BYTES:
        message = f"it has more than {MAX_BYTES:,} bytes"
        raise ValueError(message)
    footer = pq.read_metadata(where)
    values = sum(
        footer.row_group(i).column(j).num_values
        for i in range(footer.num_row_groups)
        for j in range(footer.num_columns)
    )
    if max(values, footer.num_rows * footer.num_columns) > _MAX_VALUES:
        message = f"it has more than {_MAX_VALUES:,} values"
        raise ValueError(message)


def _own_columns(name: str, table: pd.DataFrame, n_configurations: int) -> pd.DataFrame:
    """Return a table with the columns and dtypes of `ALL_TABLES`; ValueError if it has others."""
    flat = table.reset_index() if table.index.names == INDEX else table
    if missing := ALL_TABLES[name].keys() - set(flat.columns):
        message = f"it has no column {min(missing)}"
        raise ValueError(message)
    found = frame(name, flat)
    if not flat["configuration"].isin(range(n_configurations)).all():
        message = "it has rows of configurations that the study does not have"
        raise ValueError(message)
    for column, least in (("path", 2), ("eigenvalues", 1)):
        if column in found and not all(_are_numbers(each, least) for each in found[column]):
            message = f"its column {column} has rows that are no list of numbers"
            raise ValueError(message)
    if name == "tree" and not _are_trees(found):
        message = "its nodes do not hang together as trees"
        raise ValueError(message)
    return found


def _are_trees(table: pd.DataFrame) -> bool:
    """Whether from every node, named once, one comes to a root: -1 stands above that."""
    for _, nodes in table.groupby(["configuration", "reading"]):
        n, place = len(nodes), pd.Index(nodes["node"])
        if not place.is_unique or place.min() < 0:
            return False
        above = place.get_indexer(pd.Index(nodes["parent"]))  # -1 where there is none
        if ((above < 0) & (nodes["parent"] != -1)).any():
            return False
        above = np.append(np.where(above < 0, n, above), n)
        for _ in range(n.bit_length()):  # each time twice as far up
            above = above[above]
        if (above != n).any():
            return False
    return True


def _are_numbers(values: object, least: int) -> bool:
    """Whether these are so many numbers at least, such as the losses on a path."""
    return isinstance(values, np.ndarray) and values.dtype == np.float64 and len(values) >= least


def path(folder: Path, name: str) -> Path:
    """Return the path of a table's file."""
    return folder / f"{name}.parquet"
