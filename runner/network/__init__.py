"""The symbolic network: layers, losses, starts, one step of an optimizer, when to stop.

Comes in: shapes, kinds of units, of losses and of starts, a tensor namespace. Goes out: graphs of
one step of many restarts (`Step`), starting weights (`Starts`), symmetries. Written once for every
engine, so it never knows which one compiles it, nor what an experiment file is.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "Architecture": "runner.network.architecture",
        "LossKind": "runner.network.loss_kind",
        "Network": "runner.network.architecture",
        "Signature": "runner.network.signature",
        "Starts": "runner.network.starts.stream",
        "Step": "runner.network.step",
        "Symmetries": "runner.network.symmetry",
    },
)
