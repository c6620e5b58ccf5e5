"""The commands, one file each.

A new command is a file here with one function, and a line in `runner.cli.app`. The function's
parameters are the options, in the words of Typer; its docstring is the help, which ends with one to
three examples. It calls the other rooms and prints. Errors it leaves alone: `runner.cli.app` turns
every `RunnerError` into a message and an exit code. What takes long to import (pandas, Dask,
figures) is imported inside the function, so that ``--help`` and the other commands do not wait.
"""
