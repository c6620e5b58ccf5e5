"""A study goes on with other versions where they compute the same, and is told what differs."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

import runner
from runner.dispatch.sweep import repair
from runner.engines.registry import programs
from runner.engines.simd.fingerprint import digest
from runner.engines.versions import versions
from runner.study import arithmetic
from runner.study.arithmetic import BY_ARITHMETIC, other_arithmetic
from runner.study.differences import recorded_versions
from runner.study.folder import read_telemetry
from runner.study.hashed_json import hashed_json
from runner.study.store import Store
from runner.training.shards import decode, encode

GATES = {
    "name": "t",
    "restarts": 60,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 400, "learning_rate": 2.0, "stop_solved": True},
    "grid": {"network.hidden": [[], [2], [8]]},  # the last one of matrices
}
OTHER = next(
    (
        found
        for name in (".venv", ".venv313")
        if (found := Path(name, "bin", "python")).exists()
        and Path(name).resolve() != Path(sys.prefix).resolve()
    ),
    None,
)
"""The runner's environment on another Python, whose lock has other versions."""


@pytest.fixture(scope="module")
def trained(client, tmp_path_factory) -> Path:
    """A study that is done."""
    path = tmp_path_factory.mktemp("arithmetic") / "study"
    runner.sweep(GATES, path, client)
    return path


@pytest.fixture
def begun(trained, tmp_path) -> Store:
    """The study when half of it was done, by versions that are not here."""
    path = tmp_path / "study"
    shutil.copytree(trained, path)
    store = Store(path)
    seal(store, dict.fromkeys(BY_ARITHMETIC, "0.1"))
    first, *others = store.commits()
    for commit in others:
        store.shard_path(commit.batch).unlink()
    relog(store, [first.line()])
    return store


def seal(store: Store, other: dict[str, str]) -> None:
    content = json.loads(store.plan_path.read_text())
    del content["sha256"]
    content["versions"] |= other
    store.plan_path.write_bytes(hashed_json(content))


def relog(store: Store, lines: list[str]) -> None:
    store.log.path.write_text("".join(line + "\n" for line in lines))


def changed(line: str, **fields: object) -> str:
    content = json.loads(line.rpartition(" ")[0]) | fields
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"{text} {zlib.crc32(text.encode()):08x}"


def shards(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*.parquet")}


def test_other_versions_with_the_same_programs_go_on_to_the_same_bytes(
    begun, trained, client
) -> None:
    assert runner.sweep(GATES, begun.path, client).complete
    assert shards(begun.path) == shards(trained)
    assert sorted(map(str, begun.commits())) == sorted(map(str, Store(trained).commits()))


def test_the_log_names_the_programs_of_every_network(trained) -> None:
    study = runner.open_study(trained)
    named = {commit.batch.group: commit.programs for commit in study.commits}
    assert len(named) == len(study.plan.groups) == 3
    for group, found in named.items():
        signature = study.plan.groups[group].configurations[0].signature()
        assert found == digest(programs(study.plan.engine, signature))


def test_a_few_restarts_are_trained_again_once_for_a_command_which_is_logged(
    begun, caplog, monkeypatch
) -> None:
    asked, written = [], []
    real, write = arithmetic.trained_here, arithmetic.programs
    arithmetic._name_of_ours.cache_clear()
    monkeypatch.setattr(arithmetic, "programs", lambda *a: written.append(a) or write(*a))
    monkeypatch.setattr(arithmetic, "trained_here", lambda *a: asked.append(a) or real(*a))
    plan = begun.read_plan()[0]
    with caplog.at_level(logging.INFO, "runner"):
        for store in (begun, Store(begun.path), Store(begun.path)):
            assert other_arithmetic(store, plan, store.commits()) == []
    once = len(asked)
    assert once > 0
    assert [r.getMessage() for r in caplog.records] == [
        f"{begun.where}: begun with other versions or code: comparing what they compute"
    ]
    assert len(asked) == once
    assert len(written) == len(set(written)) > 0
    spoil_loss(begun, lambda configuration: True)
    assert other_arithmetic(begun, plan, begun.commits()) != []
    assert len(asked) == 2 * once


def test_other_programs_are_refused_and_told_by_their_operation(begun, client) -> None:
    (line,) = begun.log.path.read_text().splitlines()
    known = [json.loads(each) for each in begun.programs_path.read_text().splitlines()]
    ours = next(each for each in known if each["programs"] == begun.commits()[0].programs)
    relog(begun, [changed(line, programs="0123456789abcdef")])
    with pytest.raises(runner.StudyError, match=r"numbers than 0123456789abcdef\. Choose"):
        runner.sweep(GATES, begun.path, client)
    loop = ours["operations"]["loop"]
    place = loop.index("f")
    then = {"loop": loop[:place] + "*" + loop[place + 1 :]}
    line = json.dumps({"programs": "0123456789abcdef", "operations": ours["operations"] | then})
    begun.programs_path.write_text("torn\n" + line + "\n")
    with pytest.raises(
        runner.StudyError,
        match=rf"of the program loop, operation {place + 1:,} of {len(loop):,} was a "
        r"multiplication, now it is a fused multiply-add",
    ):
        runner.sweep(GATES, begun.path, client)
    assert len(begun.commits()) == 1


def test_a_restart_that_is_not_what_is_stored_is_told_by_its_columns(begun, client) -> None:
    """As where another NumPy drew other starts, or labelled otherwise."""
    spoil_loss(begun, lambda configuration: True)
    with pytest.raises(runner.StudyError, match="restarts trained again differ in loss"):
        runner.sweep(GATES, begun.path, client)


def spoil_loss(store: Store, which) -> None:
    """Move the losses of some configurations in all shards, and have the log say so."""
    lines = []
    for commit in store.commits():
        path = store.shard_path(commit.batch)
        table = decode(path.read_bytes())
        rows = zip(table["loss"].to_pylist(), table["configuration"].to_pylist(), strict=True)
        moved = pa.array([loss + 1e-12 * which(configuration) for loss, configuration in rows])
        table = table.set_column(table.column_names.index("loss"), "loss", moved)
        path.write_bytes(encode(table))
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        lines.append(changed(commit.line(), sha256=sha256, size=len(content)))
    relog(store, lines)


RATES = {
    "name": "r",
    "restarts": 20,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 40},
    "grid": {"training.learning_rate": [0.5, 1.0, 2.0]},
}
ELSE = {"source": "0badc0de"}


