"""The command line, as a user types it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
import tomli_w
from support.crafted import EXPERIMENT, crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app

ROOT = Path(__file__).parents[2]
SMALL = ["--restarts", "30", "--set", "training.max_steps=300", "--set", "training.learning_rate=2"]


def command(*arguments: str, **options):
    environment = os.environ | {"COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment | options.pop("env", {}),
        cwd=options.pop("cwd", ROOT),
        **options,
    )


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "gates"
    done = command("sweep", *SMALL, "--out", str(out), "--workers", "1")
    assert done.returncode == 0, done.stderr
    return out, done


def invoke(*arguments: str):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_sweep_without_a_file_runs_the_gates(swept) -> None:
    out, done = swept
    assert "gates: 6 configurations × 30 restarts" in done.stderr
    assert "180 of 180 restarts" in done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["AND", "[]", "30"] in [row[:3] for row in rows]
    line = done.stdout.splitlines()[-1].strip()
    scope: dict = {}
    exec(line, scope)  # noqa: S102  the line of Python that opens the results
    assert scope["study"].complete
    assert scope["study"].path == out


def test_the_same_sweep_again_says_that_it_is_finished(swept) -> None:
    out, _ = swept
    again = command("sweep", *SMALL, "--out", str(out), "--workers", "1")
    assert again.returncode == 0
    assert "Already finished: nothing was left to do." in again.stdout


def test_a_quiet_sweep_loads_no_pandas(swept) -> None:
    out, _ = swept
    _loads_no_pandas("sweep", *SMALL, "--out", str(out), "--quiet")


def test_a_printed_summary_loads_no_pandas(swept) -> None:
    out, _ = swept
    _loads_no_pandas("summary", str(out))
    _loads_no_pandas("sweep", *SMALL, "--out", str(out))  # which is finished


def _loads_no_pandas(*words: str) -> None:
    code = f"""import sys
from runner.cli.app import app
app({list(words)}, standalone_mode=False)
sys.exit("pandas" in sys.modules)"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_changed_sweep_is_refused_with_the_ways_out(swept) -> None:
    out, _ = swept
    refused = invoke("sweep", *SMALL, "--out", out, "--seed", "3")
    assert refused.exit_code == 3
    assert "seed was 1990, now 3" in refused.stderr
    assert "--out" in refused.stderr
    assert "--overwrite" in refused.stderr


def test_status_summary_and_export(swept, tmp_path) -> None:
    out, _ = swept
    study = runner.open_study(out)
    status = invoke("status", out)
    assert "gates: finished, 180 of 180 restarts" in status.stdout
    csv = pd.read_csv(io.StringIO(invoke("summary", out, "--format", "csv").stdout))
    assert csv["solved"].tolist() == study.summary["solved"].tolist()
    rows = json.loads(invoke("summary", out, "--format", "json").stdout)
    assert [row["solved"] for row in rows] == study.summary["solved"].tolist()
    assert "XOR" in invoke("summary", out).stdout
    for name, read in (("all.csv", pd.read_csv), ("all.parquet", pd.read_parquet)):
        done = invoke("export", out, "--to", tmp_path / name)
        assert done.exit_code == 0
        frame = read(tmp_path / name).set_index(["configuration", "restart"])
        assert frame["loss"].tolist() == study.restarts["loss"].tolist()
        assert frame["b2_0"].dropna().tolist() == study.weights["b2[0]"].dropna().tolist()
    assert sorted(os.listdir(tmp_path)) == ["all.csv", "all.parquet"]


def test_what_is_left_of_a_study_is_said_wherever_its_numbers_are(tmp_path) -> None:
    path = crafted(tmp_path / "s", {0: [1] * 4}, {0: [True] * 4}, commit=False).path
    for words in (["--format", "csv"], ["--format", "json"], []):
        assert "Unfinished: 0 of 4 restarts are trained" in invoke("summary", path, *words).stderr
    done = invoke("export", path, "--to", "-", "--format", "csv")
    assert "Unfinished" in done.stderr
    assert "Unfinished" not in done.stdout
    assert "nan" not in invoke("summary", path).stdout  # of configurations without a restart
    assert "Run the same sweep again to continue." in invoke("status", path).stdout
    whole = crafted(tmp_path / "w", {0: [1] * 4}, {0: [True] * 4}).path
    assert not invoke("summary", whole, "--format", "csv").stderr
    assert "Run the same" not in invoke("status", whole).stdout


def test_a_summary_without_a_solved_restart_says_how_many_rows_are_right(tmp_path) -> None:
    never = crafted(tmp_path / "never", {0: [9] * 4}, {0: [False] * 4})
    mean = never.restarts["rows_right"].mean()
    told = " ".join(invoke("summary", never.path).stderr.split())
    assert f"answers all 4 rows right; on average {mean:.1f} are right." in told
    once = crafted(tmp_path / "once", {0: [9] * 4}, {0: [False, True] * 2})
    assert "on average" not in invoke("summary", once.path).stderr


