"""How long a stage has still to go, from what its groups' rows have taken; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable

from runner.experiment.batches import Batch


class StageTimeLeft:
    """Estimates the time left of a stage.

    Parameters
    ----------
    left : iterable of Batch
        What there is to do.

    Notes
    -----
    A row costs what rows of its group have taken, from one answer of a worker to its next, or from
    when it was sent: a large network's takes a thousand times a small one's, and a worker may join
    late. Times are in seconds since the stage began.
    """

    def __init__(self, left: Iterable[Batch]) -> None:
        self._rows_left: dict[int, int] = {}
        for batch in left:
            self._rows_left[batch.group] = self._rows_left.get(batch.group, 0) + len(batch)
        self._done: dict[int, tuple[int, float]] = {}  # rows and seconds of workers
        self._answered_s: dict[str, float] = {}  # when a worker has answered last

    def answered(self, part: Batch, worker: str, now_s: float, sent_s: float = 0.0) -> None:
        """Note that a worker has done some rows of a batch, and when they were sent."""
        rows, seconds = self._done.get(part.group, (0, 0.0))
        seconds += now_s - max(sent_s, self._answered_s.get(worker, 0.0))
        self._done[part.group] = rows + len(part), seconds
        self._answered_s[worker] = now_s
        self.failed(part, len(part))

    def failed(self, batch: Batch, rows: int) -> None:
        """Note that so many rows of a batch are no longer to be done."""
        self._rows_left[batch.group] = max(0, self._rows_left[batch.group] - rows)

    def seconds(self, now_s: float, workers: int) -> float | None:
        """Return the time left; None before most groups are known, and without workers."""
        if 2 * len(self._done) <= len(self._rows_left) or not workers:
            return None
        rows = sum(n for n, _ in self._done.values())
        of_any_s = sum(seconds for _, seconds in self._done.values()) / rows
        cost_s = {group: seconds / n for group, (n, seconds) in self._done.items()}
        total = sum(n * cost_s.get(group, of_any_s) for group, n in self._rows_left.items())
        latest = sorted(self._answered_s.values())[-workers:]
        return max(0.0, total - sum(now_s - at_s for at_s in latest)) / workers
