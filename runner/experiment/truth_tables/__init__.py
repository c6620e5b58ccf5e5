"""Truth tables as numbers: of named gates, of a file or of a program's own frame.

How files are read is in `runner.experiment.formats`.
"""
