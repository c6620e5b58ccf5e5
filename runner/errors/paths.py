"""Paths that users give: a URI is none, although it would make a folder of the name ``s3:``."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

from runner.errors.exceptions import RunnerError
from runner.errors.messages import printable

__all__ = ["local_path"]

# One slash is enough: `Path` makes one of two. A single letter is a drive of Windows.
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)


def local_path(path: str | PathLike[str], error: type[RunnerError], kind: str = "folder") -> Path:
    """Return a user's path as a `Path`.

    Parameters
    ----------
    path : str or path-like
        Need not exist.
    error : type of RunnerError
        What is raised.
    kind : str
        ``folder`` or ``file``, for the message.

    Raises
    ------
    RunnerError
        Of the type ``error``, if it is a URI, as ``s3://bucket/x`` is. Paths of fsspec and
        cloudpathlib, which show themselves as such, are refused alike.
    """
    found = _URI.fullmatch(str(path))
    if found is None:
        return Path(path)
    scheme, rest = found.groups()
    uri = printable(f"{scheme}://{'/' * (scheme.lower() == 'file')}{rest}")
    message = (
        f"{uri} is a URI; expected a {kind} on this machine. "
        "Give the path of one, and copy between the two by other means."
    )
    raise error(message)
