"""Ctrl-C: the command line ends at once, with one line that says how to go on."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal

INTERRUPTED = 130
"""Exit code."""

how_to_go_on = ""
"""What to say of a study that is being written."""

folder_to_remove: str | None = None
"""A temporary folder that nobody else removes."""


def listen() -> None:
    """Have Ctrl-C end the process; called before the imports, which take a moment."""
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: object) -> None:
    """End the process.

    A study may be left at any moment, as after a crash. An exception instead could surface
    anywhere, and Dask's threads would keep the process for seconds.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # not through a buffer, which may be half way through another text; the cursor may be hidden
    show_cursor = b"\x1b[?25h" if os.isatty(2) else b""
    if folder_to_remove is not None:
        shutil.rmtree(folder_to_remove, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.write(
            2, show_cursor + b"\nInterrupted." + how_to_go_on.encode("ascii", "replace") + b"\n"
        )
    os._exit(INTERRUPTED)
