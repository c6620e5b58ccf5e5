"""All restarts of a study in one file, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import local_path
from runner.study import files
from runner.study.parameters import MOST_COLUMNS, n_columns
from runner.training.column_names import distinct, plain_name

if TYPE_CHECKING:
    import pandas as pd

    from runner.study.study import Study

ENDINGS = (".csv", ".parquet")
"""What the name of the file may end in."""


def export_restarts(study: Study, to: str | Path) -> int:
    """Write every restart, with its final weights, to one file.

    Columns have names of letters, digits and underscores: ``W1_0_1``, ``problem_gate``. Networks of
    more than `runner.study.parameters.MOST_COLUMNS` weights have a column of lists for each array
    of parameters, as shards have, in place of one for each weight.

    Parameters
    ----------
    study : Study
    to : str or Path
        Its ending, one of `ENDINGS`, chooses the format. A file there is replaced, whole or not at
        all.

    Returns
    -------
    int
        Number of restarts, a row each.

    Raises
    ------
    StudyError
        If the file cannot be written, its name ends otherwise, the study is damaged, or the
        networks are too large for a CSV file.
    """
    path = local_path(to, StudyError, "file")
    where = printable(str(path))
    if path.suffix not in ENDINGS:
        message = f"{where}: expected a name that ends in {' or '.join(ENDINGS)}."
        raise StudyError(message)
    rows = _rows(study, lists=path.suffix == ".parquet")
    try:
        with files.replacing(path) as temporary:
            if path.suffix == ".csv":
                rows.to_csv(temporary, index=False)
            else:
                rows.to_parquet(temporary, index=False)
    except OSError as error:
        message = f"{where}: cannot be written: {error.strerror or error}."
        raise StudyError(message) from error
    return len(rows)


def _rows(study: Study, *, lists: bool) -> pd.DataFrame:
    """Return all restarts with their weights; large networks' in lists, if a file can hold any."""
    if lists and n_columns(study.plan) > MOST_COLUMNS:
        weights = study.array_lists()
    else:
        weights = study.weights
    rows = study.restarts.join(weights).reset_index()
    return rows.set_axis(distinct(map(plain_name, rows.columns)), axis="columns")
