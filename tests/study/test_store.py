"""The study folder: commits, the log, the lock, and what is refused."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from filelock import FileLock
from support.crafted import crafted
from support.stores import begun

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.content_hash import digest
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import commits, damage, folder, hashed_json
from runner.study import lock as study_lock
from runner.study.commits import Commit, Failure
from runner.study.store import Store
from runner.study.writer import Writer

ROOT = Path(__file__).parents[2]
BATCH = Batch(0, 0, 10)


def plan(**changes) -> Plan:
    return Plan(
        load_experiment({"name": "t", "restarts": 10, "problem": {"gate": "XOR"}} | changes)
    )


@pytest.fixture
def store(tmp_path) -> Store:
    return begun(tmp_path / "study", plan())


def test_a_commit_is_read_back(store) -> None:
    failures = [Failure(3, "ValueError: no", "Traceback …")]
    with store.writer() as writer:
        made = writer.commit(BATCH, b"shard", 9, failures)
    assert store.commits() == [made]
    assert made.failures == tuple(failures)
    assert store.shard_path(BATCH).read_bytes() == b"shard"
    assert Commit.parse(made.line()) == made


def test_a_torn_last_line_did_not_happen(store) -> None:
    with store.writer() as writer:
        made = writer.commit(BATCH, b"shard", 10, [])
    whole = store.log.path.read_bytes()
    for cut in range(len(whole)):
        store.log.path.write_bytes(whole + whole[:cut])
        assert store.commits() == [made]
        with store.writer():
            pass
        assert store.log.path.read_bytes() == whole


def test_a_damaged_line_is_named(store) -> None:
    store.log.path.write_bytes(b'{"batch": 3}\n')
    with pytest.raises(StudyError, match=r"line 1 is damaged.* runner verify"):
        store.commits()


def test_the_same_batch_with_other_bytes_is_an_alarm(store) -> None:
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])
    with pytest.raises(StudyError, match="another SHA-256"), store.writer() as writer:
        writer.commit(BATCH, b"other", 10, [])
    assert store.shard_path(BATCH).read_bytes() == b"shard"
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])  # as after a crash before the log's line
    assert len(store.commits()) == 1


def test_nothing_is_written_once_the_lock_is_given_back(store) -> None:
    with store.locked() as lock, store.writing():
        damage.repair(store, lock, plan(), [])
    with store.writer() as writer:
        pass
    before = {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()}
    for write in (
        lambda: writer.commit(BATCH, b"shard", 10, []),
        lambda: writer.create(plan()),
        writer.clear,
        lambda: writer.record({}),
        lambda: writer.record_audit({}),
        lambda: damage.repair(store, lock, plan(), []),
    ):
        with pytest.raises(RuntimeError, match="written to without its lock"):
            write()
    after = {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file()}
    assert after == before


def test_the_lock_of_another_folder_is_none(store, tmp_path) -> None:
    with Store(tmp_path / "other").locked() as lock:
        for write in (
            lambda: Writer(store, lock).commit(BATCH, b"shard", 10, []),
            lambda: damage.repair(store, lock, plan(), []),
        ):
            with pytest.raises(RuntimeError, match=r"written to with the lock of .*other\.$"):
                write()
    with store.locked() as lock:  # the same folder by another name is the same folder
        damage.repair(Store(os.path.relpath(store.path)), lock, plan(), [])


def test_a_writer_refuses_a_damaged_log_that_a_repair_may_mend(store) -> None:
    store.log_path.write_bytes(b"nonsense\n")
    with pytest.raises(StudyError, match="line 1 is damaged"), store.writer():
        pass
    with store.locked() as lock, store.writing():
        damage.repair(store, lock, plan(), damage.find(store, plan()))
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])


def test_a_plan_is_read_back_in_the_order_of_its_grid(tmp_path) -> None:
    grid = {"problem.gate": ["XOR", "AND"], "network.hidden": [[2], []]}
    store = Store(tmp_path)
    first = plan(grid=grid)
    with store.writer() as writer:
        writer.create(first)
    again, versions = store.read_plan()
    assert [c.point for c in again.configurations] == [c.point for c in first.configurations]
    assert list(again.experiment.grid) == list(grid)
    assert "pytensor" in versions
    assert store.differences(first) == []


def test_what_differs_is_named(store) -> None:
    assert store.differences(plan(seed=4, init={"scale": 2.0})) == [
        "seed was 1990, now 4",
        "init.scale was 1.0, now 2.0",
    ]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b'{"sha256": "0"}', b"\xff\xfe", b'{"format": 1, "sha256": "0"}'],
)
def test_a_damaged_plan_is_refused(store, damage) -> None:
    store.plan_path.write_bytes(damage)
    with pytest.raises(StudyError, match=r"plan.json is damaged"):
        store.read_plan()


def test_a_changed_plan_is_refused(store) -> None:
    content = json.loads(store.plan_path.read_text())
    content["plan"]["experiment"]["seed"] = 5
    store.plan_path.write_text(json.dumps(content))
    with pytest.raises(StudyError, match="does not match its SHA-256"):
        store.read_plan()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("plan",), []),
        (("plan", "engine"), "torch"),
        (("plan", "engine"), ["pytensor"]),
        (("plan", "batch_size"), 0),
        (("plan", "batch_size"), -1),
        (("plan", "batch_size"), 1e308),
        (("plan", "batch_size"), "10"),
        (("plan", "batch_sizes"), [10**12]),
        (("plan", "curves"), 10**12),
        (("plan", "tables"), None),
        (("plan", "tables"), {"False|x.csv": {}}),
        (("plan", "experiment"), "/etc/hostname"),
        (("plan", "experiment", "name"), "../../up"),
        (("plan", "experiment", "restarts"), 10**30),
        (("plan", "experiment", "problem"), {"table": "/etc/hostname"}),
        (("versions",), None),
    ],
)
def test_a_plan_that_is_whole_but_strange_is_refused(store, path, value) -> None:
    content = json.loads(store.plan_path.read_text())
    content.pop("sha256")
    *parents, last = path
    inner = content
    for key in parents:
        inner = inner[key]
    inner[last] = value
    store.plan_path.write_text(json.dumps(content | {"sha256": digest(content)}))
    with pytest.raises(
        StudyError, match=r"plan\.json is (damaged|whole, but not a plan)"
    ) as caught:
        store.read_plan()
    assert "\n" not in str(caught.value)


def test_a_log_whose_plan_is_gone_is_not_taken_for_the_next_ones(store) -> None:
    with store.writer() as writer:
        writer.commit(BATCH, b"shard", 10, [])
    store.plan_path.unlink()
    with (
        pytest.raises(StudyError, match=r"the plan\.json that it belongs to is gone"),
        store.writer() as writer,
    ):
        writer.create(plan())
    with store.writer() as writer:
        writer.clear()
        writer.create(plan())


def test_no_study_says_how_to_make_one(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StudyError, match=r"no study here .* runner sweep"):
            Store(path).read_plan()
    study = crafted(tmp_path / "s", {0: [9]}, {0: [True]}).path
    with pytest.raises(StudyError, match=rf"\(it is a file\).* Give {study}\."):
        Store(study / "plan.json").read_plan()


def is_finished(folder: Path) -> bool:
    """Whether nothing is left to train."""
    store = Store(folder)
    return store.exists and not store.remaining(store.read_plan()[0])


def test_a_study_is_finished_when_every_batch_has_its_shard(tmp_path) -> None:
    assert not is_finished(tmp_path / "nowhere")
    unfinished = crafted(tmp_path / "u", {0: [9, 9]}, {0: [True, True]}, commit=False)
    assert not is_finished(unfinished.path)
    done = crafted(tmp_path / "d", {0: [9, 9]}, {0: [True, True]}, failed=(1,))
    assert is_finished(done.path)
    (shard,) = (done.path / "shards").rglob("*.parquet")
    shard.unlink()
    assert not is_finished(done.path)


def test_the_lock_names_its_holder_and_ends_with_it(store) -> None:
    code = (
        "import sys; from runner.study.store import Store\n"
        "with Store(sys.argv[1]).locked():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StudyError, match=rf"in use by process {holder.pid} "), store.locked():
            pass
        holder.kill()
    with store.locked():
        assert store.lock_path.exists()


def test_a_dead_process_whose_name_was_left_is_not_named(store, monkeypatch) -> None:
    """Between one's lock and its name in the file, the name there is of who held it before."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    monkeypatch.setattr(study_lock, "_HOLDER_S", 0.0)
    for pid, said in ((dead.pid, "another process"), (os.getpid(), f"process {os.getpid()} on ")):
        with FileLock(store.lock_path):
            store.holder_path.write_text(f"process {pid} on {socket.gethostname()}")
            with pytest.raises(StudyError, match=f"in use by {said}"), store.locked():
                pass


