"""What the user asked: an experiment file and its data become configurations and batches.

Comes in: TOML, options of the command line, files of truth tables. Goes out: a checked `Experiment`
and its `Plan`: every configuration, batch and seed. It never knows workers, results or the disk
beyond the files that the experiment names.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "Configuration": "runner.experiment.configuration",
        "Experiment": "runner.experiment.experiment",
        "Plan": "runner.experiment.plan",
        "gate_names": "runner.experiment.truth_tables.gates",
        "gate_outputs": "runner.experiment.truth_tables.gates",
        "load_experiment": "runner.experiment.experiment",
    },
)
