"""What `--verbose` adds: the logs of the runner and of Dask, and tracebacks of errors."""

from __future__ import annotations

import logging
from typing import Final

_LEVELS: Final = {"runner": logging.DEBUG, "distributed": logging.INFO}
_FORM: Final = "%(asctime)s %(name)s: %(message)s"

_verbose = False


def set_verbose(verbose: bool) -> None:
    """Have logs written to standard error from now on, or leave them as they are."""
    global _verbose
    _verbose = verbose
    if not verbose:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORM))
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(handler)


def print_traceback(error: BaseException) -> None:
    """Print where an error was raised, if that was asked for."""
    if _verbose:
        import traceback

        from runner.cli.console import print_message

        print_message("".join(traceback.format_exception(error)).rstrip())
