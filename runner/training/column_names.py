"""Names of columns that every reader of tables takes: letters, digits and underscores alone.

A weight is ``W1[0,1]`` and an axis of the grid ``problem.gate``, in options, in messages and in
pandas frames. Brackets, commas and dots are operators elsewhere (SQL, formulas, charts), so that
files for other programs have ``W1_0_1`` and ``problem_gate``.
"""

from __future__ import annotations

from collections.abc import Iterable

_PLAIN = str.maketrans({"[": "_", ",": "_", ".": "_", "]": None})


def plain_name(name: str) -> str:
    """Return a weight's or an axis's name as files for other programs have it.

    Examples
    --------
    >>> plain_name("W1[0,1]"), plain_name("problem.gate"), plain_name("loss")
    ('W1_0_1', 'problem_gate', 'loss')
    """
    return name.translate(_PLAIN)


def distinct(names: Iterable[str], taken: Iterable[str] = ()) -> tuple[str, ...]:
    """Return names none of which is taken, or is there twice, capitals aside.

    SQL takes no notice of capitals. A name that is not free gets an underscore at its end.

    Examples
    --------
    >>> distinct(["w", "W", "loss"], taken=["loss"])
    ('w', 'W_', 'loss_')
    """
    used = {name.lower() for name in taken}
    made = []
    for name in names:
        while name.lower() in used:
            name += "_"
        used.add(name.lower())
        made.append(name)
    return tuple(made)
