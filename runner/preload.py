"""``dask worker --preload runner.preload``: see `runner.cluster.preload`."""

from runner.cluster.preload import dask_setup as dask_setup
