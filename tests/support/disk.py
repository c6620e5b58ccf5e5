"""A disk that fails or stops at its n-th operation, and what it would hold after a power cut.

Run as a program, it imports the runner once and forks a process for each line of JSON that it is
given: the process works on a study and ends with ``os._exit`` at the operation that it is told.
"""

from __future__ import annotations

import errno
import json
import os
import random
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DIED = 77
"""Exit code of a process that ended at its operation."""

OPERATIONS = (
    *("open", "write", "fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "ftruncate"),
    *("remove", "truncate", "link", "symlink"),
)


class Disk:
    """Stands before the functions of ``os`` that change what is under a folder, and counts them.

    At operation number ``at`` it does what ``fault`` says: ``die`` ends the process there, an
    errno's name is raised. With ``lasting``, every later operation fails in the same way.

    Operations of threads come one after the other.

    It also keeps account of what has been made durable: a file's content by fsync of the file, a
    name by fsync of its folder. ``lost`` writes what is certain to be there after a power cut;
    with a generator, also a random part of what was on its way. A file that another process has
    written is durable, and not its name: workers sync what they stage before they tell of it.
    """

    def __init__(self, root: Path, at: int = 0, fault: str = "", *, lasting: bool = False) -> None:
        self.root = os.path.abspath(root)
        self.at = at
        self.fault = fault
        self.lasting = lasting
        self.count = 0
        self.one_at_a_time = threading.RLock()
        self.seen: set[str] = set()
        self.struck = ""  # what the operation was about that failed first
        self.at_end: Callable[[], None] = lambda: None
        self.real = {name: getattr(os, name) for name in (*OPERATIONS, "close")}
        self.open_paths: dict[int, str] = {}
        # path -> number of the file; number -> content
        self.live: dict[str, int] = {}
        self.content: dict[int, bytes] = {}
        self.folders: set[str] = set()
        for folder, _, names in os.walk(self.root):
            self.folders.add(folder)
            for name in names:
                path = os.path.join(folder, name)
                self._create(path)
                self.content[self.live[path]] = Path(path).read_bytes()
        self.durable = dict(self.live)
        self.durable_folders = {*self.folders, self.root}

    @contextmanager
    def installed(self) -> Iterator[Disk]:
        for name in OPERATIONS:
            setattr(os, name, self._instead_of(name))
        os.close = self._close
        try:
            yield self
        finally:
            for name, real in self.real.items():
                setattr(os, name, real)

    def _instead_of(self, name: str) -> Callable[..., Any]:
        real = self.real[name]

        def operate(*arguments: Any, **options: Any) -> Any:
            with self.one_at_a_time:
                return operate_alone(*arguments, **options)

        def operate_alone(*arguments: Any, **options: Any) -> Any:
            paths = self._paths(name, arguments, options)
            if not any(p == self.root or p.startswith(self.root + os.sep) for p in paths):
                return real(*arguments, **options)
            if name == "open" and not arguments[1] & (os.O_CREAT | os.O_TRUNC):
                result = real(*arguments, **options)  # changes nothing
                self.open_paths[result] = paths[0]
                return result
            self.count += 1
            self.seen |= set(paths)
            if self.count == self.at or (self.lasting and self.count > self.at > 0):
                self.struck = self.struck or f"{name} {paths[0]}"
                self._fail(name, arguments)
            existed = os.path.lexists(paths[0])
            if existed and os.path.isfile(paths[0]) and paths[0] not in self.live:
                self._create(paths[0])
                self.content[self.live[paths[0]]] = Path(paths[0]).read_bytes()
            result = real(*arguments, **options)
            self._remember(name, paths, result, existed)
            return result

        return operate

    def _close(self, descriptor: int) -> None:
        with self.one_at_a_time:
            self.open_paths.pop(descriptor, None)
            self.real["close"](descriptor)

    def _paths(self, name: str, arguments: Any, options: Any) -> list[str]:
        if name in ("write", "fsync", "ftruncate"):
            return [self.open_paths.get(arguments[0], "")]
        base = self.open_paths.get(options.get("dir_fd") or -1, os.getcwd())
        n = 2 if name in ("rename", "replace", "link", "symlink") else 1
        texts = [os.fsdecode(a) for a in arguments[:n] if not isinstance(a, int)]
        return [os.path.normpath(os.path.join(base, text)) for text in texts] or [""]

    def _fail(self, name: str, arguments: Any) -> None:
        if self.fault != "die":
            raise OSError(getattr(errno, self.fault), os.strerror(getattr(errno, self.fault)))
        if name == "write":  # half of it may have reached the disk
            self.real["write"](arguments[0], arguments[1][: len(arguments[1]) // 2])
        self.at_end()
        os._exit(DIED)

    def _create(self, path: str) -> None:
        self.live[path] = len(self.content)
        self.content[self.live[path]] = b""

    def _remember(self, name: str, paths: list[str], result: Any, existed: bool) -> None:
        path = paths[0]
        if name == "open":
            self.open_paths[result] = path
            if not existed:
                self._create(path)
        elif name == "fsync" and path in self.folders:
            inside = self._inside(self.durable, path)
            self.durable = {p: n for p, n in self.durable.items() if p not in inside}
            self.durable |= self._inside(self.live, path)
            here = {f for f in self.folders if os.path.dirname(f) == path}
            gone = {f for f in self.durable_folders if os.path.dirname(f) == path} - here
            self.durable_folders = (self.durable_folders - gone) | here
        elif name == "fsync":
            self.content[self.live[path]] = Path(path).read_bytes()
        elif name in ("rename", "replace"):
            self.live[paths[1]] = self.live.pop(path)
        elif name == "link":
            self.live[paths[1]] = self.live[path]
        elif name in ("unlink", "remove"):
            self.live.pop(path)
        elif name == "mkdir":
            self.folders.add(path)
        elif name == "rmdir":
            self.folders.discard(path)

    @staticmethod
    def _inside(names: dict[str, int], folder: str) -> dict[str, int]:
        return {p: n for p, n in names.items() if os.path.dirname(p) == folder}

    def lost(self, target: Path, rng: random.Random | None = None) -> None:
        """Write what a power cut leaves of the folder; with ``rng`` also some of the rest."""
        names, folders = dict(self.durable), set(self.durable_folders)
        if rng is not None:
            for folder in sorted(self.folders | folders):
                if rng.random() < 0.5:  # the folder's names had been written after all
                    for path in self._inside(names, folder):
                        names.pop(path)
                    names |= self._inside(self.live, folder)
                    if folder in self.folders:
                        folders.add(folder)
        target.mkdir()
        for folder in sorted(folders):
            reached = folder == self.root or os.path.dirname(folder) in folders
            if not reached:
                continue
            Path(target, os.path.relpath(folder, self.root)).mkdir(exist_ok=True)
        for path, number in names.items():
            content = self.content[number]
            if rng is not None and rng.random() < 0.5 and self.live.get(path) == number:
                content = Path(path).read_bytes()
            place = Path(target, os.path.relpath(path, self.root))
            if place.parent.is_dir():
                place.write_bytes(content)


class Witness:
    """What Python itself tells of changes under a folder, whoever makes them."""

    EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link")

    def __init__(self, root: Path) -> None:
        self.root = os.path.abspath(root)
        self.names: set[str] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if isinstance(path, int) or not writes:
                return
        elif event not in self.EVENTS or isinstance(arguments[0], int):
            return
        path = os.path.abspath(os.fsdecode(arguments[0]))
        # a name within an open folder is all that there is of some
        within = path.startswith(self.root + os.sep)
        if within or (os.path.dirname(path) == os.getcwd() and event != "open"):
            self.names.add(os.path.basename(path))


def work(request: dict[str, Any], actions: dict[str, Callable[..., Any]]) -> None:
    """Do what is asked for, and end at the operation that is asked for."""
    path = Path(request["path"])
    disk = Disk(path, request["at"], "die")

    def at_end() -> None:
        disk.lost(path.with_name("lost"))
        disk.lost(path.with_name("mixed"), random.Random(disk.at))

    disk.at_end = at_end
    witness = None if request["at"] else Witness(path)
    before = {p.name for p in path.rglob("*")}
    with disk.installed():
        actions[request["action"]](
            *request["before"], path, scheduler=request["address"], **request["options"]
        )
    if witness is not None:
        seen = {os.path.basename(name) for name in disk.seen}
        made = {p.name for p in path.rglob("*")} - before
        unseen = (witness.names | made) - seen
        if unseen or not witness.names:
            message = f"not seen: {unseen}, of {len(witness.names)} names"
            raise AssertionError(message)
    print(f"done {disk.count}", flush=True)


def main() -> None:
    """Serve requests ``{action, path, at, ...}``: ``died``, ``done COUNT`` or ``failed``."""
    import runner
    import runner.dispatch.sweep
    import runner.landscape.analysis
    import runner.precision.rounds
    import runner.precision.sweep
    import runner.training.worker  # every forked process would import it itself

    actions: dict[str, Callable[..., Any]] = {
        "sweep": runner.sweep,
        "analyze": runner.analyze,
        "repair": runner.dispatch.sweep.repair,
    }
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid:
            _, status = os.waitpid(pid, 0)
            if os.waitstatus_to_exitcode(status) == DIED:
                print("died", flush=True)  # not before: until then it holds the study
            continue
        try:
            work(json.loads(line), actions)
        except BaseException:
            traceback.print_exc()
            print("failed", flush=True)
        os._exit(0)


if __name__ == "__main__":
    main()
