"""The two streams that commands write to: results go to one, everything else to the other."""

from __future__ import annotations

import os

from rich.console import Console
from rich.text import Text


class _Console(Console):
    """A console that leaves it to the command line what to do when a pipe has lost its reader."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


# A file or a pipe has no width that a table's cells would have to be folded for.
_WIDTH = None if os.isatty(1) or "COLUMNS" in os.environ else 160

out_console = _Console(width=_WIDTH)
"""Standard output: results."""

err_console = Console(stderr=True)
"""Standard error: progress, messages."""


def print_result(text: str) -> None:
    """Print text to standard output as it is: no markup, no colours, no line breaks of its own."""
    out_console.print(Text(text), soft_wrap=True)


def print_message(text: str) -> None:
    """Print text to standard error as it is: no markup, no colours, no line breaks of its own."""
    err_console.print(Text(text), soft_wrap=True)
