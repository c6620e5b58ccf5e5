"""Tables of several studies, one below the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd

from runner.errors import StudyError
from runner.errors.messages import listed, nearest, shown
from runner.study.matching import settings
from runner.study.study import Study, open_study
from runner.study.tables.table_names import TABLES

STUDY: Final = "study"
"""Name of the first level of every index."""


def concat(
    studies: Mapping[str, Study | str | Path] | Iterable[Study | str | Path],
) -> Studies:
    """Put several studies together, to look at their tables as one.

    Parameters
    ----------
    studies : mapping or iterable of Study, str or Path
        With a mapping its keys name the studies; else each has its experiment's name.

    Returns
    -------
    Studies

    Raises
    ------
    StudyError
        If there is none, two have one name, or one is there twice or damaged.

    Examples
    --------
    >>> both = concat(["results/gates", "results/width"])  # doctest: +SKIP
    >>> both.summary.loc["width"]  # doctest: +SKIP
    """
    if isinstance(studies, str | Path | Study):
        message = f"studies is {shown(studies)}; expected a list or a dict of studies."
        raise StudyError(message)
    named = isinstance(studies, Mapping)
    names = [*studies] if isinstance(studies, Mapping) else []
    given = studies.values() if isinstance(studies, Mapping) else studies
    opened = [s if isinstance(s, Study) else open_study(s) for s in given]
    if not opened:
        message = "studies is empty; expected at least one study."
        raise StudyError(message)
    if not named:
        names = [study.experiment.name for study in opened]
    paths = [study.path.resolve() for study in opened]
    for i, path in enumerate(paths):
        if path in paths[:i]:
            message = f"studies: {shown(str(opened[i].path))} is there twice; expected it once."
            raise StudyError(message)
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        message = (
            f"studies: {shown(twice[0])} is the name of two; expected names that differ. "
            "Give them as a dict: runner.concat({'first': ..., 'second': ...})."
        )
        raise StudyError(message)
    return Studies(dict(zip(names, opened, strict=True)))


class Studies:
    """Several studies whose tables are read together.

    Parameters
    ----------
    studies : dict of str to Study
        By name.

    Notes
    -----
    Every table has the columns that the table of that name of a `Study` has, and ``study`` as the
    first level of its index (of tables that have no index: as the first column). An axis that is
    in one study's grid and not in another's has the value of that study's setting.
    """

    def __init__(self, studies: dict[str, Study]) -> None:
        self.studies = studies
        self._tables: dict[str, pd.DataFrame] = {}

    def __repr__(self) -> str:
        return f"<Studies {listed(self.studies)}>"

    @cached_property
    def axes(self) -> list[str]:
        """Axes of all grids, in the order of the studies."""
        return [*dict.fromkeys(a for s in self.studies.values() for a in s.experiment.axes)]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of all studies.

        Parameters
        ----------
        name : str
            One of `runner.study.tables.table_names.TABLES`.

        Raises
        ------
        StudyError
            If there is no such table, or one study lacks it.
        """
        if name not in TABLES:
            message = f"table is {shown(name)}; expected one of {listed(TABLES)}."
            raise StudyError(f"{message}{nearest(name, TABLES)}")
        if name not in self._tables:
            frames = {key: self._with_axes(s, name) for key, s in self.studies.items()}
            self._tables[name] = _below_each_other(frames, self.axes)
        return self._tables[name]

    def _with_axes(self, study: Study, name: str) -> pd.DataFrame:
        """Return a study's table; if it has its grid's columns, with those of the other grids."""
        frame: pd.DataFrame = getattr(study, name)
        if name not in ("configurations", "restarts", "summary"):
            return frame
        frame = frame.copy()
        for position, axis in enumerate(self.axes):
            if axis in frame:
                values = frame.pop(axis).astype(object)
            else:
                here = settings(study.plan.configurations[0]).get(axis)
                text = str(here) if isinstance(here, list) else here
                values = pd.Series([text] * len(frame), index=frame.index, dtype=object)
            frame.insert(position, axis, values)
        return frame

    @property
    def configurations(self) -> pd.DataFrame:
        """See `Study.configurations`."""
        return self.table("configurations")

    @property
    def restarts(self) -> pd.DataFrame:
        """See `Study.restarts`; axes are of dtype category."""
        return self.table("restarts")

    @property
    def summary(self) -> pd.DataFrame:
        """See `Study.summary`."""
        return self.table("summary")

    @property
    def weights(self) -> pd.DataFrame:
        """See `Study.weights`; parameters that a study's networks do not have are missing."""
        return self.table("weights")

    @property
    def failures(self) -> pd.DataFrame:
        """See `Study.failures`."""
        return self.table("failures")


def _below_each_other(frames: Mapping[str, pd.DataFrame], axes: list[str]) -> pd.DataFrame:
    labels = pd.CategoricalIndex([*frames], categories=[*frames])
    table = pd.concat([*frames.values()], keys=labels, names=[STUDY])
    if next(iter(frames.values())).index.names == [None]:  # rows without a name
        table = table.droplevel(1).reset_index()
    for axis in axes:
        if axis in table:
            table[axis] = table[axis].astype("category")
    return table