@pytest.mark.parametrize("other", [dict.fromkeys(BY_ARITHMETIC, "0.1"), ELSE])
@pytest.mark.parametrize("batch_size", [60, 10])
def test_restarts_of_every_configuration_are_trained_again(
    client, tmp_path, other, batch_size
) -> None:
    store = Store(tmp_path / "study")
    runner.sweep(RATES, store.path, client, batch_size=batch_size)
    seal(store, other)
    more = RATES | {"restarts": 25}
    once = runner.sweep(more, tmp_path / "same", client)
    shutil.copytree(store.path, tmp_path / "copy")
    grown = runner.sweep(more, tmp_path / "copy", client)
    assert grown.configuration_hashes.equals(once.configuration_hashes)
    spoil_loss(store, lambda configuration: configuration == 2)
    with pytest.raises(runner.StudyError, match="group 0: restarts trained again differ in loss"):
        runner.sweep(more, store.path, client)


def test_batches_with_failures_tell_too(client, tmp_path) -> None:
    store = Store(tmp_path / "study")
    runner.sweep(RATES, store.path, client, batch_size=20)
    seal(store, ELSE)
    plan = store.read_plan()[0]
    assert store.other_code(plan) == []
    *others, last = sorted(store.commits(), key=lambda commit: commit.batch.start)
    path = store.shard_path(last.batch)
    table = decode(path.read_bytes())
    lines = [commit.line() for commit in others]

    def with_failure(rows: pa.Table, **fields: object) -> None:
        path.write_bytes(encode(rows))
        content = path.read_bytes()
        failures = [{"position": last.batch.start, "reason": "e", "traceback": ""}]
        told = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "rows": 19}
        relog(store, [*lines, changed(last.line(), failures=failures, **told | fields)])
        assert len(store.commits()) == 3

    with_failure(table.slice(1))
    assert store.other_code(plan) == []
    number = table.column_names.index("loss")
    moved = pa.array([loss + 1e-12 for loss in table["loss"].to_pylist()])
    with_failure(table.set_column(number, "loss", moved).slice(1))
    assert "restarts trained again differ in loss" in store.other_code(plan)[-1]
    with_failure(table.slice(1), programs="0123456789abcdef")
    assert "of other numbers than 0123456789abcdef" in store.other_code(plan)[-1]
    with_failure(table.slice(1), programs="")  # as where its parts had several
    assert "does not tell" in store.other_code(plan)[-1]


def test_a_round_that_other_code_has_trained_is_compared(client, tmp_path) -> None:
    store = Store(tmp_path / "study")
    runner.sweep(RATES, store.path, client)
    runner.sweep(RATES | {"restarts": 30}, store.path, client)
    path = store.rounds_path / "001.json"
    content = json.loads(path.read_text())
    del content["sha256"]
    content["versions"] |= ELSE
    path.write_bytes(hashed_json(content))
    assert store.other_code(store.read_plan()[0]) == []
    relog(store, [changed(c.line(), programs="0123456789abcdef") for c in store.commits()])
    reason, *computed = store.other_code(store.read_plan()[0])
    assert "0badc0de" in reason
    assert computed


def test_where_nothing_is_trained_yet_nothing_would_be_lost(client, tmp_path) -> None:
    store = Store(tmp_path / "study")
    runner.sweep(RATES, store.path, client)
    seal(store, ELSE)
    relog(store, [])
    with pytest.raises(runner.StudyError, match="nothing of it is trained yet"):
        runner.sweep(RATES, store.path, client)


