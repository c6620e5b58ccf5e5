"""Classes as columns of 0 and 1, and targets that a softmax output can meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.experiment.formats.base import MAX_CLASSES, TableContent

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["class_columns", "one_hot_columns"]


def class_columns(
    content: TableContent, *, whole: bool, where: str
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return targets with columns of 0 and 1 in place of columns in words, and their names.

    Parameters
    ----------
    content : TableContent
    whole : bool
        Whether two classes have a column each, as a softmax needs them. Else they are one column,
        1 for the second of them, as scikit-learn's LabelBinarizer makes it.
    where : str
        The table.

    Returns
    -------
    targets : ndarray, shape (n_patterns, n_outputs)
    names : tuple of str
        `column=class` for the columns of a class.
    """
    columns: list[NDArray[np.float64]] = []
    names: list[str] = []
    classes = content.classes or ((),) * len(content.target_names)
    for name, column, own in zip(content.target_names, content.targets.T, classes, strict=True):
        if not own:
            levels = np.unique(column).tolist()
            # 0 and 1 stay as they are: they have columns of their own since before there were more.
            if whole and len(content.target_names) == 1 and levels != [0.0, 1.0]:
                if not all(level.is_integer() for level in levels) or len(levels) > MAX_CLASSES:
                    message = (
                        f"{where}: the target levels are {shown(levels)}; expected a class in "
                        f"each row, a word or an integer, and at most {MAX_CLASSES} of them, with "
                        "output 'softmax'."
                    )
                    raise ExperimentError(message)
                columns += [(column == level).astype(np.float64) for level in levels]
                names += [f"{name}={int(level)}" for level in levels]
            else:
                columns.append(column)
                names.append(name)
        elif len(own) == 2 and not whole:
            columns.append(column)
            names.append(f"{name}={own[1]}")
        else:
            columns += [(column == number).astype(np.float64) for number in range(len(own))]
            names += [f"{name}={each}" for each in own]
    return np.stack(columns, axis=1), tuple(names)


def one_hot_columns(
    targets: NDArray[np.float64],
    levels: list[Sequence[float]],
    names: tuple[str, ...],
    where: str,
) -> tuple[NDArray[np.float64], list[Sequence[float]], tuple[str, ...]]:
    """Return targets that a softmax output can meet, the levels and the name of each column."""
    if targets.shape[1] == 1:
        if list(levels[0]) != [0.0, 1.0]:
            message = (
                f"{where}: the target levels are {shown(list(levels[0]))}; "
                "expected 0 and 1 with output 'softmax'."
            )
            raise ExperimentError(message)
        both = (f"1 - {names[0]}", names[0]) if names else ()
        return np.hstack([1.0 - targets, targets]), [levels[0], levels[0]], both
    sums = targets.sum(axis=1)
    wrong = np.flatnonzero((targets < 0).any(axis=1) | (np.abs(sums - 1.0) > 1e-6))
    if wrong.size:
        row = int(wrong[0])
        message = (
            f"{where}: data row {row + 1} has the targets {shown(targets[row].tolist())} "
            f"({wrong.size} such rows); expected probabilities that sum to 1 with output 'softmax'."
        )
        raise ExperimentError(message)
    return targets, levels, names
