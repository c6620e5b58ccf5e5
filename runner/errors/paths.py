"""Paths that users give, and URLs: what is neither, and what stands where a file is expected."""

from __future__ import annotations

import re
import stat
from os import PathLike
from pathlib import Path

from runner.errors.exceptions import RunnerError
from runner.errors.messages import printable, shown

__all__ = ["local_path", "redacted", "require_place", "store_url", "why_no_file"]

# As a path it would make a folder `s3:`. One slash is enough: `Path` makes one of two. A single
# letter is a drive of Windows.
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)

_STORES = ("s3", "gs", "az")
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}(/[A-Za-z0-9_=+-][A-Za-z0-9._=+ -]{0,254})+")


def redacted(uri: str) -> str:
    """Return a URI without what may be a credential: a user and password, a query, a fragment."""
    scheme, place, rest = re.findall(r"^([A-Za-z0-9+.-]*:/+|)([^?#]*)(.*)", uri, re.DOTALL)[0]
    if "@" in rest:  # of a password or of a query: nobody can tell
        return f"{scheme}..."
    return f"{scheme}{place.rpartition('@')[2]}"


def store_url(path: str | PathLike[str], error: type[RunnerError]) -> str | None:
    """Return the URL of an object store that a user's path is, or None if it is none.

    Parameters
    ----------
    path : str or path-like
        Such as ``s3://bucket/prefix``; `Path` makes one slash of two.
    error : type of RunnerError
        What is raised.

    Raises
    ------
    RunnerError
        Of the type ``error``, if it is of an object store, but names no bucket and prefix, or more:
        a user, a query.
    """
    found = _URI.fullmatch(str(path))
    if found is None or found[1].lower() not in _STORES:
        return None
    place = found[2].rstrip("/")
    url = f"{found[1].lower()}://{place}"
    if _PLACE.fullmatch(place) is None:
        message = (
            f"{printable(redacted(url))} is no URL of a study; expected "
            "s3://bucket/prefix, with letters, digits and -_.=+ in its names. Credentials belong "
            "into the environment."
        )
        raise error(message)
    return url


def local_path(
    path: str | PathLike[str],
    error: type[RunnerError],
    kind: str = "folder",
    *,
    or_store: bool = False,
) -> Path:
    """Return a user's path as a `Path`.

    Parameters
    ----------
    path : str or path-like
        Need not exist.
    error : type of RunnerError
        What is raised.
    kind : str
        ``folder`` or ``file``, for the message.
    or_store : bool
        Whether the URL of an object store would do there too, see `store_url`; for the message.

    Raises
    ------
    RunnerError
        Of the type ``error``, if it is no path, as 5 is none, or a URI, as ``s3://bucket/x`` is.
        Paths of fsspec and cloudpathlib, which show themselves as such, are refused alike.
    """
    given: object = path  # from Python it may be anything
    if not isinstance(given, str | PathLike):
        message = f"path is {shown(given)}; expected the path of a {kind}, as text or a Path."
        raise error(message)
    found = _URI.fullmatch(str(path))
    if found is None:
        return Path(path)
    scheme, rest = found.groups()
    uri = printable(redacted(f"{scheme}://{'/' * (scheme.lower() == 'file')}{rest}"))
    if or_store:
        message = (
            f"{uri} is a URI; expected a {kind} on this machine, or a study's URL in an object "
            "store: s3://bucket/prefix, gs:// or az://. Give one of these; the address of another "
            "server that speaks S3 belongs into AWS_ENDPOINT_URL."
        )
        raise error(message)
    message = (
        f"{uri} is a URI; expected a {kind} on this machine. "
        "Give the path of one, and copy between the two by other means."
    )
    raise error(message)


def require_place(path: str | PathLike[str], error: type[RunnerError]) -> None:
    """Raise an error of this type if a path is neither a folder's nor an object store's URL."""
    if store_url(path, error) is None:
        local_path(path, error, or_store=True)


def why_no_file(path: Path) -> str:
    """Return why a path is no file: ``does not exist``, ``is a folder``, ...; empty if it is one.

    Raises
    ------
    OSError
        If the file system refuses to tell. `Path.exists` of Python 3.14 answers False then, and a
        folder that may not be entered would look as if the file were not there.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in it
        return "does not exist"
    if stat.S_ISREG(mode):
        return ""
    return "is a folder" if stat.S_ISDIR(mode) else "is not a regular file"
