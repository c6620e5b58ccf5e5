"""Maps of loss surfaces: all critical points that searches find, and what joins them.

Comes in: a study. Goes out: its tables of critical points, transitions and trees, made on the same
cluster. All searches are by one method, eigenvector following; `searches` says where they start.
It never trains a restart and never changes a shard.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "MapOptions": "runner.mapping.options",
        "map_landscape": "runner.mapping.landscape_map",
    },
)
