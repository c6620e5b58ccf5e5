"""The folder on disk, and its pandas tables: atomic commits in, statistics out.

Comes in: shards and failures of finished batches. Goes out: a `Study` with its tables; `damage`
compares every file with its hash in the log. The client is the folder's only writer. It never knows
who trained a shard, or how.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "Store": "runner.study.store",
        "Study": "runner.study.study",
        "open_study": "runner.study.study",
    },
)