CONTENDER = """
import sys
from runner.errors import StudyError
from runner.study.store import Store
print("ready", flush=True)
for line in sys.stdin:
    try:
        with Store(line.strip()).locked():
            print("won", flush=True)
            sys.stdin.readline()
    except StudyError as error:
        print(error, flush=True)
        sys.stdin.readline()
    print("out", flush=True)
"""


def test_of_many_that_want_a_study_one_wins_and_the_others_name_it(tmp_path) -> None:
    n_races, n_contenders = 1000, 4
    contenders = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(n_contenders)
    ]

    def tell(text: str) -> list[str]:
        for contender in contenders:
            contender.stdin.write(f"{text}\n")
            contender.stdin.flush()
        return [contender.stdout.readline().strip() for contender in contenders]

    try:
        assert [contender.stdout.readline() for contender in contenders] == ["ready\n"] * 4
        for race in range(n_races):
            study = tmp_path / str(race % 50)  # the first fifty are made by whoever comes first
            if race >= 50 and race % 10 == 9:
                # what a process that was killed has left must not be taken for the winner
                holder = Store(study).holder_path
                holder.write_text(f"process 999999999 on {socket.gethostname()}")
            answers = tell(str(study))
            winner = contenders[answers.index("won")]
            losers = [answer for answer in answers if answer != "won"]
            assert len(losers) == n_contenders - 1
            assert all(f"in use by process {winner.pid} on " in answer for answer in losers)
            assert tell("") == ["out"] * n_contenders
    finally:
        for contender in contenders:
            contender.kill()
            contender.communicate()


