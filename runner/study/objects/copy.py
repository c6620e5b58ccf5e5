"""The copy of a study whose home is an object store: a folder in which all work is done.

Everything that reads or trains works on files. So a study at a URL has a folder on each machine
that has to do with it: what is there is pulled before, what is new is pushed after, and meanwhile.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.errors.paths import redacted, store_url
from runner.study.commits import Log
from runner.study.folder import StudyFolder
from runner.study.lock import acquired, locked
from runner.study.objects.lease import Lease
from runner.study.objects.lease import release as release_lease
from runner.study.objects.object_store import ObjectStore, place
from runner.study.objects.pull import Pull
from runner.study.objects.push import Moved, Push
from runner.study.objects.state import ObjectState
from runner.study.objects.waiting import bring_in
from runner.study.writer import Writer


def required_url(url: str | Path) -> str:
    """Return a URL as `runner.errors.paths.store_url` does; StudyError if it is none."""
    found = store_url(url, StudyError)
    if found is None:
        message = (
            f"{printable(redacted(str(url)))} is no URL of an object store; expected one such as "
            "s3://bucket/prefix (or gs://, az://). Give the URL of a study."
        )
        raise StudyError(message)
    return found


def push(folder: str | Path, url: str | Path) -> Moved:
    """Push what an object store lacks of a study.

    Parameters
    ----------
    folder : str or Path
        The study's, finished or not; it may be trained meanwhile.
    url : str
        Such as ``s3://bucket/prefix``.

    Returns
    -------
    Moved
        What was pushed.

    Raises
    ------
    StudyError
        If there is no study, another one at the URL, or another client that writes there; if a
        shard is not as the log says; if the store fails.

    Examples
    --------
    >>> import runner
    >>> runner.push("results/gates", "s3://bucket/gates").files  # doctest: +SKIP
    """
    _require_order("push", folder, url)
    study, objects = StudyFolder(folder), ObjectStore(required_url(url))
    if not study.exists:
        message = f"{study.where} has no study; expected the folder of one. Name another."
        raise StudyError(message)
    with pushing(study, objects) as run:
        run.run()
    return run.moved


def pull(url: str | Path, folder: str | Path) -> Moved:
    """Pull what a folder lacks of a study in an object store, verified.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/prefix``.
    folder : str or Path
        New, empty, or one with a part of this study.

    Returns
    -------
    Moved
        What was pulled.

    Raises
    ------
    StudyError
        If there is no study at the URL, or another one in the folder; if the folder is in use; if
        an object is not as the log says; if the store fails.

    Examples
    --------
    >>> import runner
    >>> runner.pull("s3://bucket/gates", "results/gates").size  # doctest: +SKIP
    """
    _require_order("pull", folder, url)
    study, objects = StudyFolder(folder), ObjectStore(required_url(url))
    found, moved = pulled(study, objects)
    if not found:
        raise no_study(objects)
    return moved


def release(url: str | Path) -> str:
    """Release the lease of a client that is gone for good.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/prefix``.

    Returns
    -------
    str
        Who had it, and since when; empty if nobody did.

    Raises
    ------
    StudyError
        If it is no URL of an object store, another client takes the lease at that moment, or the
        store fails.
    """
    objects = ObjectStore(required_url(url))
    objects.listing()  # a bucket that is not there would pass for a lease that is not
    return release_lease(objects)


def _require_order(command: str, folder: str | Path, url: str | Path) -> None:
    """Raise StudyError if a folder stands where the URL belongs, and the URL for the folder."""
    given = store_url(folder, StudyError)
    if given is None:
        return
    known = redacted(str(url))
    if store_url(url, StudyError) is not None:
        message = (
            f"{given} is a URL; expected a folder: of {command}'s two places one is on this "
            "machine. Pull into a folder, and push it."
        )
        raise StudyError(message)
    words = (known, given) if command == "push" else (given, known)
    first = "the folder first, then the URL" if command == "push" else "the URL first"
    message = (
        f"{given} is a URL and {printable(known)} is none; expected {first}. Run "
        f"`python -m runner {command} {' '.join(map(printable, words))}`."
    )
    raise StudyError(message)


def no_study(objects: ObjectStore) -> StudyError:
    """Return the error of a URL without a study."""
    return StudyError(
        f"{objects.url} has no study (plan.json is missing); expected one. Look at the URL, or run "
        f"`python -m runner push DIR {objects.url}`."
    )


def pulled(
    study: StudyFolder,
    objects: ObjectStore,
    state: ObjectState | None = None,
    *,
    gives_way: bool = False,
    distrusted: Container[str] = (),
) -> tuple[bool, Moved]:
    """Pull as `Pull` does, if there is a study; return whether there is, and what was pulled."""
    state = state or ObjectState.read(study, place(objects.url))
    before = study.path.exists()
    if before and not study.exists and not state.path.exists() and any(study.path.iterdir()):
        message = (
            f"{study.where} has files, but no study; expected a new or empty folder, or one with a "
            f"part of {objects.url}. Name another."
        )
        raise StudyError(message)
    objects.listing()  # what is wrong with the URL is told before a folder is made
    with locked(study) as lock:
        with study.writing():
            state.write()
            _mark(study).touch()
        if waiting := Log(study.waiting_path).whole():
            # what is lost of them is trained again, unless the store's log names it: see `Pull`
            bring_in(Writer(study, lock), waiting, objects)
        run = Pull(objects, study, lock, state, gives_way=gives_way, distrusted=distrusted)
        try:
            found = run.run()
        finally:
            end_of_pull(study)
    if not found and not before:
        # of a folder that was made for nothing, nothing is left
        for name in (".lock", state.path.name):
            with suppress(OSError):
                (study.path / name).unlink()
        with suppress(OSError):
            study.path.rmdir()
    return found, run.moved


def is_being_pulled(study: StudyFolder) -> bool:
    """Return whether the process that has a folder's lock pulls into it, so that it lacks a log."""
    return _mark(study).exists()


def end_of_pull(study: StudyFolder) -> None:
    """Remove what says that a folder is being pulled; a process that was killed has left it."""
    _mark(study).unlink(missing_ok=True)


def _mark(study: StudyFolder) -> Path:
    return study.path / ".objects.pull"


@contextmanager
def pushing(
    study: StudyFolder,
    objects: ObjectStore,
    *,
    replaces: bool = False,
    distrusted: Iterable[str] = (),
) -> Iterator[Push]:
    """Hold the lease of a URL, and yield what pushes to it; see `Push`.

    Raises
    ------
    StudyError
        If another client has the lease, or another process of this machine this folder's part.
    """

    def in_use() -> StudyError:
        return StudyError(
            f"{study.where} is being pushed by another process of this machine; expected one at a "
            "time. Wait until it ends."
        )

    lock = acquired(study, study.path / ".objects.lock", in_use)
    try:
        objects.listing()  # a bucket that is not there is told as such
        state = ObjectState.read(study, place(objects.url))
        with study.writing():
            state.write()  # before the lease, which nobody would know
        lease = Lease(objects, state.token)
        lease.take()
        run = Push(study, objects, state, lease, replaces=replaces, distrusted=distrusted)
        try:
            yield run
        except BaseException:
            with suppress(StudyError):  # a store that fails is not what has to be told
                lease.give_back()
            raise
        lease.give_back()
    finally:
        lock.release()
