"""The cluster of docker-compose.yml in real containers: `make test-compose`.

Not collected by `make test`: it needs Docker, root or the group docker, and some minutes.
RUNNER_BUILD_OPTIONS goes to `docker build`, for networks that need it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.certificates import make_certificates

ROOT = Path(__file__).parent.parent
IMAGE = "runner:test"
UID = 1000
SWEEP = (
    "sweep experiments/gates.toml --restarts 30000 --batch-size 200 --set training.max_steps=15000"
    " --grid 'problem.gate=\"XOR\"' --grid network.hidden=[2]"
)
BATCHES = 150

pytestmark = pytest.mark.timeout(600)


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if check and done.returncode:
        pytest.fail(f"docker {shlex.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def until(condition: Callable[[], Any], what: str, timeout_s: float = 180) -> Any:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    return pytest.fail(f"{what} did not happen within {timeout_s:g} s")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Project:
    """A copy of what a user has: the compose file, experiments, certificates and results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
        self.command = ["docker", "compose"] if v2 else ["docker-compose"]
        self.env = os.environ | {
            "RUNNER_IMAGE": IMAGE,
            "DASHBOARD_PORT": str(self.port),
            "COMPOSE_PROJECT_NAME": f"runner-{uuid.uuid4().hex[:8]}",
            "RUNNER_UID": str(UID),
            "RUNNER_GID": str(UID),
        }
        shutil.copy(ROOT / "docker-compose.yml", folder)
        shutil.copytree(ROOT / "experiments", folder / "experiments")
        (folder / "results").mkdir()
        make_certificates(folder / "certificates", days=1)
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, UID, UID)
        for path in (folder, *list(folder.parents)[:2]):
            path.chmod(0o755)  # pytest's own folders are root's alone

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def compose(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate()
        return process.returncode, output

    def up(self, workers: int) -> None:
        code, output = self.compose("up", "-d", "--scale", f"cpu-worker={workers}")
        assert code == 0, output

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "-q", service)[1].split()

    def run(self, *arguments: str) -> tuple[int, str]:
        return self.compose("run", "--rm", "-T", *arguments)

    def sweep(self, name: str) -> subprocess.Popen[str]:
        return self.start(
            "run", "--rm", "-T", "runner", *shlex.split(SWEEP), "--out", f"results/{name}"
        )

    def commits(self, name: str) -> int:
        log = self.folder / "results" / name / "commits.jsonl"
        return log.read_bytes().count(b"\n") if log.exists() else 0

    def reach(self, name: str, n: int) -> None:
        until(lambda: self.commits(name) >= n, f"commit {n} of {name}")

    def finish(self, name: str, sweep: subprocess.Popen[str]) -> str:
        output, _ = sweep.communicate(timeout=400)
        assert sweep.returncode == 0, output
        assert self.commits(name) == BATCHES
        return output

    def hashes(self, name: str) -> dict[str, str]:
        folder = self.folder / "results" / name / "shards"
        found = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*.parquet")
        }
        assert len(found) == BATCHES
        return found

    def down(self) -> None:
        self.compose("--profile", "run", "down", "-v", "--remove-orphans", "-t", "2")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    options = shlex.split(os.environ.get("RUNNER_BUILD_OPTIONS", ""))
    docker("build", *options, "-t", IMAGE, str(ROOT))
    project = Project(tmp_path_factory.mktemp("project"))
    try:
        project.up(2)
        yield project
    finally:
        project.down()


@pytest.fixture(scope="module")
def local(project) -> dict[str, str]:
    """Shard hashes of the same sweep without a cluster, in one container with no network."""
    docker(
        *("run", "--rm", "--network", "none", "--user", str(UID), "--read-only"),
        *("--tmpfs", "/tmp", "-v", f"{project.folder}/results:/work/results", IMAGE),
        *("runner", *shlex.split(SWEEP), "--out", "results/local", "--quiet"),
    )
    return project.hashes("local")


def inspect(container: str) -> dict[str, Any]:
    return dict(json.loads(docker("inspect", container))[0])


