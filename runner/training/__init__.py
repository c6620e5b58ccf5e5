"""A batch of restarts becomes a shard: train the lanes, label the endpoints, encode the table.

Comes in: a `Task`, the segments of a batch. Goes out: the bytes of a Parquet file and what they
took. This runs on workers: it never knows the cluster, the study's folder or other batches.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "LABELS": "runner.training.labels",
        "Task": "runner.training.worker",
        "Trained": "runner.training.worker",
        "train_batch": "runner.training.worker",
    },
)
