"""Rules between the fields of an experiment: what cannot be set together, and what to set instead.

A file for each group of fields; `runner.experiment.settings` asks them all.
"""
