"""Ctrl-C: the command line ends at once, with one line that says how to continue."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

INTERRUPTED = 130
"""Exit code."""

_how_to_continue = ""  # the end of the last line, while a study is being written
_folder_to_remove: str | None = None


def handle_ctrl_c() -> None:
    """Have Ctrl-C end the process; called before the imports, which take a moment."""
    signal.signal(signal.SIGINT, _interrupt)


def remove_when_interrupted(folder: str | None) -> None:
    """Remove a temporary folder on Ctrl-C, which the process' own cleaning up does not survive."""
    global _folder_to_remove
    _folder_to_remove = folder


@contextlib.contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Have Ctrl-C say how to continue with the study that is being written."""
    global _how_to_continue
    from runner.errors.messages import printable

    where = printable(str(folder))
    _how_to_continue = f" What is committed stays in {where}; the same command continues it."
    try:
        yield
    finally:
        _how_to_continue = ""


def _interrupt(*_: object) -> None:
    """End the process.

    A study may be left at any moment, as after a crash. An exception instead could surface
    anywhere, and Dask's threads would keep the process for seconds.
    """
    # A second Ctrl-C would run this function again inside itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # rich hides the cursor while a live display is shown.
    show_cursor = b"\x1b[?25h" if os.isatty(2) else b""
    if _folder_to_remove is not None:
        shutil.rmtree(_folder_to_remove, ignore_errors=True)
    line = f"\nInterrupted.{_how_to_continue}\n".encode("ascii", "replace")
    # Not through sys.stderr: the signal may have come in the middle of a write to its buffer.
    with contextlib.suppress(OSError):
        os.write(2, show_cursor + line)
    os._exit(INTERRUPTED)
