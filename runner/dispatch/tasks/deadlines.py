"""How long a task may take before its worker is given up: a rule on how long others took."""

from __future__ import annotations

from collections.abc import Hashable

FLOOR_S = 60.0
"""Added to every deadline: what a busy machine, a network or a disk may cost."""

UNKNOWN_S = 600.0
"""Added as long as no task of the same kind is finished, and for a compilation not yet seen."""

_TIMES = 10.0  # slower than the slowest yet
_GUESSED_TIMES = 100.0  # slower than a guess


class Deadlines:
    """Deadlines of a run's tasks; knows no clock.

    Parameters
    ----------
    fixed_s : float, optional, seconds
        What the user allows for training, in place of the rule. Compilation comes on top, on a
        worker that has not answered yet.

    Notes
    -----
    A kind of task is whatever shares one compiled function on one kind of device. The work of a
    task is the most that it may have to do, in any unit that times are proportional to, such as
    steps of all lanes. A task may take ten times as long as the slowest rate seen of its kind says,
    and a minute more.
    """

    def __init__(self, fixed_s: float | None = None) -> None:
        self.fixed_s = fixed_s
        self._slowest: dict[Hashable, float] = {}
        self._compile_s: dict[Hashable, float] = {}
        self._warm: set[tuple[str, Hashable]] = set()

    def note(
        self, kind: Hashable, worker: str, *, work: float, train_s: float, compile_s: float
    ) -> None:
        """Note how long a task took for the work that it turned out to be."""
        self._warm.add((worker, kind))
        self._compile_s[kind] = max(compile_s, self._compile_s.get(kind, 0.0))
        if work > 0:
            self._slowest[kind] = max(train_s / work, self._slowest.get(kind, 0.0))

    def allowed_s(
        self, kind: Hashable, work: float, guess_s: float, worker: str | None = None
    ) -> float:
        """Return how long a task may take.

        Parameters
        ----------
        kind : Hashable
        work : float
            The most that it may have to do.
        guess_s : float, seconds
            How long that may take, as far as is known beforehand.
        worker : str, optional
            Where it runs, if that is known; the least that any worker has otherwise.
        """
        seen = kind in self._slowest
        if self.fixed_s is not None:
            training_s = self.fixed_s
        elif seen:
            training_s = FLOOR_S + _TIMES * self._slowest[kind] * work
        else:
            training_s = UNKNOWN_S + _GUESSED_TIMES * guess_s
        if worker is None or (worker, kind) in self._warm:
            return training_s
        if not seen:
            return training_s + UNKNOWN_S
        return training_s + FLOOR_S + _TIMES * self._compile_s[kind]
