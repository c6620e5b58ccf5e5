"""Public names of a package that are loaded when first used.

pandas, pyarrow and Dask take longer to import than `--help` should, and a worker needs few of a
room's files. So a room names what it hands out, and the file is loaded on first use (PEP 562).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def attach(package: str, files: Mapping[str, str]) -> tuple[Callable[[str], Any], list[str]]:
    """Return a package's ``__getattr__`` and ``__all__``.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    files : mapping of str to str
        The module that defines each public name.
    """

    def load(name: str) -> Any:
        if name not in files:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = getattr(import_module(files[name]), name)
        setattr(sys.modules[package], name, found)  # the next use finds it there
        return found

    return load, sorted(files)
