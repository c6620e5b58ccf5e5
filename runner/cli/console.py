"""The two streams that commands write to: results go to one, everything else to the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from runner.display.text_table import Column, table_text


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


def print_result(text: str, *, wrap: bool = False) -> None:
    """Print text to standard output as it is: no markup, no colours; see `_print` for ``wrap``."""
    _print(out_console, text, wrap)


def print_message(text: str, *, wrap: bool = False) -> None:
    """Print text to standard error as it is: no markup, no colours; see `_print` for ``wrap``."""
    _print(err_console, text, wrap)


def teller(quiet: bool) -> Callable[[str], None]:
    """Return what prints a message, or nothing with ``--quiet``."""

    def tell(text: str) -> None:
        if not quiet:
            print_message(text)

    return tell


def print_table(columns: Sequence[Column]) -> None:
    """Print a table to standard output, for the terminal's width if it is one."""
    fixed = _WIDTH is not None and not out_console.is_terminal
    text = table_text(columns, None if fixed else out_console.width)
    if out_console.is_terminal:
        out_console.print(text, soft_wrap=True)
    else:  # of thousands of lines, to look for places to break them takes long
        out_console.out(text.plain, highlight=False)


def _print(console: Console, text: str, wrap: bool) -> None:
    """Print text as it is.

    A terminal breaks lines in the middle of numbers. With ``wrap`` they are broken before, at
    spaces; not so what is to be copied, such as code and paths.
    """
    if wrap and console.is_terminal:
        console.print(Text(text), overflow="ignore", crop=False)
    else:
        console.print(Text(text), soft_wrap=True)
