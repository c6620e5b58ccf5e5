"""Batches go out to workers and shards come in; nothing is lost or done twice.

Comes in: a plan, a study's folder, a cluster. Goes out: a complete study, whatever workers do on
the way: crash, hang, leave, compute other bits; an interrupted one is resumed. `train` is the whole
of it.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "FaultPolicy": "runner.dispatch.fault_policy",
        "repair": "runner.dispatch.sweep",
        "train": "runner.dispatch.sweep",
    },
)
