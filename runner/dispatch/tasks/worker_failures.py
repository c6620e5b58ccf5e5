"""Which workers fail what others train: counts only, no cluster and no clock."""

from __future__ import annotations

from runner.experiment.batches import Batch

MOST_REFUTED = 3
"""Failures in a row, each of something that another worker has trained, that a worker may have."""

_REMEMBERED = 1000  # failures of one worker, the last ones


class WorkerFailures:
    """Failures of the workers of a run, and which of them other workers have refuted.

    A failure speaks against the piece or against the worker. It speaks against the worker once
    another one trains the very same piece, and no longer once the worker trains anything itself.
    """

    def __init__(self) -> None:
        self._failed: dict[str, dict[Batch, str]] = {}
        self._refuted: dict[str, list[str]] = {}

    def failed(self, worker: str, piece: Batch, reason: str) -> None:
        """Note that a worker has failed a piece."""
        failed = self._failed.setdefault(worker, {})
        failed[piece] = reason
        if len(failed) > _REMEMBERED:
            del failed[next(iter(failed))]

    def succeeded(self, worker: str, piece: Batch) -> dict[str, str]:
        """Note that a worker has trained a piece.

        Returns
        -------
        dict of str
            Workers to be taken out of service now, with the last reason that they gave.
        """
        self.forget(worker)
        bad = {}
        for other, failed in self._failed.items():
            if piece not in failed:
                continue
            refuted = self._refuted.setdefault(other, [])
            refuted.append(failed.pop(piece))
            if len(refuted) >= MOST_REFUTED:
                bad[other] = refuted[-1]
        for other in bad:
            self.forget(other)
        return bad

    def forget(self, worker: str) -> None:
        """Forget what a worker has failed."""
        self._failed.pop(worker, None)
        self._refuted.pop(worker, None)
