"""Results whose shards the client does not see yet, as some file systems tell it late."""

from __future__ import annotations

import time
from collections.abc import Iterator

from runner.cluster.task_results import TaskResult
from runner.dispatch.staged_training import NotStaged
from runner.dispatch.tasks.in_flight import SentTask
from runner.study.staging import LATE_S, Staging


class LateShards:
    """Keeps results of one run until the shards that they tell of are there, or time is up.

    Parameters
    ----------
    staging : Staging

    Notes
    -----
    Nothing stops for them: their pieces stay out at the dispatcher, and the loop goes on. Once
    `LATE_S` is over, a result is taken as it is, and what it tells of is found to be missing.
    """

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._waiting: list[tuple[float, SentTask, TaskResult]] = []  # with the end of its time

    def keep(self, task: SentTask, result: TaskResult) -> bool:
        """Have a result wait if a shard of it is not there yet; return whether it does."""
        late = self._is_late(result)
        if late:
            self._waiting.append((time.monotonic() + LATE_S, task, result))
        return late

    def seen(self) -> Iterator[tuple[SentTask, TaskResult]]:
        """Yield what need not wait any longer."""
        waiting, self._waiting = self._waiting, []
        now_s = time.monotonic()
        for until_s, task, result in waiting:
            if now_s < until_s and self._is_late(result):
                self._waiting.append((until_s, task, result))
            else:
                yield task, result

    def _is_late(self, result: TaskResult) -> bool:
        if isinstance(result.value, NotStaged):
            return False
        return any(self._staging.is_late(part.shard) for part in result.value)
