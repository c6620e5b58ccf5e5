"""Plans and logs of all studies below a URL, in folders of this machine: what a list is made of."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from runner.errors import StudyError
from runner.study import commits
from runner.study.objects import object_names
from runner.study.objects.object_store import Level, ObjectStore

_AT_A_TIME = 16  # requests, of which most of the time is waiting
_MOST_STUDIES = 10**5
_DEEPEST = 20  # levels that are searched
_FOLDER = re.compile(r"[^.\\/\0][^\\/\0]{0,59}")


@contextmanager
def heads(url: str) -> Iterator[Path]:
    """Yield a folder in which every study below a URL has its plan, its growths and its log.

    Shards, and whatever else a study has, are not read. A log's file has the time of its object.

    Parameters
    ----------
    url : str
        Of a study, or of what studies are below.

    Raises
    ------
    StudyError
        If nothing is there, there are too many studies, or the store fails.
    """
    objects = ObjectStore(url)
    with (
        tempfile.TemporaryDirectory(prefix="runner-") as folder,
        ThreadPoolExecutor(_AT_A_TIME, "heads") as threads,
    ):
        top = Path(folder)
        found: list[Level] = []
        levels = [objects.level("")]
        if not levels[0].objects and not levels[0].folders:
            message = (
                f"{url} has no objects; expected a study, or studies below it. Look at the URL."
            )
            raise StudyError(message)
        for _ in range(_DEEPEST):
            below = []
            for level in levels:
                if {object_names.PLAN, object_names.LOG} & level.objects.keys():
                    found.append(level)
                else:
                    below += [name for name in level.folders if _is_searched(name)]
            if len(found) + len(below) > _MOST_STUDIES:
                message = (
                    f"{url} has more than {_MOST_STUDIES:,} studies and folders; expected fewer. "
                    "Give a URL further down."
                )
                raise StudyError(message)
            levels = list(threads.map(objects.level, below))
        list(threads.map(partial(_fetch, objects, top), found))
        yield top


def _is_searched(folder: str) -> bool:
    """Return whether a folder may hold studies; a name from the store is a path here, too."""
    name = folder.rpartition("/")[2]
    return _FOLDER.fullmatch(name) is not None


def _fetch(objects: ObjectStore, top: Path, level: Level) -> None:
    names = [name for name in (object_names.PLAN, object_names.LOG) if name in level.objects]
    if "rounds" in {folder.rpartition("/")[2] for folder in level.folders}:
        rounds = objects.level(f"{level.name}/rounds".lstrip("/"))
        names += object_names.fixed(f"rounds/{name}" for name in rounds.objects)
    for name in names:
        log = name == object_names.LOG
        most = commits.MAX_BYTES if log else object_names.MOST_OF_PLAN
        try:
            data, _ = objects.get(f"{level.name}/{name}".lstrip("/"), most)
        except FileNotFoundError:
            continue  # removed meanwhile
        path = top / level.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if name in level.objects:
            os.utime(path, (level.objects[name].timestamp(),) * 2)
