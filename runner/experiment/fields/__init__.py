"""The fields of an experiment file, one by one: what there is, what it means, what it must be.

Rules between fields are in `runner.experiment.conflicts`, several values of one in
`runner.experiment.grid`.
"""
