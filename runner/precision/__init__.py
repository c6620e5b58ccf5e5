"""Restarts in rounds, until what they tell is precise.

Comes in: an experiment, and how precise a study of it is to be. Goes out: a study that has grown
round by round until it is, by a rule that reads committed restarts alone. It never trains, and
knows neither workers nor shards. `sweep`, for whom nothing precise is asked of, is one round.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "Until": "runner.precision.until",
        "sweep": "runner.precision.sweep",
    },
)
