"""Kill analyses, maps and sweeps by URL at every request to the store: `make crash-objects`.

Killed is the client, before the n-th request is answered; it pushes all the time meanwhile. After
each kill what is in the store is a study that opens, and the same command goes on to the same
end: on the same machine after odd requests, after even ones on another, the lease released.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from support.s3_server import EXPERIMENT, URL, S3Server, tell_workers
from support.workers import hashes
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.study import damage
from runner.study.objects.copy import pull
from runner.study.store import Store

ROOT = Path(__file__).parents[2]
PROGRAM = (
    "import sys\n"
    "from runner.study.objects import url_copy; url_copy.INTERVAL_S = 0.05\n"
    "from runner.cli.app import main; main()"
)
EXPERIMENT = EXPERIMENT | {"restarts": 30, "training": {"max_steps": 300}}


@pytest.fixture(autouse=True)
def commands_use_the_scheduler(scheduler, monkeypatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)


def tables(server: S3Server) -> dict[str, bytes]:
    below = server.below("some/gates")
    return {name: data for name, data in below.items() if name.startswith("tables/")}


def kill_at_each_request(
    server: S3Server,
    before: dict[str, bytes],
    words: list[str],
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_whole: Callable[[], None],
) -> None:
    """Kill a command at its first request, its second one and on; it goes on to the same end."""
    for at in itertools.count(1):
        server.objects.clear()
        server.objects |= before
        server.be_well()
        monkeypatch.setenv("RUNNER_CACHE_DIR", str(place / f"{at}-here"))
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            cwd=ROOT,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as victim:
            server.kill_at(at, victim)
        server.be_well()
        if victim.returncode == 0:
            break
        if "studies/some/gates/plan.json" in server.objects:
            pull(URL, place / f"{at}-left")
            store = Store(place / f"{at}-left")
            assert damage.find(store, store.read_plan()[0]) == []
        if at % 2 == 0:
            assert CliRunner().invoke(app, ["release", URL]).exit_code == 0
            monkeypatch.setenv("RUNNER_CACHE_DIR", str(place / f"{at}-there"))
        again = CliRunner().invoke(app, words)
        assert again.exit_code == 0, again.output
        assert server.is_free("some/gates")
        require_whole()
    print(f"\n{' '.join(words)}: killed at each of {at - 1} requests")
    assert at > 10


@pytest.mark.parametrize(
    "command",
    [["analyze"], ["map", "--searches", "30", "--basin-side", "3"], ["report"]],
    ids=lambda words: words[0],
)
def test_a_client_can_be_killed_at_every_request(
    server, client, tmp_path, monkeypatch, command
) -> None:
    runner.sweep(EXPERIMENT, URL, client)
    words = [command[0], URL, *command[1:]]
    trained = dict(server.objects)
    undisturbed = CliRunner().invoke(app, words)
    assert undisturbed.exit_code == 0, undisturbed.output
    expected = tables(server)
    assert expected or command == ["report"]

    def require_whole() -> None:
        assert tables(server) == expected
        assert "report.html" in server.below("some/gates") or command != ["report"]

    kill_at_each_request(server, trained, words, tmp_path, monkeypatch, require_whole)


@pytest.mark.parametrize("shared", [["--shared"], []], ids=["workers write", "workers send"])
def test_a_sweep_can_be_killed_at_every_request(
    server, client, tmp_path, monkeypatch, shared
) -> None:
    """Requests of its workers are counted too; they work on, and write when nobody waits."""
    runner.sweep(EXPERIMENT, tmp_path / "whole", client, batch_size=5)
    tell_workers(os.environ["DASK_SCHEDULER_ADDRESS"])
    (tmp_path / "e.toml").write_text(tomli_w.dumps(EXPERIMENT))
    words = ["sweep", str(tmp_path / "e.toml"), "--out", URL, *shared, "--batch-size", "5"]

    def require_whole() -> None:
        shutil.rmtree(tmp_path / "pulled", ignore_errors=True)
        pull(URL, tmp_path / "pulled")
        assert hashes(tmp_path / "pulled") == hashes(tmp_path / "whole")
        logs = [Store(tmp_path / name).log.lines()[0] for name in ("pulled", "whole")]
        assert sorted(logs[0]) == sorted(logs[1])

    kill_at_each_request(server, {}, words, tmp_path, monkeypatch, require_whole)
