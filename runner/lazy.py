"""Public names of a package, and properties of its objects, that are loaded when first used.

pandas, pyarrow and Dask take longer to import than `--help` should, and a worker needs few of a
room's files. So a room names what it hands out, and the file is loaded on first use (PEP 562).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
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
        from importlib import import_module  # which `import runner` does without

        if name not in files:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = getattr(import_module(files[name]), name)
        setattr(sys.modules[package], name, found)  # the next use finds it there
        return found

    return load, sorted(files)


_ACCESSORS: dict[str, tuple[str, str]] = {}


def register_accessor(name: str, file: str, maker: str) -> None:
    """Name the property ``name`` of a study that a room above it makes, as those of pandas.

    The package's door registers them, so that every study has them and no file of `study` imports
    what draws.

    Parameters
    ----------
    name : str
    file, maker : str
        The module and the name in it of what makes the property, from the study.
    """
    _ACCESSORS[name] = (file, maker)


def accessor(name: str, study: object) -> Any:
    """Return what is registered under a name, made of this study."""
    from importlib import import_module

    file, maker = _ACCESSORS[name]
    return getattr(import_module(file), maker)(study)
