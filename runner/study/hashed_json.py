"""Files of JSON that end with the hash of their own content: read unchanged, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.content_hash import digest
from runner.study.folder import StudyFolder, require_file

MAX_BYTES = 2**28
"""Largest file that is read; of a plan, largest sum of all its files."""


def hashed_json(content: dict[str, Any]) -> bytes:
    """Return content as the bytes of a file that ends with its ``sha256``."""
    # not sorted: the order of the grid is the order of the configurations
    text = json.dumps(content | {"sha256": digest(content)}, indent=1)
    return text.encode() + b"\n"


def read_hashed_json(folder: StudyFolder, path: Path) -> dict[str, Any]:
    """Return the fields ``format``, ``plan``, ``versions``, ``sha256`` and others of a plan's file.

    Raises
    ------
    StudyError
        If there is none, it is a link, it is larger than any, or its content is not what its hash
        says.
    """
    require_file(path)
    name = printable(path.relative_to(folder.path).as_posix())
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError
        content = dict(json.loads(path.read_bytes()))
        sha256 = content.pop("sha256")
        whole = sha256 == digest(content)
        whole = whole and isinstance(content["plan"], dict)
        whole = whole and isinstance(content["versions"], dict)
    except (FileNotFoundError, NotADirectoryError):
        if folder.path.is_file():
            inside = folder.path.with_name(name).is_file()
            own = f" Give {printable(str(folder.path.parent))}." if inside else ""
            message = f"{folder.where}: no study here (it is a file); expected a study's folder."
            raise StudyError(message + own) from None
        message = (
            f"{folder.where}: no study here (no {name}). "
            f"Make one with `python -m runner sweep EXPERIMENT.toml --out {folder.where}`."
        )
        raise StudyError(message) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        content, whole, sha256 = {}, False, ""
    except OSError as error:
        message = f"{folder.where}: cannot read {name}: {error.strerror}."
        raise StudyError(message) from error
    if not whole or {"format", "plan", "versions"} - content.keys():
        message = (
            f"{folder.where}: {name} is damaged (its content does not match its SHA-256). "
            "Restore it from a copy, or run the sweep again into another folder."
        )
        raise StudyError(message)
    return content | {"sha256": sha256}