def test_no_container_has_more_rights_than_it_needs(project) -> None:
    containers = [*project.containers("scheduler"), *project.containers("cpu-worker")]
    assert len(containers) == 3
    for container in containers:
        host = inspect(container)["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] > 0
        assert host["PidsLimit"] > 0
        assert not host["Privileged"]
        status = docker("exec", container, "cat", "/proc/self/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == [str(UID)] * 4
        assert int(fields["CapEff"], 16) == 0
        assert int(fields["NoNewPrivs"]) == 1
        for path in ("/opt/runner/x", "/work/x", "/certificates.yaml"):
            code = f"open({path!r}, 'a')"
            refused = docker("exec", container, "python", "-c", f"{code}", check=False)
            assert refused == ""
            assert "x" not in docker("exec", container, "ls", "/opt/runner", "/work").split()


def test_only_the_dashboard_is_published_and_only_on_loopback(project) -> None:
    published = set()
    for container in [*project.containers("scheduler"), *project.containers("cpu-worker")]:
        for bindings in inspect(container)["NetworkSettings"]["Ports"].values():
            published |= {(b["HostIp"], int(b["HostPort"])) for b in bindings or []}
    assert published == {("127.0.0.1", project.port)}
    address = f"http://127.0.0.1:{project.port}/health"
    until(lambda: urllib.request.urlopen(address, timeout=5).read() == b"ok", "a healthy scheduler")
    outside = set(subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split())
    for host in outside:
        for port in (8786, project.port):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
                s.settimeout(2)
                assert s.connect_ex((host, port)) != 0, f"{host}:{port} answers"


def test_a_client_without_a_certificate_is_refused(project) -> None:
    short = ["sweep", "--restarts", "5", "--wait", "5", "--out", "results/refused"]
    code, output = project.run("-e", "DASK_CONFIG=/none", "runner", *short)
    assert code == 4, output
    assert "no certificate to show" in " ".join(output.split())
    plain = [*short, "--scheduler", "tcp://scheduler:8786"]
    code, output = project.run("-e", "DASK_CONFIG=/none", "runner", *plain)
    assert code == 4, output
    assert "expected tls://" in " ".join(output.split())
    code, output = project.run("-e", "DASK_CONFIG=/none", "runner", *plain, "--insecure")
    assert code == 4, output
    assert "no scheduler answers" in " ".join(output.split())
    other = make_certificates(project.folder / "other", days=1) / "client.yaml"
    os.chown(other, UID, UID)
    mount = ("-v", f"{other}:/other.yaml:ro", "-e", "DASK_CONFIG=/other.yaml")
    code, output = project.run(*mount, "runner", *short)
    assert code == 4, output
    assert "made together" in " ".join(output.split())


def test_workers_come_and_die_and_the_bytes_stay(project, local) -> None:
    sweep = project.sweep("workers")
    project.reach("workers", 10)
    before = set(project.containers("cpu-worker"))
    project.up(3)
    (joined,) = set(project.containers("cpu-worker")) - before
    # the new worker trains before the sweep is over
    telemetry = project.folder / "results" / "workers" / "telemetry" / "batches.jsonl"
    until(lambda: f'"host": "{joined[:12]}"' in telemetry.read_text(), "work for a new worker")
    assert project.commits("workers") < BATCHES
    docker("kill", sorted(before)[0])
    project.finish("workers", sweep)
    assert project.hashes("workers") == local


def test_a_killed_scheduler_comes_back_and_the_bytes_stay(project, local) -> None:
    project.up(2)
    sweep = project.sweep("scheduler")
    project.reach("scheduler", 20)
    (scheduler,) = project.containers("scheduler")
    # as a crash would: Docker starts it again, and the workers, which end with it
    os.kill(inspect(scheduler)["State"]["Pid"], signal.SIGKILL)
    project.finish("scheduler", sweep)
    assert inspect(scheduler)["RestartCount"] >= 1
    assert project.hashes("scheduler") == local


def test_a_stopped_scheduler_ends_a_sweep_that_the_same_command_finishes(project, local) -> None:
    sweep = project.sweep("stopped")
    project.reach("stopped", 20)
    (scheduler,) = project.containers("scheduler")
    docker("kill", scheduler)  # which Docker takes for a wish: it does not start it again
    output, _ = sweep.communicate(timeout=120)
    assert sweep.returncode == 4, output
    assert "run the same command again" in " ".join(output.split())
    done = project.commits("stopped")
    assert 20 <= done < BATCHES
    project.up(2)
    project.finish("stopped", project.sweep("stopped"))
    assert project.hashes("stopped") == local


def test_a_worker_cut_from_the_network_loses_nothing(project, local) -> None:
    project.up(2)
    until(lambda: len(project.containers("cpu-worker")) == 2, "two workers")
    sweep = project.sweep("cut")
    project.reach("cut", 20)
    worker = sorted(project.containers("cpu-worker"))[0]
    (network,) = inspect(worker)["NetworkSettings"]["Networks"]
    docker("network", "disconnect", network, worker)
    project.reach("cut", 40)
    docker("network", "connect", network, worker)
    project.finish("cut", sweep)
    assert project.hashes("cut") == local
