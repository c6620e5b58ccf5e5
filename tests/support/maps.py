"""Maps of single configurations, searched in this process; and the scenes of published work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from runner.dispatch.dispatcher import Piece
from runner.experiment.batches import Batch
from runner.experiment.configuration import Configuration
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.stage import Stage
from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.map_tables import tables
from runner.mapping.options import MapOptions
from runner.mapping.search_rounds import SearchRounds
from runner.mapping.searches import SearchStream
from runner.training.shards import decode

# what pele's and TopSearch's users would call the XOR potential
XOR: dict[str, Any] = {
    "name": "xor",
    "restarts": 4,
    "problem": {"gate": "XOR", "inputs": [-1, 1], "targets": [-0.8, 0.8]},
    "network": {"activation": "tanh", "output": "linear", "hidden": [2]},
    "loss": {"kind": "squared-error", "reduction": "sum", "l2": 0.05},
    "training": {"learning_rate": 0.05, "max_steps": 50},
}
QUICK = MapOptions(unchanged=1000, round_searches=500)


class MemoryCheckpoints:
    """`runner.landscape.checkpoints.Checkpoints`, in memory; work is done at once."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, Batch], bytes] = {}

    def run(self, stage: Stage) -> None:
        for batch in stage.batches:
            call = stage.call(Piece(batch, batch.start, batch.stop), "cpu")
            self.found[stage.name, batch] = call.function(*call.arguments)

    def read(self, stage: str, batches: Iterable[Batch]) -> Iterator[tuple[Batch, pd.DataFrame]]:
        for batch in batches:
            yield batch, decode(self.found[stage, batch]).to_pandas()


def configuration(changes: dict[str, Any] | None = None) -> Configuration:
    """Make the configuration of the XOR scene, with sections of it changed."""
    content = {**XOR, **(changes or {})}
    return Plan(load_experiment(content)).configurations[0]


def mapped(c: Configuration, options: MapOptions = QUICK) -> ConfigurationMap:
    """Map a configuration, without endpoints to start from."""
    none = np.zeros((c.architecture.n_parameters, 0))
    stream = SearchStream(1990, c.symmetries, none, options.highest_index)
    found, checkpoints = ConfigurationMap(c, stream, options), MemoryCheckpoints()
    rounds = SearchRounds([[found]], checkpoints, checkpoints.run, "pytensor", options)  # type: ignore[arg-type]
    rounds.make(lambda: True)
    rounds.look_at_basins()
    return found


def tables_of(found: ConfigurationMap) -> dict[str, pd.DataFrame]:
    """Return its tables, by name."""
    return tables([found], found.configuration.architecture.parameter_names)
