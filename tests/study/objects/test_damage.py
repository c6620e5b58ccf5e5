"""What is damaged in a store is found and put right, whatever fails meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.s3_server import EXPERIMENT, URL, S3Server
from typer.testing import CliRunner, Result

import runner
from runner.cli.app import app
from runner.study.commits import Commit
from runner.study.folder import read_telemetry
from runner.study.objects import object_store
from runner.study.objects.url_copy import copy_of

STUDIES = Path(__file__).parents[2] / "support" / "studies"
BELOW = "studies/some/gates/"
SHARDS = [f"shards/0000/{k:012d}-{k + 1:012d}.parquet" for k in range(4)]
LOG = "commits.jsonl"


@pytest.fixture(autouse=True)
def commands_use_the_scheduler(scheduler, monkeypatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)


@pytest.fixture(scope="module")
def whole(client, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("damage") / "whole"
    runner.sweep(EXPERIMENT, path, client, batch_size=1)
    return path


@pytest.fixture
def pushed(server, whole, tmp_path) -> dict[str, bytes]:
    """What is at the URL, pushed from a folder that is gone."""
    study = Path(shutil.copytree(whole, tmp_path / "study"))
    runner.push(study, URL)
    shutil.rmtree(study)
    return server.below("some/gates")


def ran(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def changed(data: bytes) -> bytes:
    return data[:50] + bytes([data[50] ^ 1]) + data[51:]


def damage(server: S3Server, name: str, change: Callable[[bytes], bytes]) -> bytes:
    server.objects[BELOW + name] = change(server.objects[BELOW + name])
    return server.objects[BELOW + name]


def committed(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Shards and the log, whose lines have no certain order."""
    found = {name: data for name, data in objects.items() if name.startswith("shards/")}
    return found | {LOG: b"\n".join(sorted(objects[LOG].splitlines()))}


@pytest.mark.parametrize("is_here", [True, False])
def test_damaged_objects_are_named_and_replaced(server, pushed, tmp_path, is_here) -> None:
    if is_here:
        assert ran("status", URL).exit_code == 0  # pulls
    # of the batch whose line is gone, the shard is what is trained again, or not
    unnamed = f"shards/{Commit.parse(pushed[LOG].decode().splitlines()[0]).batch.name}.parquet"
    truncated, missing = [name for name in SHARDS if name != unnamed][:2]
    bad = damage(server, unnamed, changed)
    short = damage(server, truncated, lambda data: data[:-1])
    del server.objects[BELOW + missing]
    lines = damage(server, LOG, changed)
    before = dict(server.objects)
    found = ran("verify", URL)
    assert found.exit_code == 3
    problems = found.stderr.replace("\n", " ")
    for told in (
        f"{URL}: {LOG} has a line 1 that is damaged",
        f"{truncated} is damaged (its size is not the log's)",
        f"{missing} is missing",
        f"python -m runner verify {URL} --repair",
    ):
        assert told in problems
    assert server.objects == before
    assert unnamed not in problems
    repaired = ran("verify", URL, "--repair")
    assert repaired.exit_code == 0, repaired.stderr
    assert "Repaired: " in repaired.stdout
    n_trained = len(read_telemetry(copy_of(URL) / "telemetry" / "batches.jsonl"))
    assert n_trained == (4 if is_here else 7)  # with a whole copy, nothing is trained again
    assert committed(server.below("some/gates")) == committed(pushed)
    assert server.is_free("some/gates")
    kept = {path.read_bytes() for path in (copy_of(URL) / "quarantine").iterdir()}
    assert {short, lines} <= kept
    assert bad not in server.objects.values()
    assert ran("verify", URL).stdout == "Every file is as the log says.\n"
    assert runner.pull(URL, tmp_path / "pulled").files == len(server.below("some/gates"))


def test_readers_of_a_damaged_store_are_told_the_command(server, pushed) -> None:
    for name in (SHARDS[3], LOG):
        damage(server, name, changed)
        done = ran("summary", URL)
        assert done.exit_code == 3
        assert f"Run `python -m runner verify {URL} --repair`." in done.stderr
        assert done.stderr.count("\n") == 1
    assert ran("verify", "s3://studies/none").stderr.startswith("s3://studies/none has no study")


def test_a_repair_can_fail_at_every_write(server, pushed, monkeypatch, tmp_path) -> None:
    """And the same command goes on, here or on a machine that knows nothing of it."""
    monkeypatch.setattr(object_store, "_RETRIES", 0)
    for at in range(1, 20):
        server.objects |= {BELOW + name: data for name, data in pushed.items()}
        for name in (SHARDS[0], SHARDS[1], LOG):
            damage(server, name, changed)
        server.be_well()
        server.fail_from = at
        first = ran("verify", URL, "--repair")
        server.be_well()
        if first.exit_code == 0:
            break
        assert "Nothing is lost" in first.stderr
        assert ran("release", URL).exit_code == 0
        if at % 2:
            monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / str(at)))
        again = ran("verify", URL, "--repair")
        assert again.exit_code == 0, again.stderr
        assert committed(server.below("some/gates")) == committed(pushed)
    assert at > 4


def test_a_damaged_object_that_another_client_puts_right_meanwhile_stays(server, pushed) -> None:
    name = BELOW + SHARDS[0]
    damage(server, SHARDS[0], changed)

    def put_right(operation: str, key: str) -> None:
        if (operation, key) == ("PUT", name):
            server.objects[name] = pushed[SHARDS[0]]

    server.before = put_right
    assert ran("verify", URL, "--repair").exit_code == 0
    assert committed(server.below("some/gates")) == committed(pushed)


def test_an_older_study_at_a_url_is_upgraded_by_way_of_a_folder(
    server, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(STUDIES / "format-1", tmp_path / "old")
    assert ran("push", "old", URL).exit_code == 0
    before = server.below("some/gates")
    told = ran("upgrade", URL).stderr
    assert f"`python -m runner pull {URL} DIR`, `python -m runner upgrade DIR`" in told
    for words in (
        ["pull", URL, "DIR"],
        ["upgrade", "DIR"],
        ["push", "DIR", "s3://studies/some/new"],
        ["verify", "s3://studies/some/new"],
    ):
        done = ran(*words)
        assert done.exit_code == 0, f"{words}: {done.stderr}"
    assert server.below("some/gates") == before
    new, old = (runner.open_study(f"s3://studies/some/{name}") for name in ("new", "gates"))
    assert new.restarts.equals(old.restarts)
    told = ran("push", "DIR", URL).stderr
    assert "has another study than DIR" in told
