"""Studies whose home is a URL: the copy in which they are read and worked on, on this machine.

A path that is no URL of an object store is left as it is, so that whatever takes a study's folder
can take a URL as well.
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.errors import StudyError
from runner.errors.paths import local_path, store_url
from runner.study import files
from runner.study.folder import StudyFolder
from runner.study.lock import StudyInUseError, locked
from runner.study.objects import object_names
from runner.study.objects.copy import end_of_pull, is_being_pulled, no_study, pulled, pushing
from runner.study.objects.damage import keep
from runner.study.objects.object_store import ObjectStore, place
from runner.study.objects.push import Push
from runner.study.objects.state import ObjectState
from runner.study.objects.worker_shards import StoredShards
from runner.study.writer import Writer

INTERVAL_S = 30.0
"""What is committed is pushed so often while a study is worked on: the most that a machine that is
gone for good takes along."""

_MOMENT_S, _POLL_S = 2.0, 0.2


def copy_of(url: str) -> Path:
    """Return the folder in which a URL's study is worked on here, by the same user."""
    from runner.engines import code_cache  # most studies are folders, and need none of it

    base = code_cache.place() or code_cache.of_user()
    name = re.sub(r"[^A-Za-z0-9_-]", "-", url.rpartition("/")[2])[:60]
    return base / "studies" / f"{name}-{hashlib.sha256(place(url).encode()).hexdigest()[:16]}"


def readable(path: str | Path, *, required: bool = True) -> Path:
    """Return a folder in which a study can be read: of a URL, its copy, brought up to date.

    Where a process of this machine works on the copy, that is what is read, as it is; one that
    pulls it for the first time is waited for.

    Raises
    ------
    StudyError
        If there is no study at the URL, unless it is not required; see also
        `runner.study.objects.copy.pull`.
    """
    url = store_url(path, StudyError)
    if url is None:
        return local_path(path, StudyError)
    objects, study = ObjectStore(url), StudyFolder(copy_of(url))
    with study.writing():
        _make_parents(study)
    found = _brought_up_to_date(study, objects, reads=True)
    if not found and required:
        raise no_study(objects)
    return study.path


def _brought_up_to_date(
    study: StudyFolder,
    objects: ObjectStore,
    state: ObjectState | None = None,
    distrusted: Collection[str] = (),
    *,
    reads: bool,
) -> bool:
    """Pull into a copy, or wait for the process that does so; return whether there is a study."""
    until = time.monotonic() + _MOMENT_S
    while True:
        try:
            return pulled(study, objects, state, gives_way=True, distrusted=distrusted)[0]
        except StudyInUseError:
            is_whole = study.log_path.exists() or not is_being_pulled(study)
            if reads and study.exists and is_whole:
                return True
            # who has just got the lock may not have written yet what it is doing
            if not is_being_pulled(study) and time.monotonic() > until:
                raise
        time.sleep(_POLL_S)


def _make_parents(study: StudyFolder) -> None:
    """Make the cache, in which nobody else may write: machine code lies beside the copies."""
    for folder in (study.path.parent.parent, study.path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def changeable(
    path: str | Path,
    *,
    overwrite: bool = False,
    required: bool = False,
    distrusted: Collection[str] = (),
    tell: Callable[[str], None] | None = None,
) -> Iterator[Path]:
    """Yield a folder in which a study may be changed: of a URL, its copy, which is pushed then.

    What is committed is pushed every `INTERVAL_S` seconds and in the end, also when the work fails.

    Parameters
    ----------
    path : str or Path
    overwrite : bool
        Whether the study at the URL is to be replaced; it stays until something is pushed.
    required : bool
        Whether there has to be a study.
    distrusted : collection of str
        Names of what is damaged at the URL: it is not pulled, and replaced by what is pushed.
    tell : callable, optional
        Called with what has to be known meanwhile; by default it goes to standard error.

    Raises
    ------
    StudyError
        If there is no study that is required; as `runner.study.objects.copy.push` and ``pull`` do.
        What was not pushed stays in the copy.
    """
    url = store_url(path, StudyError)
    if url is None:
        yield local_path(path, StudyError)
        return
    objects, study, tell = ObjectStore(url), StudyFolder(copy_of(url)), tell or _to_stderr
    there = objects.listing()  # what is wrong with the URL is told before a folder is made
    if required and object_names.PLAN not in there and not study.exists:
        raise no_study(objects)
    with study.writing():
        _make_parents(study)
        files.make_folder(study.path)
    with pushing(study, objects, replaces=overwrite, distrusted=distrusted) as run:
        if overwrite:
            # or what is left of the study before would be pushed, should the work fail at once
            with locked(study) as lock:
                Writer(study, lock).clear()
        elif not run.is_replacing():
            _brought_up_to_date(study, objects, run.state, distrusted, reads=False)
        keep(objects, study, distrusted)
        with study.writing():
            end_of_pull(study)  # what was killed while it pulled is the past
        tell(f"{url} is worked on in {study.where}")
        with _meanwhile(study, run, tell, overwrite):
            _by_workers[study.path] = run.by_workers
            try:
                yield study.path
            finally:
                del _by_workers[study.path]


_by_workers: dict[Path, StoredShards] = {}


def shards_by_workers(folder: StudyFolder) -> StoredShards | None:
    """Return what knows of shards that workers write, of a copy that this process works on."""
    return _by_workers.get(folder.path)


@contextmanager
def _meanwhile(
    study: StudyFolder, run: Push, tell: Callable[[str], None], overwrite: bool
) -> Iterator[None]:
    """Push now and then, and in the end."""
    ended = threading.Event()

    def is_worth_pushing() -> bool:
        # a study that is there does not give way to one without a batch
        return study.log_path.exists() if overwrite else study.exists

    def push_now_and_then() -> None:
        told = False
        while not ended.wait(INTERVAL_S):
            try:
                if is_worth_pushing():
                    run.run()
            except (StudyError, OSError) as error:
                if not told:
                    tell(f"{error} The work goes on, and is pushed later.")
                told = True

    thread = threading.Thread(target=push_now_and_then, name="push", daemon=True)
    thread.start()
    try:
        yield
    except BaseException:
        ended.set()
        thread.join()
        with suppress(StudyError):  # what has failed first is what has to be told
            if is_worth_pushing():
                run.run()
        raise
    ended.set()
    thread.join()
    if study.exists:
        run.run()
        tell(f"Pushed: {run.moved.text()}.")


def _to_stderr(text: str) -> None:
    if sys.stderr is not None:
        print(text, file=sys.stderr)