def test_temporary_files_of_a_crash_are_removed(store) -> None:
    left = store.shards_path / "0000" / "x.parquet.tmp"
    left.parent.mkdir()
    left.write_bytes(b"half")
    with store.locked():
        assert not left.exists()


def test_clearing_removes_only_what_a_study_made(store) -> None:
    foreign = store.path / "notes.txt"
    foreign.write_text("mine")
    with store.writer() as writer:
        writer.clear()
    assert foreign.read_text() == "mine"
    assert not store.exists
    assert not store.shards_path.exists()


def test_a_folder_that_is_no_study_loses_nothing(tmp_path) -> None:
    theirs = ["thesis.tmp", "deep/x.tmp", "shards/a.parquet", "shards/b.tmp", "tables/c.csv"]
    theirs += ["telemetry/d", "report.html", "quarantine/1-x.tmp"]
    for name in theirs:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    store = Store(tmp_path)
    with store.writer() as writer:
        writer.clear()
    assert all((tmp_path / name).read_text() == "mine" for name in theirs)
    (tmp_path / "experiment.toml").write_text("mine")
    with (
        pytest.raises(StudyError, match=r"experiment\.toml is there, but no study"),
        store.writer() as writer,
    ):
        writer.create(plan())
    assert (tmp_path / "experiment.toml").read_text() == "mine"
    (tmp_path / "experiment.toml").rename(tmp_path.with_suffix(".toml"))
    (tmp_path / "experiment.toml").symlink_to(tmp_path.with_suffix(".toml"))
    with pytest.raises(StudyError, match="symbolic link"), store.writer() as writer:
        writer.create(plan())


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("commits.jsonl", Store.commits),
        ("commits.jsonl", lambda store: damage.find(store, plan())),
        ("telemetry/audit.jsonl", Store.audits),
    ],
)
def test_a_log_larger_than_any_study_makes_is_not_read(store, name, read, monkeypatch) -> None:
    assert commits.MAX_BYTES == folder._MOST_TELEMETRY == 2**30
    # a smaller bound, so that code without it fails here, and does not read for minutes
    monkeypatch.setattr(commits, "MAX_BYTES", 2**25)
    monkeypatch.setattr(folder, "_MOST_TELEMETRY", 2**25)
    path = store.path / name
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.truncate(2**25 + 1)  # which takes no room on the disk
    tracemalloc.start()
    try:
        with pytest.raises(StudyError, match=r"has 33,554,433 bytes; expected at most 33,554,432"):
            read(store)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_plan_larger_than_any_is_refused(store, monkeypatch) -> None:
    assert store.read_plan()
    monkeypatch.setattr(hashed_json, "MAX_BYTES", store.plan_path.stat().st_size - 1)
    with pytest.raises(StudyError, match="damaged"):
        store.read_plan()


def test_a_plan_from_elsewhere_has_no_other_file_read(store, tmp_path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,y\n0,password\n")
    content = json.loads(store.plan_path.read_text())
    content.pop("sha256")
    content["plan"]["experiment"]["problem"] = {"table": str(secret)}
    content["plan"]["tables"] = None
    store.plan_path.write_text(json.dumps(content | {"sha256": digest(content)}))
    with pytest.raises(StudyError, match="not a plan") as caught:
        store.read_plan()
    assert "password" not in str(caught.value)


def test_a_file_in_the_way_is_named(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(StudyError, match="is a file; expected a folder"), Store(path).locked():
        pass
