"""Which objects are a study's: their names, and how large each may be.

Names come from the store, so from anybody who can write there: a name that no study gives its files
is none of the study's, and no file is ever made for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from runner.study import hashed_json
from runner.study.commits import MAX_BYTES as MOST_OF_LOG
from runner.study.files import TEMPORARY
from runner.study.folder import StudyFolder

LOG = "commits.jsonl"
"""The log, without which an object counts for nothing: pushed last, pulled first."""

PLAN = "plan.json"
"""The plan, without which there is no study."""

MOST_OF_PLAN = hashed_json.MAX_BYTES
"""Bytes of a plan, and of a growth's file."""

_ROUND = re.compile(r"rounds/[0-9]{3}\.json")
_TELEMETRY = re.compile(r"telemetry/(batches|audit|programs|versions)\.jsonl")
# Folders and files below tables/; none begins with a dot, none is a temporary file.
_TABLES = re.compile(r"tables(/[A-Za-z0-9_][A-Za-z0-9._-]{0,120}){1,5}")
_SHARDS = re.compile(r"shards/(r[0-9]{3}-)?[0-9]{4,}/[0-9]+-[0-9]+\.parquet")
_OTHERS = {
    "experiment.toml": 2**20,
    "configurations.parquet": 2**30,
    "report.html": 2**28,
}


def is_fixed(name: str) -> bool:
    """Whether an object never changes once it is there: the plan and what was added to it."""
    return name == PLAN or _ROUND.fullmatch(name) is not None


def is_shard(name: str) -> bool:
    """Whether a study may have a shard of this name."""
    return _SHARDS.fullmatch(name) is not None


def is_lines(name: str) -> bool:
    """Whether an object has lines that are added to, on which nothing depends."""
    return _TELEMETRY.fullmatch(name) is not None


def most_bytes(name: str) -> int | None:
    """Return how large an object may be that is neither log, plan nor shard; None if no study's."""
    if name in _OTHERS:
        return _OTHERS[name]
    if is_lines(name):
        return MOST_OF_LOG
    passing = name.startswith("tables/parts/") or name.endswith(TEMPORARY)
    if _TABLES.fullmatch(name) is not None and not passing:
        return 2**30
    return None


def is_own(name: str) -> bool:
    """Whether a study has objects of this name."""
    return name == LOG or is_fixed(name) or is_shard(name) or most_bytes(name) is not None


def fixed(names: Iterable[str]) -> list[str]:
    """Return the plan and the growths' files among names, in order."""
    return sorted((name for name in names if is_fixed(name)), key=lambda name: (name != PLAN, name))


def local_names(folder: StudyFolder) -> Iterator[str]:
    """Yield the names of a folder's files that are pushed: all but log and shards.

    Links, temporary files and what else lies in the folder are left out.
    """
    tops = ("rounds", "telemetry", "tables")
    paths = list(folder.path.iterdir()) + [
        path
        for top in tops
        if not (folder.path / top).is_symlink()
        for path in (folder.path / top).rglob("*")
    ]
    for path in sorted(paths):
        name = path.relative_to(folder.path).as_posix()
        wanted = name != LOG and not is_shard(name) and is_own(name)
        if wanted and path.is_file() and not folder.is_linked(path):
            yield name
