"""The studies below a folder: one row each, whatever state they are in."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.crafted import crafted
from typer.testing import CliRunner

from runner.cli.app import app
from runner.errors import StudyError
from runner.experiment.content_hash import digest
from runner.study.catalogue import State, catalogue

ROOT = Path(__file__).parents[2]
GRID = {"name": "many", "problem": {"gate": "XOR"}, "grid": {"init.scale": [0.5, 1.0, 2.0]}}


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "results"
    crafted(top / "b" / "done", {0: [5, 7, 9]}, {0: [True, False, True]}, failed=(1,))
    steps, solved = {c: [5, 6] for c in range(3)}, {c: [True, False] for c in range(3)}
    crafted(top / "a", steps, solved, GRID, commit=False)
    return top


def rows(top: Path, **options: bool) -> dict[str, tuple[object, ...]]:
    return {
        e.path: (e.state, e.configurations, e.restarts, e.done, e.failed, e.solved)
        for e in catalogue(top, **options)
    }


def rewrite_plan(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "plan.json").read_bytes())
    del content["sha256"]
    content |= changes
    (folder / "plan.json").write_text(json.dumps(content | {"sha256": digest(content)}))


def test_every_study_is_a_row_with_what_is_done(folder) -> None:
    assert rows(folder) == {
        "a": (State.UNFINISHED, 3, 6, 0, 0, None),
        "b/done": (State.FINISHED, 1, 3, 3, 1, None),
    }
    assert rows(folder, solved=True)["b/done"][-1] == 2
    done = catalogue(folder)[1]
    shards = sum(path.stat().st_size for path in (folder / "b/done/shards").rglob("*.parquet"))
    assert (done.name, done.size) == ("crafted", shards)
    assert rows(folder / "a") == {".": (State.UNFINISHED, 3, 6, 0, 0, None)}


def test_damaged_and_foreign_studies_are_rows_with_a_word(folder) -> None:
    for name in ("plan", "log", "gone", "later", "strange", "shard"):
        shutil.copytree(folder / "b/done", folder / name)
    (folder / "plan/plan.json").write_text("{")
    (folder / "log/commits.jsonl").write_text("nonsense\n")
    (folder / "gone/plan.json").unlink()
    rewrite_plan(folder / "later", format=99)
    rewrite_plan(folder / "strange", plan={"experiment": {"name": "x"}})
    for path in (folder / "shard/shards").rglob("*.parquet"):
        path.write_bytes(b"PAR1")
    states = {entry.path: (entry.state, bool(entry.problem)) for entry in catalogue(folder)}
    assert states == {
        "a": (State.UNFINISHED, False),
        "b/done": (State.FINISHED, False),
        "gone": (State.DAMAGED, True),
        "later": (State.OTHER_VERSION, True),
        "log": (State.DAMAGED, True),
        "plan": (State.DAMAGED, True),
        "shard": (State.FINISHED, False),  # as far as plan and log tell
        "strange": (State.OTHER_VERSION, True),
    }
    assert rows(folder, solved=True)["shard"][0] is State.DAMAGED


def test_no_link_is_followed(folder, tmp_path) -> None:
    outside = tmp_path / "outside"
    shutil.move(folder / "b", outside)
    (folder / "link").symlink_to(outside)
    (folder / "linked").mkdir()
    (folder / "linked/plan.json").symlink_to(outside / "done/plan.json")
    assert {path: row[0] for path, row in rows(folder).items()} == {
        "a": State.UNFINISHED,
        "linked": State.DAMAGED,
    }


def test_the_command_prints_a_table_json_and_csv(folder) -> None:
    def output(*words: str) -> str:
        done = CliRunner().invoke(app, ["list", str(folder), *words], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.stderr
        return done.stdout

    words = output("--solved").split()
    # 100.00% of the two that could be trained
    assert {"a", "many", "unfinished", "b/done", "crafted", "finished", "100.00%"} <= {*words}
    found = json.loads(output("--format", "json"))
    assert [entry["restarts"] for entry in found] == [6, 3]
    read = csv.DictReader(io.StringIO(output("--format", "csv")))
    assert [row["path"] for row in read] == ["a", "b/done"]


def test_a_folder_without_studies_says_so_and_none_is_an_error(tmp_path) -> None:
    done = CliRunner().invoke(app, ["list", str(tmp_path)])
    assert (done.exit_code, "no studies" in done.stdout) == (0, True)
    missing = CliRunner().invoke(app, ["list", str(tmp_path / "none")])
    assert (missing.exit_code, "does not exist" in missing.stderr) == (3, True)
    with pytest.raises(StudyError, match="is a URI"):
        catalogue("ftp://bucket/results")


def test_a_list_loads_no_tables(folder) -> None:
    code = (
        "import sys; from runner.study.catalogue import catalogue; catalogue(sys.argv[1]);"
        "sys.exit(bool({'pandas', 'pytensor', 'scipy'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, env=os.environ, check=True)