def test_other_code_that_computes_the_same_goes_on_to_the_same_bytes(
    begun, trained, client
) -> None:
    seal(begun, ELSE | versions())
    n_earlier = len(read_telemetry(begun.telemetry_path))
    assert runner.sweep(GATES, begun.path, client).complete
    assert shards(begun.path) == shards(trained)
    went_on = {line["versions"] for line in read_telemetry(begun.telemetry_path)[n_earlier:]}
    known = {line["name"]: line["versions"] for line in read_telemetry(begun.versions_path)}
    assert [known[name] for name in went_on] == [recorded_versions()]


def test_a_round_that_other_code_has_gone_on_with_is_compared(trained, tmp_path) -> None:
    """By who began it, too: as the telemetry tells, which a crash may have torn."""
    store = Store(Path(shutil.copytree(trained, tmp_path / "study")))
    plan = store.read_plan()[0]
    assert store.other_code(plan) == []
    line = json.dumps({"name": "0", "versions": versions() | ELSE})
    store.versions_path.write_text(f'{line}\n[1]\n{{"versions": 3}}\n{line[:-9]}')
    assert store.other_code(plan) == []
    relog(store, [changed(c.line(), programs="0123456789abcdef") for c in store.commits()])
    reason, *computed = store.other_code(plan)
    assert "0badc0de" in reason
    assert computed


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:-9] + b"0" + b[-8:]])
def test_other_code_that_computes_the_same_repairs(client, tmp_path, damage) -> None:
    store = Store(tmp_path / "study")
    runner.sweep(RATES, store.path, client, batch_size=20)
    seal(store, ELSE)
    path = store.shard_path(store.commits()[0].batch)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(runner.StudyError, match="does not tell whether they compute the same"):
        repair(store.path, client)  # of that configuration nothing else is there
    store = Store(tmp_path / "more")
    runner.sweep(RATES, store.path, client, batch_size=10)
    seal(store, ELSE)
    before = shards(store.path)
    path = store.shard_path(store.commits()[0].batch)
    path.write_bytes(damage(path.read_bytes()))
    (found,) = repair(store.path, client)
    assert found.path == path
    assert before.items() <= shards(store.path).items()


def test_other_code_that_computes_otherwise_or_cannot_be_compared_trains_nothing(
    begun, client
) -> None:
    seal(begun, ELSE | versions())
    line = begun.commits()[0].line()
    for programs_named, reason in (
        ("0123456789abcdef", r"group \d: its programs are .*, of other numbers than"),
        ("", "and the study does not tell whether they compute the same"),
    ):
        relog(begun, [changed(line, programs=programs_named)])
        told = rf"code that trains was '0badc0de' \(a hash of its source\), now .*{reason}"
        for asked in (GATES, GATES | {"restarts": 70}):
            with pytest.raises(runner.StudyError, match=told):
                runner.sweep(asked, begun.path, client)
    assert len(begun.commits()) == 1


@pytest.mark.parametrize("spoil", ["no programs", "a damaged shard", "another Arrow", "no shard"])
def test_what_does_not_tell_goes_on_with_its_own_versions_alone(begun, client, spoil) -> None:
    (commit,) = begun.commits()
    if spoil == "no programs":
        relog(begun, [changed(commit.line(), programs="")])
    elif spoil == "a damaged shard":
        begun.shard_path(commit.batch).write_bytes(b"damaged")
    elif spoil == "no shard":
        begun.shard_path(commit.batch).unlink()
    else:
        seal(begun, {"pyarrow": "0.1"})  # whose name is in every file
    with pytest.raises(runner.StudyError, match=r"pytensor was '0\.1'"):
        runner.sweep(GATES, begun.path, client)


@pytest.mark.skipif(OTHER is None, reason="no environment of another Python: .venv, .venv313")
def test_two_pythons_with_their_own_versions_continue_each_other(
    begun, trained, client, tmp_path
) -> None:
    """The locks have another PyTensor, LLVM, NumPy and SciPy for each of them."""
    script = "import json, sys, runner; runner.sweep(json.loads(sys.argv[1]), sys.argv[2])"

    def sweep(path: Path) -> None:
        command = [OTHER, "-W", "ignore", "-c", script, json.dumps(GATES), path]
        subprocess.run(command, env=os.environ | {"PYTHONPATH": os.getcwd()}, check=True)

    seal(begun, versions())
    sweep(begun.path)
    assert shards(begun.path) == shards(trained)
    theirs = Store(tmp_path / "theirs")
    sweep(theirs.path)
    assert theirs.read_plan()[1]["pytensor"] != versions()["pytensor"]
    assert shards(theirs.path) == shards(trained)
    first, *others = theirs.commits()
    relog(theirs, [first.line()])
    for commit in others:
        theirs.shard_path(commit.batch).unlink()
    assert runner.sweep(GATES, theirs.path, client).complete
    assert shards(theirs.path) == shards(trained)
