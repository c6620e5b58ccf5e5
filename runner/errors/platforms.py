"""Which operating systems a sweep runs on."""

from __future__ import annotations

import os

from runner.errors.exceptions import RunnerError

__all__ = ["require_posix"]

_SYSTEM = os.name


def require_posix() -> None:
    """Raise RunnerError on Windows, where nothing is trained and no study is written.

    Its workers would not be kept from Ctrl-C, and the names in a folder cannot be made durable
    there, which a study's promise rests on.
    """
    if _SYSTEM == "nt":
        message = "Windows: nothing can be trained or written; expected Linux or macOS."
        raise RunnerError(f"{message} Use the Windows Subsystem for Linux (docs/platforms.md).")
