"""Die, or meet a refusing disk, at every single file operation of a study's life; then go on."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from support.disk import Disk

import runner
from runner.dispatch.sweep import repair
from runner.study import damage, files
from runner.study.store import Store

ROOT = Path(__file__).parents[2]
EXPERIMENT = {
    "name": "crash",
    "restarts": 4,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}
BATCHES = {"batch_size": 2}
STEP = int(os.environ.get("RUNNER_CRASH_STEP", "6"))
"""Every how many operations; `make crash` tries each of them."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Workers as threads of this process, reached over TCP from the processes that die."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        resources={"CPU": 1},
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def here(cluster) -> Iterator[Client]:
    with Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def whole(here, tmp_path_factory) -> Path:
    """An undisturbed study, analysed; nothing may change it."""
    path = tmp_path_factory.mktemp("crash") / "whole"
    runner.sweep(EXPERIMENT, path, here, **BATCHES)
    runner.analyze(path, here)
    return path


@pytest.fixture(scope="module")
def dies(cluster) -> Iterator[Callable[..., int]]:
    """Run something in a process that ends at its n-th operation.

    If it comes to its end before, as with n = 0, how many operations there were is returned, else
    0: what is committed together goes by when it comes, and so does the number of operations.
    """
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "support" / "disk.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as server:
        assert server.stdout.readline() == "ready\n"

        def run(action: str, path: Path, at: int, *before: object, **options: object) -> int:
            request = {"action": action, "path": str(path), "at": at, "before": before}
            request |= {"address": cluster.scheduler_address, "options": options}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            answer, _, count = server.stdout.readline().strip().partition(" ")
            assert answer in ("died", "done")
            assert answer == "done" or at
            return int(count or 0)

        yield run
        server.stdin.close()


def contents(path: Path) -> dict[str, bytes]:
    """Every file that a study is made of, but for the order of the log's lines."""
    apart = (".lock", "telemetry", "quarantine")
    found = {
        str(p.relative_to(path)): p.read_bytes()
        for p in path.rglob("*")
        if p.is_file() and p.relative_to(path).parts[0] not in apart
    }
    log = found.pop("commits.jsonl", b"").splitlines()
    assert len(log) == len(set(log))
    return found | {"commits.jsonl": b"\n".join(sorted(log))}


def without_tables(whole: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(whole).items() if not name.startswith("tables")}


def agree(path: Path, whole: dict[str, bytes]) -> None:
    """Assert that a study is whole, and that log and folder agree."""
    store = Store(path)
    assert contents(path) == whole
    assert not list(path.rglob(f"*{files.TEMPORARY}"))
    assert damage.find(store, store.read_plan()[0]) == []


class Going:
    """Goes on from what a stop has left, once from every state that differs."""

    def __init__(self, go_on: Callable[[Path], object], check: Callable[[Path], None]) -> None:
        self.go_on = go_on
        self.check = check
        self.seen: set[str] = set()

    def __call__(self, path: Path) -> None:
        digest = hashlib.sha256()
        for p in sorted(path.rglob("*")):
            # the lock's holder is a process's number, which makes no other state
            own = p.is_file() and not p.name.startswith(Store(path).holder_path.name)
            digest.update(f"{p.relative_to(path)} {p.is_dir()}\0".encode())
            digest.update(hashlib.sha256(p.read_bytes() if own else b"").digest())
        if digest.hexdigest() not in self.seen:
            self.seen.add(digest.hexdigest())
            self.go_on(path)
            self.check(path)


def die_everywhere(
    base: Path,
    die: Callable[[Path, int], int],
    going: Going,
    before: Path | None = None,
    step: int = STEP,
) -> int:
    """Die at each operation in turn; go on from what is there, and from what a power cut leaves.

    Returns
    -------
    int
        How many operations there are.
    """

    def fresh(at: int) -> Path:
        path = base / str(at) / "study"
        path.parent.mkdir(parents=True)
        if before is not None:
            shutil.copytree(before, path)
        return path

    undisturbed = fresh(0)
    n = die(undisturbed, 0)
    going.check(undisturbed)
    ends = []
    for at in range(1, n + 1, step):
        path = fresh(at)
        ends.append(die(path, at))
        for left in sorted(path.parent.iterdir()):
            going(left)
        shutil.rmtree(path.parent)
    assert ends.count(0) > len(ends) / 2  # and others died
    return n


