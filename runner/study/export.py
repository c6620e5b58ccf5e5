"""All restarts of a study in one file, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import local_path
from runner.study import files

if TYPE_CHECKING:
    from runner.study.study import Study

ENDINGS = (".csv", ".parquet")
"""What the name of the file may end in."""


def export_restarts(study: Study, to: str | Path) -> int:
    """Write every restart, with its final weights, to one file.

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
        If the file cannot be written, its name ends otherwise, or the study is damaged.
    """
    path = local_path(to, StudyError, "file")
    where = printable(str(path))
    if path.suffix not in ENDINGS:
        message = f"{where}: expected a name that ends in {' or '.join(ENDINGS)}."
        raise StudyError(message)
    rows = study.restarts.join(study.weights).reset_index()
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
