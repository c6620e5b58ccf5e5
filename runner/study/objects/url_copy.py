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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from runner.errors import StudyError
from runner.errors.messages import counted
from runner.errors.paths import local_path, store_url
from runner.study import files
from runner.study.commits import Commit
from runner.study.folder import StudyFolder
from runner.study.lock import StudyInUseError, locked
from runner.study.objects import object_names
from runner.study.objects.copy import end_of_pull, is_being_pulled, no_study, pulled, pushing
from runner.study.objects.damage import keep
from runner.study.objects.log import shard_name
from runner.study.objects.object_store import ObjectStore, place
from runner.study.objects.push import Push
from runner.study.objects.state import ObjectState
from runner.study.objects.waiting import bring_in
from runner.study.objects.worker_shards import StoredShards
from runner.study.store import Store
from runner.study.writer import Writer

_T = TypeVar("_T")

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
        return local_path(path, StudyError, or_store=True)
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

    def pull() -> bool:
        try:
            return pulled(study, objects, state, gives_way=True, distrusted=distrusted)[0]
        except StudyInUseError:
            is_whole = study.log_path.exists() or not is_being_pulled(study)
            if reads and study.exists and is_whole:
                return True
            raise

    return _waited_for(study, pull)


def _waited_for(study: StudyFolder, take: Callable[[], _T]) -> _T:
    """Do what takes a copy's lock; where a process pulls into the copy, wait until that ends."""
    until = time.monotonic() + _MOMENT_S
    while True:
        try:
            return take()
        except StudyInUseError:
            # who has just got the lock may not have written yet what it is doing
            if not is_being_pulled(study) and time.monotonic() > until:
                raise
        time.sleep(_POLL_S)


def _make_parents(study: StudyFolder) -> None:
    """Make the cache, in which nobody else may write: machine code lies beside the copies."""
    for folder in (study.path.parent.parent, study.path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True)
class Home:
    """The object store of a study that is changed in its copy, here and now."""

    copy: StudyFolder
    """Where it is changed."""
    objects: ObjectStore
    """Where it belongs."""
    by_workers: StoredShards
    """What is known of shards that workers write there."""

    def bring_in(self) -> None:
        """Have in the copy what is committed and in the store only; see `bring_in` in `waiting`.

        Raises
        ------
        StudyError
            If a shard is not there as it was, the copy is in use, or the store fails.
        """
        store = Store(self.copy.path)
        if not store.waiting():
            return

        def brought() -> list[Commit]:
            with store.writer() as writer:
                return bring_in(writer, store.waiting(), self.objects)

        lost = _waited_for(self.copy, brought)
        if lost:
            message = (
                f"{self.objects.url}: {counted(len(lost), 'shard')} that workers have written "
                f"(such as {shard_name(lost[0].batch)}) are missing, or not as they were; expected "
                "nobody to change them. Run the same command again, which trains them again; if "
                f"it cannot, `python -m runner verify {self.objects.url} --repair`."
            )
            raise StudyError(message)


@dataclass(frozen=True)
class Workplace:
    """A folder in which a study may be changed."""

    path: Path
    """The folder."""
    home: Home | None = None
    """The object store whose copy it is; None where it is nobody's."""

    @property
    def stored(self) -> StoredShards | None:
        """What is known of shards that workers write into a store."""
        return None if self.home is None else self.home.by_workers

    def bring_in(self) -> None:
        """Have all that is committed in the folder, so that it can be read; see `Home`."""
        if self.home is not None:
            self.home.bring_in()


@contextmanager
def changeable(path: str | Path, **options: Any) -> Iterator[Path]:
    """Yield the folder of a `workplace`, for what has no workers write into a store."""
    with workplace(path, **options) as place:
        yield place.path


@contextmanager
def workplace(
    path: str | Path,
    *,
    overwrite: bool = False,
    required: bool = False,
    distrusted: Collection[str] = (),
    tell: Callable[[str], None] | None = None,
) -> Iterator[Workplace]:
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
        yield Workplace(local_path(path, StudyError, or_store=True))
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
            yield Workplace(study.path, Home(study, objects, run.by_workers))


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
