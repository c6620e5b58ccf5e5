"""Plain, bounded data from a TOML file or a caller's mapping."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, Final

from runner.errors import ExperimentError
from runner.errors.paths import why_no_file
from runner.experiment.example_experiments import example_experiment
from runner.experiment.formats.registry import READERS
from runner.experiment.toml_hints import toml_hint

__all__ = ["MAX_BYTES", "plain_data", "read_toml"]

MAX_BYTES: Final = 2**20
"""Largest experiment file, bytes."""

_MAX_DEPTH: Final = 16
# tomllib takes quadratic time over the parts of a dotted key.
_KEY_PART: Final = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+"""
_LONG_KEY: Final = re.compile(rf"(?<![\w-])(?:{_KEY_PART}\.[ \t]*+){{{_MAX_DEPTH},}}", re.ASCII)


def read_toml(path: Path, where: str) -> dict[str, Any]:
    """Read a TOML file of at most `MAX_BYTES`.

    Parameters
    ----------
    path : Path
    where : str
        What error messages call the file.

    Raises
    ------
    ExperimentError
        If it is missing, no regular file, too large, not UTF-8 or not TOML; the message names
        line and column where there is one.
    """
    try:
        if state := why_no_file(path):
            message = f"{where}: the file {state}; expected an experiment in TOML."
            if own := example_experiment(path.name):
                message += f" The one that comes with the runner is {own}."
            elif path.suffix == ".toml":
                message += f" Make one with `python -m runner init {where}`."
            raise ExperimentError(message)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"{where}: the file cannot be read: {reason}."
        raise ExperimentError(message) from None
    if len(content) > MAX_BYTES:
        message = f"{where}: the file is too large; expected at most {MAX_BYTES:,} bytes."
        raise ExperimentError(message)
    try:
        return _parsed(content, where)
    except ExperimentError:
        named = _named_in_one(path)
        if not named:
            raise
    what, how = named
    message = (
        f"{where}: {what} is no experiment; expected one in TOML. Make one with "
        f"`python -m runner init`, and name {how}."
    )
    raise ExperimentError(message)


def _named_in_one(path: Path) -> tuple[str, str] | None:
    """Return what an experiment names files such as this one for, and how."""
    if path.suffix.lower() == ".py":
        return "a Python file", "the model's function there, as network.model = 'FILE.py:FUNCTION'"
    if path.suffix.lower() in (*READERS, ".gz"):
        return "a table", "the table there, as problem.table"
    return None


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        message = f"{where}: line {line} holds the byte 0x{byte:02x}; expected UTF-8 text."
        raise ExperimentError(message) from None
    try:
        if _LONG_KEY.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except RecursionError:
        raise _too_deep(where) from None
    except tomllib.TOMLDecodeError as error:
        reason = str(error)[:200].rstrip(".")
        message = f"{where}: not TOML: {reason}.{toml_hint(text, reason)}"
        raise ExperimentError(message) from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        message = f"{where}: an integer is too long; expected at most 4300 digits."
        raise ExperimentError(message) from None


def plain_data(value: Any, where: str, depth: int = 0) -> Any:
    """Copy data into dicts, lists and scalars; NumPy and pandas values become Python's.

    Raises
    ------
    ExperimentError
        If the data are nested more than 16 deep.
    """
    if depth > _MAX_DEPTH:
        raise _too_deep(where)
    if isinstance(value, Mapping):
        return {str(key): plain_data(item, where, depth + 1) for key, item in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):
        return plain_data(value.tolist(), where, depth + 1)
    if isinstance(value, list | tuple | range):
        return [plain_data(item, where, depth + 1) for item in value]
    return value


def _too_deep(where: str) -> ExperimentError:
    return ExperimentError(f"{where}: nested too deeply; expected at most {_MAX_DEPTH} levels.")