def test_a_dry_run_tells_and_does_nothing(tmp_path) -> None:
    done = invoke("sweep", "--dry-run", "--out", tmp_path / "s", "--grid", "init.scale=0.1,1")
    assert done.exit_code == 0
    text = re.sub(r"\s+", " ", done.stdout)
    assert "12 configurations × 5,000 restarts = 60,000 restarts" in text
    assert "2 compiled functions" in text
    assert "--shared" not in text
    shared = re.sub(
        r"\s+", "", invoke("sweep", "--dry-run", "--shared", "--out", tmp_path / "s").stdout
    )
    assert f"Workerswritetheshardsthemselves(--shared);theymustsee{tmp_path}/s." in shared
    assert not (tmp_path / "s").exists()


def test_what_cannot_be_solved_is_said_before_it_is_trained(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("x,label,y\n0,0,0\n1,0,0\n1,0,1\n")
    (tmp_path / "t.toml").write_text(
        'name = "t"\nrestarts = 2\nproblem.table = "t.csv"\ntraining.max_steps = 5\n'
    )
    dry = invoke("sweep", tmp_path / "t.toml", "--dry-run", "--out", tmp_path / "s").stdout
    out = ("--workers", "1", "--out", str(tmp_path / "s"))
    first = command("sweep", str(tmp_path / "t.toml"), *out).stderr
    for text in (re.sub(r"\s+", " ", dry), first):
        assert "t.csv: 3 rows; inputs x, label; target y." in text
        assert "t.csv: 2 of 3 rows have the inputs of another row, but other targets." in text
        assert "2 of 3 rows right. No restart can be solved." in text
    assert first.index("No restart can be solved") < first.index("2 of 2 restarts")
    assert "No restart" not in command("sweep", str(tmp_path / "t.toml"), *out, "-q").stderr
    assert (
        "out of reach"
        in invoke(
            "sweep",
            "--dry-run",
            "--set",
            "problem.targets=[-1,1]",
            "--set",
            "loss.kind=squared-error",
        ).stdout
    )


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["sweep", "missing.toml"], 2, "missing.toml: the file does not exist"),
        (["sweep", "--set", "training.lr=1"], 2, "training.lr"),
        (["sweep", "--set", "nonsense"], 2, "expected a.b=VALUE"),
        (["sweep", "--grid", "problem.gate=XOR,XNORR"], 2, "Did you mean 'XNOR'?"),
        (["sweep", "--restarts", "0"], 2, "restarts is 0"),
        (["sweep", "--engine", "torch"], 2, "engine (--engine) is 'torch'"),
        (["sweep", "--workers", "0"], 2, "Invalid value for '--workers': '0' "),
        (["sweep", "--device", "tpu"], 2, "for '--device': 'tpu' is not one of 'auto'"),
        (["sweep", "new.toml"], 2, "Make one with `python -m runner init new.toml`."),
        (["sweep", "--audit", "2"], 2, "audit (--audit) is 2.0; expected a share from 0 to 1"),
        (
            ["sweep", "--max-failures", "-1"],
            2,
            "max_failures (--max-failures) is -1; expected an integer >= 0",
        ),
        (
            ["sweep", "--deadline", "0"],
            2,
            "deadline_s (--deadline) is 0.0; expected more than 0 seconds",
        ),
        (["status", "nowhere"], 3, "no study here"),
        (["summary", "nowhere"], 3, "no study here"),
        (["summary", "Makefile"], 3, "no study here (it is a file); expected a study's folder."),
        (["export", "nowhere", "--to", "x.txt"], 2, "ends in .csv or .json or"),
        (["export", "nowhere", "--to", "-"], 2, "--format is missing"),
        (["export", "nowhere", "--to", "-", "--format", "csv"], 3, "no study here"),
        (["export", "nowhere", "--to", "-", "--format", "zarr"], 2, "--format is zarr; expected"),
        (["export", "nowhere", "--to", "x.csv", "--table", "sumary"], 2, "Did you mean 'summary'?"),
        (["export", "nowhere", "--to", "x.nc", "--table", "summary"], 2, "expected restarts as"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(arguments, code, text) -> None:
    done = invoke(*arguments)
    assert done.exit_code == code
    assert text in re.sub(r"\s*│?\n│?\s*", " ", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_sweep_some_of_whose_restarts_failed_ends_with_code_5(tmp_path) -> None:
    steps, solved = {0: [9, 9, 9, 9]}, {0: [True] * 4}
    study = crafted(tmp_path / "s", steps, solved, failed=(1, 3))
    file = tmp_path / "experiment.toml"
    file.write_text(tomli_w.dumps(study.experiment.model_dump(mode="json")))
    done = invoke("sweep", file, "--batch-size", 4, "--out", study.path)
    assert done.exit_code == 5
    assert "Already finished: nothing was left to do." in done.stdout
    assert "2 restarts could not be trained: see study.failures." in done.stderr
    one = crafted(tmp_path / "one", steps, solved, failed=(1,))
    done = invoke("sweep", file, "--batch-size", 4, "--out", one.path, "--quiet")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "1 restart could not be trained: see study.failures." in done.stderr
    none = crafted(tmp_path / "none", steps, solved)
    assert invoke("sweep", file, "--batch-size", 4, "--out", none.path).exit_code == 0


def test_one_of_anything_has_no_plural(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9]}, {0: [True]}, {**EXPERIMENT, "name": "one"})
    assert (
        "one: finished, 1 of 1 restart, 1 of 1 batch, 0 failed"
        in invoke("status", study.path).stdout
    )
    file = tmp_path / "experiment.toml"
    file.write_text(tomli_w.dumps(study.experiment.model_dump(mode="json")))
    text = re.sub(r"\s+", " ", invoke("sweep", file, "--dry-run", "--workers", 1).stdout)
    assert "one: 1 configuration × 1 restart = 1 restart in 1 batch; 1 compiled function;" in text
    assert "on 1 worker of this kind" in text
    (shard,) = (study.path / "shards").rglob("*.parquet")
    shard.unlink()
    damaged = invoke("verify", study.path)
    assert damaged.exit_code == 3
    assert "1 problem. `python -m runner verify" in damaged.stderr