@pytest.fixture
def tell(capsys) -> Callable[[str], None]:
    """Print what was counted, for docs/reliability.md: `make test ARGS=-v`."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f" {text}", end="")

    return say


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_a_sweep_can_die_at_every_operation(dies, whole, here, tmp_path, tell, shared) -> None:
    expected, options = without_tables(whole), BATCHES | {"shared": shared}
    going = Going(
        lambda path: runner.sweep(EXPERIMENT, path, here, **options),
        lambda path: agree(path, expected),
    )
    n = die_everywhere(
        tmp_path, lambda path, at: dies("sweep", path, at, EXPERIMENT, **options), going
    )
    tell(f"{n} operations, {len(going.seen)} states")
    assert n >= 40


def test_rounds_can_die_at_every_operation(dies, here, tmp_path, tell) -> None:
    half = {"problem": {"gate": "OR"}, "training": {"max_steps": 20}}  # are solved
    many, options = EXPERIMENT | half | {"restarts": 99}, {"success_rate": 0.2, "batch_size": 16}
    study = runner.sweep(many, tmp_path / "whole", here, **options)
    assert len(study.plan.rounds) >= 3
    expected = contents(study.path)
    going = Going(
        lambda path: runner.sweep(many, path, here, **options), lambda path: agree(path, expected)
    )

    def die(path: Path, at: int) -> int:
        return dies("sweep", path, at, many, **options)

    # what a round does to a folder, a growth below does too; so fewer here
    n = die_everywhere(tmp_path, die, going, step=STEP**2)
    tell(f"{n} operations, {len(going.seen)} states")
    assert n >= 40


def test_a_growth_can_die_at_every_operation(dies, here, tmp_path, tell) -> None:
    before, whole = tmp_path / "before", tmp_path / "whole"
    runner.sweep(EXPERIMENT, before, here, **BATCHES)
    shutil.copytree(before, whole)
    more = EXPERIMENT | {"restarts": 5, "grid": {"problem.gate": ["OR", "AND"]}}
    runner.sweep(more, whole, here, **BATCHES)
    expected = contents(whole)
    going = Going(
        lambda path: runner.sweep(more, path, here, **BATCHES), lambda path: agree(path, expected)
    )
    n = die_everywhere(
        tmp_path / "d", lambda path, at: dies("sweep", path, at, more, **BATCHES), going, before
    )
    tell(f"{n} operations, {len(going.seen)} states")
    assert n >= 40


def test_an_overwriting_sweep_can_die_at_every_operation(dies, whole, here, tmp_path, tell) -> None:
    old = tmp_path / "old"
    runner.sweep(EXPERIMENT | {"seed": 7}, old, here, **BATCHES)
    expected = without_tables(whole)

    def go_on(path: Path) -> None:
        # without --overwrite: right, or refused; never a study that is partly the old one
        try:
            runner.sweep(EXPERIMENT, path, here, **BATCHES)
        except runner.StudyError:
            runner.sweep(EXPERIMENT, path, here, overwrite=True, **BATCHES)

    going = Going(go_on, lambda path: agree(path, expected))
    options = BATCHES | {"overwrite": True}
    n = die_everywhere(
        tmp_path / "d", lambda path, at: dies("sweep", path, at, EXPERIMENT, **options), going, old
    )
    tell(f"{n} operations, {len(going.seen)} states")
    assert n >= 40


def test_an_analysis_can_die_at_every_operation(dies, whole, here, tmp_path, tell) -> None:
    before = tmp_path / "before"
    shutil.copytree(whole, before)
    shutil.rmtree(before / "tables")
    expected = contents(whole)
    going = Going(lambda path: runner.analyze(path, here), lambda path: agree(path, expected))
    n = die_everywhere(tmp_path / "d", lambda path, at: dies("analyze", path, at), going, before)
    tell(f"{n} operations, {len(going.seen)} states")
    assert n >= 40


def test_a_repair_can_die_at_every_operation(dies, whole, here, tmp_path, tell) -> None:
    before = tmp_path / "before"
    shutil.copytree(whole, before)
    shutil.rmtree(before / "tables")
    first, second = sorted((before / "shards").rglob("*.parquet"))
    harmed = [b"damaged", b"a stranger", b"half a line"]
    first.write_bytes(harmed[0])
    second.with_name("stranger").write_bytes(harmed[1])
    log = before / "commits.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0] + harmed[2] + b"\n")
    expected = without_tables(whole)

    def check(path: Path) -> None:
        agree(path, expected)
        kept = b"\0".join(p.read_bytes() for p in path.rglob("*") if p.is_file())
        assert [data for data in harmed if data not in kept] == []

    going = Going(lambda path: repair(path, client=here), check)
    n = die_everywhere(tmp_path / "d", lambda path, at: dies("repair", path, at), going, before)
    tell(f"{n} operations, {len(going.seen)} states")
    assert n >= 40


@pytest.mark.parametrize("fault", ["ENOSPC", "EIO", "EROFS"])
@pytest.mark.parametrize(
    ("grows", "shared"),
    [(False, False), (True, False), (False, True)],
    ids=["a sweep", "a growth", "a sweep, shared"],
)
def test_a_disk_can_refuse_every_operation(
    whole, here, tmp_path, tell, fault, grows, shared
) -> None:
    asked = EXPERIMENT | {"restarts": 6} if grows else EXPERIMENT
    before, options = tmp_path / "before", BATCHES | {"shared": shared}
    runner.sweep(EXPERIMENT, before, here, **BATCHES)
    shutil.copytree(before, tmp_path / "whole")
    expected = contents(runner.sweep(asked, tmp_path / "whole", here, **BATCHES).path)
    going = Going(
        lambda path: runner.sweep(asked, path, here, **options),
        lambda path: agree(path, expected),
    )
    for at in itertools.count(1, STEP):
        path = tmp_path / str(at)
        if grows:
            shutil.copytree(before, path)
        # a disk that has turned read-only stays so
        disk = Disk(path, at, fault, lasting=fault == "EROFS")
        reason = ""
        try:
            with disk.installed():
                runner.sweep(asked, path, here, **options)
        except runner.StudyError as error:
            reason = str(error)
        if reason:
            assert "cannot write" in reason
        else:
            # Nothing was refused, or the name of the lock's holder, or filelock's asking for the
            # folder that is there already; or what a worker has written again, or what stays in
            # the folder for staged shards until that is locked the next time.
            staged = f" {path}/staging/" in disk.struck
            holder = Store(path).holder_path
            others = (holder.name, f"mkdir {path}", f" {path}/staging")
            assert disk.count < at or staged or disk.struck.endswith(others)
            holder.unlink(missing_ok=True)
            if "/staging" not in disk.struck:
                agree(path, expected)
        if path.exists():
            going(path)
            shutil.rmtree(path)
        if disk.count < at:
            break
    tell(f"{disk.count} operations, {len(going.seen)} states")
    assert at > 30
