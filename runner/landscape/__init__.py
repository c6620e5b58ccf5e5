"""What endpoints say of the loss: curvature, minima, barriers, and a verdict on convexity.

Comes in: a study. Goes out: its analysis tables, made on the same cluster. It never trains a
restart and never changes a shard.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "AnalysisOptions": "runner.landscape.options",
        "analyze": "runner.landscape.analysis",
        "reference": "runner.landscape.references",
    },
)
