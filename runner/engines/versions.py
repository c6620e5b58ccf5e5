"""Versions of everything that decides the bytes of a shard."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from runner.version import __version__

PACKAGES = ("numpy", "scipy", "pyarrow", "pytensor", "llvmlite", "jax", "jaxlib", "theano")
"""Packages whose versions a study records, and in which client and workers must agree."""

JAX_PACKAGES = ("jax", "jaxlib")
"""Those of them that decide nothing where vector code, Numba or Theano computes."""

COMPUTING = ("network", "experiment", "engines", "training")
"""Rooms of the runner whose code decides the bytes of a shard."""

# What a file's text has beside code, and strings, which may look like it: docstrings (lines of a
# string in three quotes alone), comments, empty lines, spaces at the end of a line.
# A parser would tell them too, in ten times the time, at the start of every sweep.
_NO_CODE = re.compile(
    r"""
      ^[ \t]*+[rR]?"{3}(?:[^\\"]|\\.|"(?!""))*+"{3}[ \t]*+(?:\#[^\n]*+)?(?:\n|\Z)
    | (?P<string>
          "{3}(?:[^\\"]|\\.|"(?!""))*+"{3} | '{3}(?:[^\\']|\\.|'(?!''))*+'{3}
        | "(?:[^"\\\n]|\\.)*+"           | '(?:[^'\\\n]|\\.)*+'
      )
    | ^[ \t]*+(?:\#[^\n]*+)?\n | [ \t]++(?=\#|$) | \#[^\n]*+
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


def versions() -> dict[str, str]:
    """Return the versions in this process: of Python, the packages and the runner."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in PACKAGES:
        if installed := _installed(name):
            found[name] = installed
    return found | {"runner": __version__}


def without_jax(found: Mapping[str, str]) -> dict[str, str]:
    """Return what decides bytes where JAX computes nothing, see `registry.may_compute_with_jax`."""
    return {name: version for name, version in found.items() if name not in JAX_PACKAGES}


@cache
def _installed(name: str) -> str:
    """Return a package's version, or an empty string; it costs a millisecond to find out."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def source() -> str:
    """Return eight hexadecimal digits of a hash of the runner's own source.

    Two checkouts of the same version can differ; a client and its workers must not.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    stamps: list[tuple[list[str], int, int, int]] = []
    # By strings alone: paths as objects take as long as all else.
    for folder, folders, files in os.walk(root):
        parts = folder[len(root) + 1 :].split(os.sep) if folder != root else []
        # experiments come with a package, and lie beside a checkout's
        left_out = ("__pycache__",) if parts else ("__pycache__", "experiments")
        folders[:] = [name for name in folders if name not in left_out]
        for file in files:
            if file.endswith(".py"):
                status = os.stat(os.path.join(folder, file))
                stamp = status.st_mtime_ns, status.st_size, status.st_ino
                stamps.append(([*parts, file], *stamp))
    stamps.sort()
    return _of_files(root, tuple(("/".join(name), *stamp) for name, *stamp in stamps))


@lru_cache(maxsize=1)
def _of_files(root: str, stamps: tuple[tuple[str | int, ...], ...]) -> str:
    """Hash files, named with what tells that one was written anew: asked at every turn."""
    content = hashlib.sha256()
    for name, *_ in stamps:
        content.update(str(name).encode())
        with open(os.path.join(root, str(name)), "rb") as opened:
            content.update(opened.read())
    return content.hexdigest()[:8]


@cache
def computing_source() -> str:
    """Return eight hexadecimal digits of a hash of the code that computes, comments left out.

    A study records it: what is left of it must not be trained by other code.
    """
    content = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(path for room in COMPUTING for path in (folder / room).rglob("*.py")):
        content.update(path.relative_to(folder).as_posix().encode())
        content.update(b"\n")
        content.update(code_alone(path.read_text("utf-8")).encode())
    return content.hexdigest()[:8]


def code_alone(text: str) -> str:
    """Return a Python file's text without docstrings, comments and empty lines.

    Notes
    -----
    It need not run: a body that is a docstring alone is empty then. A docstring that is not in
    three double quotes counts as code, and so does how lines are broken.
    """
    return _NO_CODE.sub(lambda found: found["string"] or "", text)