def test_help_names_every_exit_code() -> None:
    text = re.sub(r"\s+", " ", invoke("--help").stdout)
    for code in ("0 done", "1 other", "2 wrong", "3 study", "4 cluster", "5 done", "130 inter"):
        assert code in text


def shard_hashes(folder: Path) -> list[str]:
    shards = sorted((folder / "shards").rglob("*.parquet"))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in shards]


def test_ctrl_c_keeps_what_is_committed_and_says_how_to_go_on(tmp_path) -> None:
    long = ["--restarts", "400", "--batch-size", "40", "--set", "training.max_steps=2000"]
    long += ["--set", "problem.gate=XOR", "--set", "network.hidden=[2]"]
    arguments = ["sweep", *long, "--out", str(tmp_path / "s"), "--workers", "1"]
    with (
        TemporaryDirectory() as temporary,  # whose name is short enough for a socket in it
        subprocess.Popen(
            [sys.executable, "-m", "runner", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
            env=os.environ | {"TMPDIR": temporary},
        ) as process,
    ):
        for line in process.stderr:
            if " of 400 restarts" in line:
                before = os.listdir(temporary)
                process.send_signal(signal.SIGINT)
                break
        assert [name for name in before if name.startswith("pymp-")]
        rest = process.stderr.read()
        assert process.wait() == 130, rest
        assert not [name for name in os.listdir(temporary) if name.startswith("pymp-")]
    assert "Interrupted." in rest
    assert "the same command continues it" in rest
    assert "Traceback" not in rest
    done = command(*arguments)
    assert done.returncode == 0
    whole = command(*arguments[:-4], "--out", str(tmp_path / "whole"), "--workers", "2")
    assert whole.returncode == 0
    assert shard_hashes(tmp_path / "s") == shard_hashes(tmp_path / "whole")


# Runs the program, and presses Ctrl-C twice when it comes to import a module.
IMPATIENT = """
import os, runpy, signal, sys

class Impatient:
    module = sys.argv.pop(1)

    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
runpy.run_module("runner", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["typer", "pydantic", "distributed", "runner.dispatch.tasks.loop"]
)
def test_ctrl_c_is_one_line_from_the_first_moment_on(tmp_path, module) -> None:
    arguments = ["sweep", "--out", str(tmp_path / "s")]
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT, module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 130
    assert re.fullmatch(r"(?s:gates: .*\n)?\nInterrupted\..*\n", done.stderr)


def test_an_output_that_cannot_be_written_is_said_in_one_line(swept) -> None:
    out, _ = swept
    command = [sys.executable, "-m", "runner", "summary", str(out), "--format", "csv"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "The output cannot be written: No space left on device." in done.stderr
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    closed = ["sh", "-c", 'exec "$0" "$@" >&-', *command]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_sweep_trains_with_its_output_closed(tmp_path, closed) -> None:
    out = tmp_path / "s"
    words = [
        "-m",
        "runner",
        "sweep",
        "experiments/gates.toml",
        "--restarts",
        "4",
        "--out",
        str(out),
    ]
    shell = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, *words]
    done = subprocess.run(shell, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(runner.open_study(out).restarts) == 24


def test_a_narrow_terminal_and_the_c_locale(swept) -> None:
    out, _ = swept
    narrow = {"COLUMNS": "40", "LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    for arguments, expected in (
        (("summary", str(out)), "XOR"),
        (("sweep", "--dry-run"), "2-2-1"),
        (("status", str(out)), "XOR"),
    ):
        done = command(*arguments, env=narrow)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_a_pipe_gets_rows_that_are_not_folded() -> None:
    script = "from runner.cli.console import out_console; print(out_console.width)"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    for extra, width in (({}, "160"), ({"COLUMNS": "100"}, "100")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env=environment | extra,
            cwd=ROOT,
        )
        assert done.stdout.strip() == width
