"""What `--verbose` adds: the logs of the runner and of Dask, and tracebacks of errors."""

from __future__ import annotations

import logging
from typing import Final

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
    logger = logging.getLogger("runner")  # Dask's loggers have handlers of their own
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)


def print_traceback(error: BaseException) -> None:
    """Print where an error was raised, if that was asked for."""
    if _verbose:
        import traceback

        from runner.cli.console import print_message

        print_message("".join(traceback.format_exception(error)).rstrip())
