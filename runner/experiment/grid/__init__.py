"""The grid of an experiment: several values of a field, crossed, with exceptions.

Axes come from the file or from `--grid`, single values from `--set`.
"""
