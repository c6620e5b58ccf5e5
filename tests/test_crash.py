"""Die, or meet a refusing disk, at every single file operation of a sweep; then go on."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

import runner
from runner import damage, files
from runner.store import Store

EXPERIMENT = {
    "name": "crash",
    "restarts": 4,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}
OPERATIONS = ("open", "write", "fsync", "rename", "replace", "mkdir", "ftruncate")


class Died(BaseException):
    """The process ends here: nothing after this operation happens."""


class Disk:
    """Stands between `runner.files` and the operating system, and counts.

    At operation number ``at`` it does what ``fault`` says. ``lose`` drops, when the process dies,
    all that was written and renamed but not made durable with fsync.
    """

    def __init__(self, at: int | None, fault: str, *, lose: bool = False) -> None:
        self.count = 0
        self.at = at
        self.fault = fault
        self.lose = lose
        self.dead = False
        self.unsynced: dict[str, bytes | None] = {}
        self.renamed: list[tuple[str, str]] = []
        self.paths: dict[int, str] = {}

    def __getattr__(self, name: str):
        real = getattr(os, name)
        if name not in OPERATIONS:
            return real

        def operate(*arguments, **options):
            if self.dead:
                raise Died
            self.count += 1
            if self.count == self.at:
                self._fail(name, arguments)
            result = real(*arguments, **options)
            self._remember(name, arguments, result)
            return result

        return operate

    def _fail(self, name: str, arguments) -> None:
        if self.fault == "die":
            if name == "write":
                # half of it may have reached the disk
                os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            self.dead = True
            self._lose()
            raise Died
        raise OSError(getattr(errno, self.fault), os.strerror(getattr(errno, self.fault)))

    def _remember(self, name: str, arguments, result) -> None:
        if name == "open":
            path = os.fspath(arguments[0])
            self.paths[result] = path
            if os.path.isfile(path):
                self.unsynced.setdefault(path, Path(path).read_bytes())
        elif name == "fsync":
            path = self.paths.get(arguments[0], "")
            self.unsynced.pop(path, None)
            self.renamed = [r for r in self.renamed if os.path.dirname(r[1]) != path]
        elif name in ("rename", "replace"):
            source, target = map(os.fspath, arguments)
            self.renamed.append((source, target))

    def _lose(self) -> None:
        if not self.lose:
            return
        for source, target in reversed(self.renamed):
            if os.path.exists(target):
                os.rename(target, source)
        for path, before in self.unsynced.items():
            if before is not None and os.path.exists(path):
                Path(path).write_bytes(before)


@pytest.fixture(scope="module")
def whole(client, tmp_path_factory) -> dict[str, bytes]:
    return shards(sweep(tmp_path_factory.mktemp("crash") / "study", client))


def sweep(path: Path, client) -> Path:
    return runner.sweep(EXPERIMENT, path, client, batch_size=2).path


def shards(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (path / "shards").rglob("*") if p.is_file()}


def operations(path: Path, client, monkeypatch) -> int:
    disk = Disk(None, "")
    monkeypatch.setattr(files, "os", disk)
    sweep(path, client)
    monkeypatch.undo()
    shutil.rmtree(path)
    return disk.count


@pytest.mark.parametrize(
    ("fault", "lose"),
    [("die", False), ("die", True), ("ENOSPC", False), ("EIO", False), ("EROFS", False)],
)
def test_every_operation_can_fail(client, whole, tmp_path, monkeypatch, fault, lose) -> None:
    n = operations(tmp_path / "count", client, monkeypatch)
    assert n >= 30
    for at in range(1, n + 1):
        path = tmp_path / f"{at}"
        monkeypatch.setattr(files, "os", Disk(at, fault, lose=lose))
        expected = Died if fault == "die" else runner.StudyError
        with pytest.raises(expected):
            sweep(path, client)
        monkeypatch.undo()
        sweep(path, client)
        assert shards(path) == whole, f"operation {at}"
        assert not list(path.rglob(f"*{files.TEMPORARY}"))
        store = Store(path)
        assert damage.find(store, store.read_plan()[0]) == [], f"operation {at}"
        assert len(store.commits()) == 2
        shutil.rmtree(path)
