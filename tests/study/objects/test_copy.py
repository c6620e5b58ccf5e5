"""Push and pull a study, whatever goes wrong with the store, the client or what lies there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.faulty_store import Fault, FaultyStore
from support.in_process import swept
from support.s3_server import EXPERIMENT, SECRET, URL, reached, serving
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.study import damage
from runner.study.folder import StudyFolder
from runner.study.objects import object_store
from runner.study.objects.copy import pull, push, pushing, release
from runner.study.objects.log import groups
from runner.study.objects.object_store import ObjectStore
from runner.study.store import Store

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A finished study of one batch per restart; nothing may change it."""
    path = tmp_path_factory.mktemp("pushed") / "whole"
    swept(path, EXPERIMENT, batch_size=1)
    return path


@pytest.fixture
def study(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "study"))


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a study, by its name; not what tells of locks and of the store."""
    found = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(".")}


def opens(objects: dict[str, bytes], path: Path) -> int:
    """Write objects as files, see that nothing contradicts the log, and return its batches."""
    for name, data in objects.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    store = Store(path)
    if not store.exists:
        assert not store.log_path.exists()
        return 0
    problems = [each.problem for each in damage.find(store, store.read_plan()[0])]
    assert set(problems) <= {"is not in the log"}
    assert len(runner.open_study(path).restarts) == len(store.commits())
    return len(store.commits())


def test_a_pushed_study_is_pulled_as_it_was(server, study, tmp_path) -> None:
    moved = push(study, URL)
    assert server.below("some/gates") == contents(study)
    assert moved.files == len(contents(study))
    assert moved.size == sum(map(len, contents(study).values()))
    pulled = pull(URL, tmp_path / "pulled")
    assert contents(tmp_path / "pulled") == contents(study)
    assert pulled.size == moved.size
    assert runner.open_study(tmp_path / "pulled").complete


def test_what_is_there_is_not_moved_again(server, study, tmp_path) -> None:
    push(study, URL)
    pull(URL, tmp_path / "pulled")
    server.sent = server.received = 0
    assert push(study, URL).files == 0
    assert server.received < 300  # the lease
    log = (study / "commits.jsonl").stat().st_size
    assert log <= server.sent < log + 3 * 300
    server.sent = 0
    assert pull(URL, tmp_path / "pulled").text() == "nothing, as nothing was new"
    assert server.sent == log
    (study / "report.html").write_text("a report")
    assert push(study, URL).files == 1
    assert pull(URL, tmp_path / "pulled").files == 1
    assert (tmp_path / "pulled" / "report.html").read_text() == "a report"


def test_shards_are_pushed_first_and_the_log_last(server, study, tmp_path) -> None:
    """After every single write the store has a study that opens, or none."""
    seen: list[int] = []

    def look(operation: str, key: str) -> None:
        if operation in ("PUT", "DELETE"):
            seen.append(opens(server.below("some/gates"), tmp_path / f"look-{len(seen)}"))

    server.before = look
    push(study, URL)
    assert seen[-1] == 4
    assert set(seen) == {0, 4}
    assert len(seen) == len(contents(study)) + 2


def why_not(study: Path) -> str:
    """Push; return why that failed, or nothing."""
    try:
        push(study, URL)
    except runner.StudyError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("fault", ["fail_from", "lose"])
def test_a_store_can_fail_at_every_write(server, study, tmp_path, fault, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "_RETRIES", 1 if fault == "lose" else 0)
    n_failed = 0
    for at in range(1, 40):
        server.objects.clear()
        server.be_well()
        setattr(server, fault, at)
        told = why_not(study)
        n_failed += told != ""
        assert "\n" not in told
        assert SECRET not in told
        opens(server.below("some/gates"), tmp_path / f"left-{at}")
        n_writes = server.n_writes
        server.be_well()
        push(study, URL)
        assert server.below("some/gates") == contents(study)
        if n_writes < at:
            break
    assert at > len(contents(study))
    assert n_failed == (at - 1 if fault == "fail_from" else 0)


def test_a_client_can_die_at_every_operation(server, study, tmp_path) -> None:
    """It is killed before the n-th request is answered, and the same command goes on."""
    program = (
        "import sys; from runner.study.objects.copy import push, pull\n"
        "{'push': push, 'pull': pull}[sys.argv[1]](*sys.argv[2:])"
    )
    for action in ("push", "pull"):
        for at in range(1, 40, 3):
            target = tmp_path / f"{action}-{at}"
            words = [study, URL] if action == "push" else [URL, target]
            if action == "push":
                server.objects.clear()
            with subprocess.Popen(
                [sys.executable, "-c", program, action, *map(str, words)], cwd=ROOT
            ) as client:
                server.kill_at(at, client)
            server.be_well()
            if action == "push":
                opens(server.below("some/gates"), tmp_path / f"left-{at}")
                push(study, URL)
                assert server.below("some/gates") == contents(study)
            else:
                if (target / "plan.json").exists():
                    opens({}, target)
                pull(URL, target)
                assert contents(target) == contents(study)
            if client.returncode == 0:
                break
        assert client.returncode == 0
        assert at > 6


def test_of_two_clients_one_writes_and_the_other_is_told(server, study, whole, tmp_path) -> None:
    other = Path(shutil.copytree(whole, tmp_path / "other"))
    told: list[str] = []

    def come_second(operation: str, key: str) -> None:
        if operation == "PUT" and key.endswith(".parquet") and not told:
            told.append("")
            with pytest.raises(runner.StudyError) as error:
                push(other, URL)
            told.append(str(error.value))

    server.before = come_second
    push(study, URL)
    assert f"{URL} is in use by process {os.getpid()} on " in told[1]
    assert f"python -m runner release {URL}" in told[1]
    assert server.below("some/gates") == contents(study)
    push(other, URL)
    assert server.below("some/gates").keys() == contents(study).keys()


def test_a_lease_can_be_released_and_its_client_writes_nothing_more(server, study) -> None:
    assert release(URL) == ""
    (study / "report.html").write_text("never pushed")

    def dies() -> None:
        with pushing(StudyFolder(study), ObjectStore(URL)) as run:
            assert f"process {os.getpid()} on " in release(URL)
            run.run()

    with pytest.raises(runner.StudyError, match="the lease of this client was released"):
        dies()
    assert server.below("some/gates") == {}
    assert server.is_free("some/gates")


def test_a_client_whose_lease_another_has_taken_is_told(server, study, whole, tmp_path) -> None:
    other = Path(shutil.copytree(whole, tmp_path / "other"))

    def overtaken() -> None:
        with pushing(StudyFolder(study), ObjectStore(URL)) as run:
            release(URL)
            with pushing(StudyFolder(other), ObjectStore(URL)) as second:
                second.run()
                run.run()

    with pytest.raises(runner.StudyError, match="is in use by process"):
        overtaken()
    assert server.below("some/gates").keys() == contents(study).keys()


def test_a_lease_that_another_takes_at_that_moment_is_not_given_back(server, study) -> None:
    """Between the reading of the own one and the write that gives it back."""
    lock = "studies/some/gates/.lock"
    another = b'{"owner": "another", "token": "x"}'

    def overtake(operation: str, key: str) -> None:
        if operation == "PUT" and key == lock:
            server.objects[lock] = another

    with pushing(StudyFolder(study), ObjectStore(URL)) as run:
        run.run()
        server.before = overtake
    server.be_well()
    assert server.objects[lock] == another
    with pytest.raises(runner.StudyError, match="in use by another"):
        push(study, URL)
    server.before = lambda operation, key: (
        server.objects.update({lock: another.replace(b"x", b"y")}) if operation == "PUT" else None
    )
    with pytest.raises(runner.StudyError, match="in use by another"):
        release(URL)
    server.be_well()
    assert b'"y"' in server.objects[lock]
    assert release(URL).startswith("another")
    push(study, URL)


def test_places_in_the_wrong_order_are_told_with_the_right_one(server, study) -> None:
    done = CliRunner().invoke(app, ["push", URL, str(study)])
    assert done.exit_code == 3
    assert done.stderr.count("\n") == 1
    assert f"Run `python -m runner push {study} {URL}`." in done.stderr
    done = CliRunner().invoke(app, ["pull", str(study), URL])
    assert f"Run `python -m runner pull {URL} {study}`." in done.stderr
    with pytest.raises(runner.StudyError, match="one is on this machine"):
        runner.push(URL, URL)
    assert server.log == []


def test_python_pushes_pulls_and_releases_by_name(server, study, tmp_path) -> None:
    assert runner.push(study, URL).files == len(contents(study))
    assert runner.release(URL) == ""
    runner.pull(URL, tmp_path / "pulled")
    assert contents(tmp_path / "pulled") == contents(study)


def test_a_copy_of_a_folder_is_another_client(server, study, tmp_path) -> None:
    def dies_while_its_copy_pushes() -> None:
        with pushing(StudyFolder(study), ObjectStore(URL)):
            shutil.copytree(study, tmp_path / "other")
            with pytest.raises(runner.StudyError, match="is in use by process"):
                push(tmp_path / "other", URL)
            server.fail_from = 1  # the lease stays
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dies_while_its_copy_pushes()
    server.be_well()
    assert not server.is_free("some/gates")
    push(study, URL)  # which is the same folder still


def test_a_lease_that_is_given_back_at_that_moment_is_taken(server, study) -> None:
    lock = "studies/some/gates/.lock"
    server.objects[lock] = b'{"owner": "another", "token": "x"}'

    def give_back(operation: str, key: str) -> None:
        if operation == "GET" and key == lock:
            server.before = lambda operation, key: None
            del server.objects[lock]

    server.before = give_back
    push(study, URL)
    assert server.below("some/gates") == contents(study)


@pytest.mark.parametrize("name", ["plan.json", "report.html", "commits.jsonl", "shards/"])
@pytest.mark.parametrize("removed", [True, False], ids=["removed", "written"])
def test_what_another_client_does_meanwhile_is_told_in_one_line(
    server, study, name, removed
) -> None:
    """After the listing, or between a refused write and the reading of what is there."""
    (study / "report.html").write_text("old")
    push(study, URL)
    (study / "report.html").write_text("new")
    keys = [key for key in server.objects if f"gates/{name}" in key]
    if name == "commits.jsonl":
        server.objects[keys[0]] = server.objects[keys[0]].partition(b"\n")[0] + b"\n"
    elif name == "shards/":
        server.objects[keys[0]] = b"short"
    elif name == "plan.json":
        (study / ".objects.json").unlink()

    def change(operation: str, key: str) -> None:
        if key in keys and operation == ("GET" if name in ("plan.json", "shards/") else "PUT"):
            if removed:
                server.objects.pop(key, None)
            else:
                server.objects[key] = b"another client's"

    server.before = change
    if name == "shards/" and not removed:
        push(study, URL)  # it is mended
        assert server.below("some/gates") == contents(study)
        return
    with pytest.raises(runner.StudyError) as error:
        push(study, URL)
    assert "\n" not in str(error.value)
    assert server.is_free("some/gates")
    server.be_well()


def test_batches_of_two_folders_make_one_study(server, study, whole, tmp_path) -> None:
    log = (whole / "commits.jsonl").read_bytes().splitlines(keepends=True)
    first, second = (Path(shutil.copytree(whole, tmp_path / name)) for name in ("one", "two"))
    for folder, lines in ((first, log[:3]), (second, log[2:])):
        (folder / "commits.jsonl").write_bytes(b"".join(lines))
    push(first, URL)
    with pytest.raises(runner.StudyError, match=r"has 2 batches that .*two lacks; expected none"):
        push(second, URL)
    pull(URL, second)
    assert len(Store(second).commits()) == 4
    push(second, URL)
    assert opens(server.below("some/gates"), tmp_path / "left") == 4


def test_another_study_is_not_pushed_over(server, study, tmp_path) -> None:
    push(study, URL)
    before = server.below("some/gates")
    swept(tmp_path / "another", EXPERIMENT | {"seed": 9}, batch_size=1)
    with pytest.raises(runner.StudyError, match=r"has another study than .*plan.json differs"):
        push(tmp_path / "another", URL)
    with pytest.raises(runner.StudyError, match="has 4 batches that may be nowhere else"):
        pull(URL, tmp_path / "another")
    assert server.below("some/gates") == before


def test_another_study_is_not_pulled_over_one_that_was_pushed(server, study, tmp_path) -> None:
    push(study, URL)
    before = contents(study)
    server.objects.clear()
    swept(tmp_path / "another", EXPERIMENT | {"seed": 9}, batch_size=1)
    push(tmp_path / "another", URL)
    with pytest.raises(runner.StudyError, match=r"plan.json is not that of .*; expected the same"):
        pull(URL, study)
    assert contents(study) == before


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("shards", lambda data: data[:-1], "missing, or not as the log says"),
        ("shards", lambda data: data[:-1] + b"!", "missing, or not as the log says"),
        ("shards", lambda data: data + b"!", "bytes; expected at most"),
        ("shards", lambda data: None, "missing, or not as the log says"),
        ("commits.jsonl", lambda data: data.replace(b"a", b"b", 1), "line 1 of commits.jsonl"),
        ("plan.json", lambda data: None, "has no study"),
    ],
)
def test_what_is_damaged_in_the_store_is_not_taken(
    server, study, tmp_path, name, change, told
) -> None:
    push(study, URL)
    key = min(key for key in server.objects if f"/{name}" in key)
    changed = change(server.objects.pop(key))
    if changed is not None:
        server.objects[key] = changed
    with pytest.raises(runner.StudyError, match=told) as error:
        pull(URL, tmp_path / "pulled")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "pulled" / "commits.jsonl").exists()


def test_names_of_objects_that_are_no_studys_make_no_file(server, study, tmp_path) -> None:
    push(study, URL)
    strange = ["tables/.hidden", "shards/x/y.parquet", "tables/a/b.tmp", "rounds/1.json", "evil"]
    strange += [".lock.holder", "quarantine/x", "staging/token"]
    for name in strange:
        server.objects[f"studies/some/gates/{name}"] = b"x"
    pull(URL, tmp_path / "pulled")
    assert contents(tmp_path / "pulled") == contents(study)
    for name in ("tables/../../../evil", "tables//etc/passwd"):
        server.objects[f"studies/some/gates/{name}"] = b"x"
        with pytest.raises(runner.StudyError, match="cannot be listed") as error:
            pull(URL, tmp_path / "again")
        del server.objects[f"studies/some/gates/{name}"]
        assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir() if path.name == "evil"] == []


def test_a_file_and_a_folder_of_one_name_are_told(server, study, tmp_path) -> None:
    push(study, URL)
    for name in ("tables/x", "tables/x/y"):
        server.objects[f"studies/some/gates/{name}"] = b"x"
    with pytest.raises(runner.StudyError, match="tables/x is a file and a folder, in the store or"):
        pull(URL, tmp_path / "pulled")
    del server.objects["studies/some/gates/tables/x"]
    (study / "tables").mkdir()
    (study / "tables" / "x").write_text("x")
    with pytest.raises(runner.StudyError, match="tables/x is a file and a folder, in the store or"):
        pull(URL, study)


def test_few_bytes_are_in_memory_together(whole) -> None:
    commits = [replace(Store(whole).commits()[0], size=size) for size in [2**27] * 5 + [2**30, 1]]
    sizes = [[commit.size for commit in group] for group in groups(commits)]
    assert sizes == [[2**27] * 2, [2**27] * 2, [2**27], [2**30], [1]]
    commits = [replace(commits[0], size=1)] * 130
    assert [len(group) for group in groups(commits)] == [64, 64, 2]


def test_too_many_bytes_of_tables_are_refused(server, study, tmp_path, monkeypatch) -> None:
    push(study, URL)
    monkeypatch.setattr("runner.study.objects.pull.MOST_OF_OTHERS", 100)
    with pytest.raises(runner.StudyError, match="bytes; expected at most 100"):
        pull(URL, tmp_path / "pulled")


def test_a_link_in_the_folder_is_not_written_through(server, study, tmp_path) -> None:
    push(study, URL)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pulled").mkdir()
    push_state = {"url": URL, "token": "x", "log": "", "known": {}}
    (tmp_path / "pulled" / ".objects.json").write_text(json.dumps(push_state))
    (tmp_path / "pulled" / "shards").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(runner.StudyError, match="symbolic link"):
        pull(URL, tmp_path / "pulled")
    assert not any((tmp_path / "elsewhere").iterdir())


def test_a_damaged_shard_is_not_pushed(server, study) -> None:
    shard = min((study / "shards").rglob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    with pytest.raises(runner.StudyError, match=r"missing, or not as the log says.*verify"):
        push(study, URL)
    assert "commits.jsonl" not in server.below("some/gates")


@pytest.mark.parametrize("change", [lambda data: data[:-1] + b"!", lambda data: data[:-1]])
def test_a_shard_that_no_log_of_the_store_names_is_not_trusted(
    server, study, tmp_path, change
) -> None:
    shards = sorted((study / "shards").rglob("*.parquet"))
    left = {path.relative_to(study).as_posix(): path.read_bytes() for path in shards[:2]}
    first, second = left
    for name in left:
        server.objects[f"studies/some/gates/{name}"] = left[name]
    server.objects[f"studies/some/gates/{first}"] = change(left[first])
    assert push(study, URL).files == len(contents(study)) - 1  # the second is as it should be
    assert server.below("some/gates") == contents(study)
    # damaged after the log has named it: seen by its size
    server.objects[f"studies/some/gates/{second}"] = b"short"
    assert push(study, URL).files == 1
    pull(URL, tmp_path / "pulled")
    assert contents(tmp_path / "pulled") == contents(study)


def test_a_table_is_replaced_only_where_it_was_changed_on_one_side(
    server, study, whole, tmp_path
) -> None:
    """As when a report is made here, and another there: the older one replaces neither."""
    other = tmp_path / "other"
    names = "report.html", "tables/verdicts.parquet"
    (study / "tables").mkdir()
    for name in names:
        (study / name).write_text("old")
    push(study, URL)
    pull(URL, other)
    for name in names:
        (other / name).write_text("new")
    assert push(other, URL).files == 2
    assert push(study, URL).files == 0  # which has the old ones
    assert server.below("some/gates")["report.html"] == b"new"
    pull(URL, study)
    assert contents(study) == contents(other)
    (study / "report.html").write_text("one")
    (other / "report.html").write_text("another")
    push(study, URL)
    before = contents(other), server.below("some/gates")
    for action in (lambda: push(other, URL), lambda: pull(URL, other)):
        with pytest.raises(
            runner.StudyError, match=r"report.html was changed at s3:.* and in "
        ) as e:
            action()
        assert f"Move {other}/report.html away and run `python -m runner pull {URL}" in str(e.value)
        assert (contents(other), server.below("some/gates")) == before
    # what is advised leaves it to the user which one counts
    (other / "report.html").rename(tmp_path / "kept")
    pull(URL, other)
    assert (other / "report.html").read_text() == "one"
    (tmp_path / "kept").rename(other / "report.html")
    push(other, URL)
    assert server.below("some/gates")["report.html"] == b"another"


def test_lines_of_telemetry_add_up(server, study, tmp_path) -> None:
    (study / "telemetry").mkdir()
    (study / "telemetry" / "batches.jsonl").write_text("common\n")
    push(study, URL)
    pull(URL, tmp_path / "other")
    for folder in (study, tmp_path / "other"):
        with open(folder / "telemetry" / "batches.jsonl", "a") as file:
            file.write(f"{folder.name}\n")
    push(study, URL)
    with pytest.raises(runner.StudyError, match=r"pull .* first, which adds the lines up"):
        push(tmp_path / "other", URL)
    pull(URL, tmp_path / "other")
    push(tmp_path / "other", URL)
    assert server.below("some/gates")["telemetry/batches.jsonl"] == b"common\nstudy\nother\n"


@pytest.mark.parametrize("command", ["push", "pull", "release"])
def test_commands_say_in_one_line_what_is_wrong(server, study, tmp_path, command) -> None:
    def fails(url: str) -> str:
        words = {"push": [str(study), url], "pull": [url, str(tmp_path / "x")], "release": [url]}
        done = CliRunner().invoke(app, [command, *words[command]])
        assert done.exit_code == 3
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "x").exists()
        return done.stderr

    no_bucket = "s3://nothing/gates: cannot be listed: there is no such bucket"
    assert no_bucket in fails("s3://nothing/gates")
    assert "is no URL of an object store" in fails("results/gates")
    assert "is no URL of a study" in fails("s3://studies")
    assert "hunter2" not in fails("s3://user:hunter2@studies/x")
    assert "is no URL of a study" in fails("s3://studies/a/../b")
    server.shutdown()
    server.server_close()


def test_a_store_that_does_not_answer_is_given_up(server, study, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(object_store, "_RETRIES", 1)
    server.silent = True
    with pytest.raises(runner.StudyError, match=f"{URL}: cannot be listed: "):
        push(study, URL)
    server.be_well()
    push(study, URL)
    assert server.below("some/gates") == contents(study)


def test_a_list_that_breaks_off_is_asked_for_once_more(tmp_path, monkeypatch) -> None:
    faults = [Fault("cut", 1), Fault("cut", 3), Fault("cut", 5, times=2)]
    with (
        serving(FaultyStore(faults, tmp_path / "told")) as server,
        reached(server, monkeypatch),
    ):
        server.objects["studies/some/gates/plan.json"] = b"{}"
        objects = ObjectStore(URL)
        assert [*objects.listing()] == ["plan.json"]
        assert [*objects.level("").objects] == ["plan.json"]
        with pytest.raises(runner.StudyError, match="cannot be listed: "):
            objects.listing()
    assert (tmp_path / "told").read_text().count("! cut LIST") == 4


@pytest.mark.parametrize(
    "address",
    ["http://somebody:{}@127.0.0.1:1", "http://127.0.0.1:1/?sig={}", "{}@x", "http://a:{}"],
)
def test_an_address_with_credentials_is_refused_and_not_shown(
    study, monkeypatch, capfd, address
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, address.format(SECRET))
    with pytest.raises(runner.StudyError, match="is no plain address; expected http") as error:
        push(study, URL)
    assert SECRET not in f"{error.value}{capfd.readouterr()}"


def test_what_a_store_says_is_shown_without_credentials() -> None:
    told = ValueError(
        f"GET http://a:{SECRET}@host/b?sig={SECRET} failed: (http://{SECRET}@h/) no\n"
    )
    assert object_store._first_line(told) == "GET http://host/b failed: (http://h/) no"


def test_credentials_are_nowhere(server, study, tmp_path) -> None:
    push(study, URL)
    pull(URL, tmp_path / "pulled")
    kept = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()]
    assert not any(SECRET.encode() in data for data in [*kept, *server.objects.values()])


def test_without_the_library_it_is_said_what_to_install(study) -> None:
    program = (
        "import sys; sys.modules['obstore'] = None\n"
        "from runner.study.objects.copy import push\n"
        f"push({str(study)!r}, {URL!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert "Install requirements/objects.txt, or `pip install" in done.stderr
