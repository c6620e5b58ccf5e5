"""Sweep into a URL, read it, go on with it on another machine, whatever dies on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from support.s3_server import EXPERIMENT, URL
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.engines import code_cache
from runner.study import damage
from runner.study.catalogue import catalogue
from runner.study.objects import url_copy
from runner.study.objects.copy import pull
from runner.study.objects.url_copy import copy_of
from runner.study.store import Store

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole(client, tmp_path_factory) -> dict[str, bytes]:
    """The shards and the log of a study that was made in a folder, undisturbed."""
    path = tmp_path_factory.mktemp("url") / "whole"
    runner.sweep(EXPERIMENT, path, client, batch_size=1)
    return committed(path)


def committed(path: Path) -> dict[str, bytes]:
    found = {
        p.relative_to(path).as_posix(): p.read_bytes() for p in (path / "shards").rglob("*.parquet")
    }
    lines = sorted((path / "commits.jsonl").read_bytes().splitlines())
    assert len(lines) == len(set(lines))
    return found | {"commits.jsonl": b"\n".join(lines)}


def elsewhere(monkeypatch, tmp_path) -> None:
    """Be another machine from now on."""
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "there"))


def test_a_sweep_into_a_url_is_that_into_a_folder(
    server, client, whole, tmp_path, monkeypatch
) -> None:
    study = runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    assert study.path == copy_of(URL)
    assert committed(study.path) == whole
    elsewhere(monkeypatch, tmp_path)
    there = runner.open_study(URL)
    assert there.path != study.path
    assert committed(there.path) == whole
    assert server.is_free("some/gates")


def test_another_machine_goes_on_and_grows_and_the_first_sees_it(
    server, client, tmp_path, monkeypatch
) -> None:
    first = runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    elsewhere(monkeypatch, tmp_path)
    more = EXPERIMENT | {"restarts": 6}
    grown = runner.sweep(more, URL, client, batch_size=1)
    assert len(grown.restarts) == 6
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "here"))
    server.sent = 0
    again = runner.open_study(URL)
    assert again.path == first.path
    assert again.configuration_hashes.equals(grown.configuration_hashes)
    shards = sum(len(data) for name, data in server.below("some/gates").items() if "r001" in name)
    others = sum(len(d) for n, d in server.below("some/gates").items() if "shards" not in n)
    assert server.sent <= shards + others


def test_a_client_can_die_at_any_request_and_any_machine_goes_on(
    server, client, scheduler, whole, tmp_path, monkeypatch
) -> None:
    """Killed before the n-th request is answered; the same command here, or after a release."""
    program = (
        "import json, sys, runner\n"
        "from runner.study.objects import url_copy; url_copy.INTERVAL_S = 0.05\n"
        "out, content, address = sys.argv[1:]\n"
        "runner.sweep(json.loads(content), out, scheduler=address, batch_size=1)"
    )
    words = [sys.executable, "-c", program, URL, json.dumps(EXPERIMENT), scheduler]
    ends = []
    for at in range(2, 60, 7):
        server.objects.clear()
        server.be_well()
        place = tmp_path / str(at)
        monkeypatch.setenv("RUNNER_CACHE_DIR", str(place / "here"))
        with subprocess.Popen(words, cwd=ROOT, env=os.environ) as victim:
            server.kill_at(at, victim)
        server.be_well()
        ends.append(victim.returncode)
        if at % 2:  # the folder is gone with its machine
            CliRunner().invoke(app, ["release", URL])
            monkeypatch.setenv("RUNNER_CACHE_DIR", str(place / "there"))
        runner.sweep(EXPERIMENT, URL, client, batch_size=1)
        pull(URL, place / "pulled")
        assert committed(place / "pulled") == whole
        store = Store(place / "pulled")
        assert damage.find(store, store.read_plan()[0]) == []
        if victim.returncode == 0:
            break
    assert ends[-1] == 0
    assert len(ends) > 2


def test_a_store_that_fails_meanwhile_stops_no_training(
    server, client, whole, monkeypatch, capsys
) -> None:
    monkeypatch.setattr("runner.study.objects.object_store._RETRIES", 0)
    monkeypatch.setattr(url_copy, "INTERVAL_S", 0.01)
    told = threading.Event()

    def fail(operation: str, key: str) -> None:
        if key.endswith(".parquet"):
            server.fail_from = 1
            told.set()

    server.before = fail
    with pytest.raises(runner.StudyError, match="Nothing is lost"):
        runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    assert told.is_set()
    assert committed(copy_of(URL)) == whole
    server.be_well()
    study = runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    assert study.complete
    assert server.below("some/gates").keys() >= whole.keys()


def test_the_second_client_gets_one_line(server, client, tmp_path, monkeypatch) -> None:
    told: list[str] = []

    def come_second(operation: str, key: str) -> None:
        if key.endswith("plan.json") and operation == "PUT" and not told:
            told.append("")
            for place in ("here", "there"):
                words = ["sweep", str(tmp_path / "e.toml"), "--out", URL]
                with monkeypatch.context() as patch:
                    patch.setenv("RUNNER_CACHE_DIR", str(tmp_path / place))
                    done = CliRunner().invoke(app, words)
                assert done.exit_code == 3
                told.append(done.stderr)

    (tmp_path / "e.toml").write_text('name = "gates"\n[problem]\ngate = "AND"\n')
    server.before = come_second
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    assert "is being pushed by another process of this machine" in told[1]
    assert "is in use by process" in told[2]
    assert [text.count("\n") for text in told[1:]] == [1, 1]


def test_a_study_at_a_url_is_replaced_only_when_asked(server, client, tmp_path, monkeypatch):
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    with pytest.raises(runner.StudyError, match="seed"):
        runner.sweep(EXPERIMENT | {"seed": 5}, URL, client, batch_size=1)
    before = server.below("some/gates")
    with pytest.raises(runner.RunnerError):
        runner.sweep(
            EXPERIMENT | {"seed": 5}, URL, scheduler="tcp://127.0.0.1:1", overwrite=True, wait_s=0
        )
    assert server.below("some/gates") == before
    elsewhere(monkeypatch, tmp_path)
    runner.sweep(EXPERIMENT | {"seed": 5}, URL, client, batch_size=2, overwrite=True)
    assert sum("shards" in name for name in server.below("some/gates")) == 2
    # the first machine's copy gives way: all of it had been pushed
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "here"))
    assert runner.open_study(URL).experiment.seed == 5


def test_commands_take_a_url(server, client, scheduler, tmp_path, monkeypatch) -> None:
    runner.sweep(EXPERIMENT | {"restarts": 20}, URL, client)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    monkeypatch.chdir(tmp_path)
    elsewhere(monkeypatch, tmp_path)
    for words in (
        ["summary", URL],
        ["status", URL],
        ["verify", URL],
        ["compare", URL, URL],
        ["export", URL, "--to", "x.csv"],
        ["analyze", URL],
        ["report", URL],
        ["report", URL, "--out", "x.html"],
        ["sweep", "--out", URL, "--dry-run", "--overwrite"],
    ):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{words}: {done.output}"
    names = server.below("some/gates").keys()
    assert {"tables/verdicts.parquet", "report.html"} <= names
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "here"))
    assert len(runner.open_study(URL).verdicts) == 1


def test_python_analyses_and_maps_by_url(server, client, tmp_path, monkeypatch) -> None:
    runner.sweep(EXPERIMENT | {"restarts": 20}, URL, client)
    elsewhere(monkeypatch, tmp_path)
    study = runner.analyze(URL, client)
    assert study.path == copy_of(URL)
    mapped = runner.map_landscape(URL, client, searches=20)
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "here"))
    first = runner.open_study(URL)
    assert first.verdicts.equals(study.verdicts)
    assert len(first.completeness) == 1
    assert first.completeness.equals(mapped.completeness)
    with pytest.raises(runner.StudyError, match="has no study"):
        runner.analyze("s3://studies/none", client)


def test_one_url_on_two_servers_is_two_places(monkeypatch) -> None:
    def places(url: str, **environment: str) -> Path:
        with monkeypatch.context() as patch:
            for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"):
                patch.delenv(name, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            return copy_of(url)

    s3 = [
        places(URL),
        places(URL, AWS_ENDPOINT_URL="http://a"),
        places(URL, AWS_ENDPOINT_URL="http://a", AWS_ENDPOINT_URL_S3="http://b"),
    ]
    assert len(set(s3)) == 3
    assert places(URL, AWS_ENDPOINT_URL_S3="http://b") == s3[2]
    azure = [places("az://c/x", AZURE_STORAGE_ACCOUNT_NAME=name) for name in ("a", "b")]
    assert len({places("az://c/x"), *azure}) == 3


@pytest.mark.parametrize("use", ["sweep", "open_study"])
def test_the_cache_stays_one_in_which_nobody_else_writes(
    server, client, tmp_path, monkeypatch, use
) -> None:
    """Else no machine code would be kept in it any more."""
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "new" / "cache"))
    before = os.umask(0o002)
    try:
        if use == "sweep":
            runner.sweep(EXPERIMENT, URL, client, batch_size=1)
        else:
            runner.open_study(URL)
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "cache").stat().st_mode & 0o777 == 0o700
    assert code_cache.folder() == tmp_path / "new" / "cache"


@pytest.mark.parametrize("at", [1, 3, 5])
def test_a_replacement_that_dies_in_the_middle_is_finished(
    server, client, tmp_path, monkeypatch, at
) -> None:
    monkeypatch.setattr("runner.study.objects.object_store._RETRIES", 0)
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    elsewhere(monkeypatch, tmp_path)
    other = EXPERIMENT | {"seed": 5}
    deleted: list[str] = []

    def fail(operation: str, key: str) -> None:
        if operation == "DELETE":
            deleted.append(key)
            if len(deleted) > at:
                server.fail_from = 1

    server.before = fail
    with pytest.raises(runner.StudyError, match="cannot be removed"):
        runner.sweep(other, URL, client, batch_size=1, overwrite=True)
    server.be_well()
    left = server.below("some/gates")
    assert "commits.jsonl" not in left
    assert "plan.json" in left
    trained = committed(copy_of(URL))
    runner.sweep(other, URL, client, batch_size=1)  # which goes on with what was trained
    assert committed(copy_of(URL)) == trained
    pull(URL, tmp_path / "pulled")
    assert committed(tmp_path / "pulled") == trained


@pytest.mark.parametrize("command", ["analyze", "map", "report"])
def test_a_url_without_a_study_is_named(server, tmp_path, command) -> None:
    done = CliRunner().invoke(app, [command, "s3://studies/none"])
    assert done.exit_code == 3
    assert done.stderr.startswith("s3://studies/none has no study (plan.json is missing)")
    assert not (tmp_path / "here" / "studies").exists()


@pytest.mark.parametrize("second", ["reads", "writes"])
def test_who_comes_while_the_copy_is_pulled_waits_for_the_whole_study(
    server, client, monkeypatch, second
) -> None:
    """A second process: within one, the lock would be the first one's again."""
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(copy_of(URL).parent.parent.with_name("there")))
    program = "import sys, runner; assert len(runner.open_study(sys.argv[1]).restarts) == 4"
    if second == "writes":
        program = (
            "import sys; from runner.study.objects.url_copy import changeable\n"
            "with changeable(sys.argv[1], required=True) as place:\n"
            "    assert (place / 'commits.jsonl').exists()"
        )
    started: list[subprocess.Popen[bytes]] = []
    has_come, listings = threading.Event(), []

    def look(operation: str, key: str) -> None:
        if operation == "LIST" and started:
            listings.append(key)
            if len(listings) > 3:  # of the second one, which has found the lock taken
                has_come.set()
        # the plan is there by now, the log is not
        if (copy_of(URL) / "plan.json").exists() and not started:
            assert not (copy_of(URL) / "commits.jsonl").exists()
            started.append(subprocess.Popen([sys.executable, "-c", program, URL], cwd=ROOT))
            assert has_come.wait(120)

    study = copy_of(URL)
    server.objects["studies/some/gates/report.html"] = b"got after the plan"
    server.before = look
    assert runner.open_study(URL).complete
    server.before = lambda operation, key: None
    assert started[0].wait(120) == 0
    assert (study / "commits.jsonl").exists()
    assert not (study / ".objects.pull").exists()


