"""Rows that are not trained on: of a table of their own, or some of the table's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import counted, shown
from runner.experiment.formats.base import TableContent

if TYPE_CHECKING:
    from numpy.typing import NDArray


def joined(content: TableContent, other: TableContent, where: str) -> TableContent:
    """Put the rows of another table below a table's; classes are those of both.

    Parameters
    ----------
    content, other : TableContent
    where : str
        The other table.

    Raises
    ------
    ExperimentError
        If it has other numbers of columns, or words where the table has numbers.
    """
    sizes = [(each.inputs.shape[1], each.targets.shape[1]) for each in (content, other)]
    content, other = _with_classes(content), _with_classes(other)
    words = [[bool(own) for own in each.classes] for each in (content, other)]
    if sizes[0] != sizes[1] or words[0] != words[1]:
        message = (
            f"{where}: problem.held_out has {_columns(other)}; expected {_columns(content)}, as "
            "problem.table has. Give it the same columns."
        )
        raise ExperimentError(message)
    classes = tuple(
        tuple(sorted({*a, *b})) for a, b in zip(content.classes, other.classes, strict=True)
    )
    targets = [
        [_renumbered(*column) for column in zip(each.targets.T, each.classes, classes, strict=True)]
        for each in (content, other)
    ]
    return content._replace(
        inputs=np.concatenate([content.inputs, other.inputs]),
        targets=np.concatenate([np.column_stack(columns) for columns in targets]),
        classes=classes,
    )


def held_rows(rows: Sequence[int], n_rows: int, where: str) -> NDArray[np.int64]:
    """Return the rows, rising, that are held out of a table.

    Raises
    ------
    ExperimentError
        If a row is not there or named twice, or none would be left.
    """
    held = np.unique(rows)
    if len(held) < len(rows) or held[-1] >= n_rows or len(held) == n_rows:
        message = (
            f"{where}: problem.held_out_rows is {shown(list(rows))}; expected rows from 0 to "
            f"{n_rows - 1}, each once, but not all {n_rows}."
        )
        raise ExperimentError(message)
    return np.asarray(held)


def _renumbered(
    column: NDArray[np.float64], own: tuple[str, ...], whole: tuple[str, ...]
) -> NDArray[np.float64]:
    """Number a column's classes as the whole has them; numbers stay."""
    if not own:
        return column
    numbers = np.array([whole.index(name) for name in own], np.float64)
    return np.asarray(numbers[column.astype(int)])


def _with_classes(content: TableContent) -> TableContent:
    """Return the content with classes, or none, for each target column."""
    return content._replace(classes=content.classes or ((),) * content.targets.shape[1])


def _columns(content: TableContent) -> str:
    words = sum(map(bool, content.classes))
    inputs, targets = content.inputs.shape[1], content.targets.shape[1]
    return f"{counted(inputs, 'input')} and {counted(targets, 'target')}, {words} of them in words"