def test_a_reader_before_the_first_commit_reads_what_is_there(server, client) -> None:
    """Of a sweep of this machine, which has the lock of the copy."""
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    store = Store(copy_of(URL))
    with store.writer():
        store.log_path.rename(store.path / "kept")
        study = runner.open_study(URL)
        assert study.n_done == 0
        assert not study.complete


def test_a_reader_beside_a_sweep_of_this_machine_reads_its_copy(server, client) -> None:
    runner.sweep(EXPERIMENT, URL, client, batch_size=1)
    with Store(copy_of(URL)).writer():
        assert runner.open_study(URL).complete


def test_studies_below_a_url_are_listed_by_plans_and_logs_alone(server, client, tmp_path) -> None:
    for name, restarts in (("a", 3), ("deep/er/b", 5), ("deep/c", 4)):
        runner.sweep(EXPERIMENT | {"restarts": restarts}, tmp_path / name, client)
        runner.push(tmp_path / name, f"s3://studies/all/{name}")
    runner.sweep(EXPERIMENT | {"restarts": 9}, tmp_path / "deep/c", client)  # grows
    runner.push(tmp_path / "deep/c", "s3://studies/all/deep/c")
    server.objects["studies/all/deep/d/plan.json"] = b"{}"
    server.objects["studies/all/.hidden/plan.json"] = b"{}"
    server.objects[f"studies/all/{'n' * 300}/plan.json"] = b"{}"
    server.objects["studies/all/notes.txt"] = b"no study"
    server.log.clear()
    listed = CliRunner().invoke(app, ["list", "s3://studies/all", "--format", "json"])
    assert listed.exit_code == 0, listed.output
    found = {entry["path"]: entry for entry in json.loads(listed.stdout)}
    expected = {entry.path: entry for entry in catalogue(tmp_path)}
    assert [*found] == ["a", "deep/c", "deep/d", "deep/er/b"]
    assert found.pop("deep/d")["state"] == "damaged"
    for path, entry in found.items():
        there = asdict(expected[path])
        assert entry.pop("changed") == "2026-11-29T00:00:00+00:00"
        there.pop("changed")
        assert entry == there
    assert not [key for _, key in server.log if "shards" in key]
    (one,) = catalogue("s3://studies/all/a")
    assert (one.path, one.done) == (".", 3)


def test_a_list_of_a_url_says_why_there_is_none(server) -> None:
    for words, reason in (
        (["s3://studies/none"], "s3://studies/none has no objects; expected a study"),
        (["s3://studies/none", "--solved"], "what is solved is in the shards"),
        (["s3://elsewhere/none"], "there is no such bucket"),
    ):
        listed = CliRunner().invoke(app, ["list", *words])
        assert listed.exit_code == 3
        assert reason in listed.stderr
    server.objects["studies/some/notes.txt"] = b"no study"
    listed = CliRunner().invoke(app, ["list", "s3://studies/some"])
    assert (listed.exit_code, listed.stdout) == (0, "s3://studies/some: no studies.\n")
