"""The cluster of docker-compose.yml in real containers: `make test-compose`.

Not collected by `make test`: it needs Docker, root or the group docker, and some minutes.
RUNNER_BUILD_OPTIONS goes to `docker build`, for networks that need it. Compose is the plugin of
`docker` where there is one, else docker-compose 1.29.

Nothing here waits for a time: a sweep is paused while containers start, so that it is still in its
middle when they have, and all limits are far away, for busy machines.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.study.commits import parsed

ROOT = Path(__file__).parents[2]
IMAGE = "runner:test"
UID = 1000
SWEEP = (
    "sweep experiments/gates.toml --restarts 10000 --batch-size 100 --set training.max_steps=60000"
    " --grid 'problem.gate=\"XOR\"' --grid network.hidden=[2] --wait 300"
)
BATCHES = 100

# Without the fixtures: an image may take its time to build.
pytestmark = pytest.mark.timeout(1200, func_only=True)


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"docker {shlex.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def refused(*arguments: str) -> str:
    """Run a docker command that must fail, and return what it says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert done.returncode, f"docker {shlex.join(arguments)} is not refused: {done.stdout}"
    return done.stderr


def until(condition: Callable[[], Any], what: str, timeout_s: float = 600) -> Any:
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
    """A copy of what a user has: the compose file, experiments and results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.name = f"runner-{uuid.uuid4().hex[:8]}"
        v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
        self.command = ["docker", "compose"] if v2 else ["docker-compose"]
        self.env = os.environ | {
            "RUNNER_IMAGE": IMAGE,
            "DASHBOARD_PORT": str(self.port),
            "COMPOSE_PROJECT_NAME": self.name,
            "RUNNER_UID": str(UID),
            "RUNNER_GID": str(UID),
        }
        shutil.copy(ROOT / "docker-compose.yml", folder)
        shutil.copytree(ROOT / "experiments", folder / "experiments")
        (folder / "results").mkdir()
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

    def ask(self, path: str) -> dict[str, Any]:
        """Return what the scheduler tells on the dashboard's port; nothing while it is away."""
        try:
            address = f"http://127.0.0.1:{self.port}/json/{path}.json"
            return dict(json.load(urllib.request.urlopen(address, timeout=30)))
        except (OSError, http.client.HTTPException):
            return {}

    def workers(self, n: int) -> None:
        until(lambda: self.ask("counts").get("workers") == n, f"{n} workers")

    def run(self, *arguments: str) -> tuple[int, str]:
        return self.compose("run", "--rm", "-T", *arguments)

    def client(self, name: str) -> str:
        """The name of the container in which a sweep runs."""
        return f"{self.name}-{name}"

    def sweep(self, name: str, *more: str) -> subprocess.Popen[str]:
        return self.start(
            *("run", "--rm", "-T", "--name", self.client(name), "runner"),
            *(*shlex.split(SWEEP), "--out", f"results/{name}", *more),
        )

    def commits(self, name: str) -> int:
        log = self.folder / "results" / name / "commits.jsonl"
        return log.read_bytes().count(b"\n") if log.exists() else 0

    def reach(self, name: str, n: int) -> None:
        until(lambda: self.commits(name) >= n, f"commit {n} of {name}")

    def finish(self, name: str, sweep: subprocess.Popen[str]) -> str:
        output, _ = sweep.communicate(timeout=1000)
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
def image() -> str:
    options = shlex.split(os.environ.get("RUNNER_BUILD_OPTIONS", ""))
    docker("build", *options, "-t", IMAGE, str(ROOT))
    return IMAGE


@pytest.fixture(scope="module")
def project(image, tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    try:
        code, output = project.run("certificates")
        assert code == 0, output
        project.up(2)
        project.workers(2)
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


def test_the_image_holds_what_the_lock_says_and_nothing_to_build_with(image) -> None:
    lock = (ROOT / "requirements" / "runner.txt").read_text()
    locked: dict[str, set[str]] = {}  # a version for each Python, where they differ
    for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock, flags=re.MULTILINE):
        locked.setdefault(name, set()).add(version)
    code = (
        "import importlib.metadata as m, json, shutil; print(json.dumps({"
        "'there': {d.name.lower().replace('_', '-'): d.version for d in m.distributions("
        "path=['/opt/venv/lib/python3.%d/site-packages' % __import__('sys').version_info[1]])},"
        "'tools': [t for t in ('cc', 'gcc', 'g++', 'ld', 'make', 'git') if shutil.which(t)]}))"
    )
    alone = ("run", "--rm", "--network", "none", "--entrypoint", "python")
    found = json.loads(docker(*alone, image, "-c", code))
    assert found["tools"] == []
    assert len(found["there"]) > 30
    for name, version in found["there"].items():
        assert version in locked[name], name
    config = dict(json.loads(docker("image", "inspect", image))[0])["Config"]
    assert config["User"] == "1000:1000"


def test_without_certificates_nothing_starts(image, tmp_path) -> None:
    project = Project(tmp_path)
    try:
        code, output = project.compose("up", "-d")
        assert code != 0
        assert "bind source path does not exist" in output
        assert not (tmp_path / "certificates").exists()
        code, output = project.run("certificates")
        assert code == 0, output
        secret = (tmp_path / "certificates" / "scheduler.yaml").stat()
        assert (stat.S_IMODE(secret.st_mode), secret.st_uid) == (0o600, UID)
    finally:
        project.down()


def test_no_container_has_more_rights_than_it_needs(project) -> None:
    containers = [*project.containers("scheduler"), *project.containers("cpu-worker")]
    assert len(containers) == 3
    for container in containers:
        host = inspect(container)["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["PidsLimit"] > 0
        assert int(host["LogConfig"]["Config"]["max-file"]) > 0
        assert not host["Privileged"]
        status = docker("exec", container, "cat", "/proc/self/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == [str(UID)] * 4
        assert int(fields["CapEff"], 16) == 0
        assert int(fields["NoNewPrivs"]) == 1
        for path in ("/opt/runner/x", "/work/x", "/certificates.yaml"):
            said = refused("exec", container, "python", "-c", f"open({path!r}, 'a')")
            assert "Read-only file system" in said


def test_containers_are_healthy_and_their_limit_of_memory_is_the_only_one(project) -> None:
    for container in [*project.containers("scheduler"), *project.containers("cpu-worker")]:
        until(lambda c=container: inspect(c)["State"]["Health"]["Status"] == "healthy", "health")
    for worker in project.ask("identity")["workers"].values():
        assert worker["resources"] == {"CPU": 1}
        # Dask would share it out among the cores of the host: too little, where there are many
        assert not worker["memory_limit"]


def test_only_the_dashboard_is_published_and_only_on_loopback(project) -> None:
    published = set()
    for container in [*project.containers("scheduler"), *project.containers("cpu-worker")]:
        for bindings in inspect(container)["NetworkSettings"]["Ports"].values():
            published |= {(b["HostIp"], int(b["HostPort"])) for b in bindings or []}
    assert published == {("127.0.0.1", project.port)}
    address = f"http://127.0.0.1:{project.port}/health"
    until(
        lambda: urllib.request.urlopen(address, timeout=30).read() == b"ok", "a healthy scheduler"
    )
    outside = set(subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split())
    for host in outside:
        for port in (8786, project.port):
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
                s.settimeout(2)
                assert s.connect_ex((host, port)) != 0, f"{host}:{port} answers"


@pytest.mark.parametrize(
    ("origin", "status"), [("http://127.0.0.1:{port}", 101), ("http://other.example", 403)]
)
def test_pages_of_other_sites_cannot_read_the_dashboard(project, origin, status) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=30)
    connection.request(
        "GET",
        "/status/ws",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "c2l4dGVlbiBsZXR0ZXJzIQ==",
            "Origin": origin.format(port=project.port),
        },
    )
    assert connection.getresponse().status == status
    connection.close()


def test_workers_are_on_a_network_that_leads_nowhere_else(project) -> None:
    for container in project.containers("cpu-worker"):
        (network,) = inspect(container)["NetworkSettings"]["Networks"]
        assert json.loads(docker("network", "inspect", network))[0]["Internal"]


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
    code, output = project.run("certificates", "certificates", "/here/other")
    assert code == 0, output
    other = project.folder / "other" / "client.yaml"
    mount = ("-v", f"{other}:/other.yaml:ro", "-e", "DASK_CONFIG=/other.yaml")
    code, output = project.run(*mount, "runner", *short)
    assert code == 4, output
    assert "made together" in " ".join(output.split())


def test_workers_come_and_die_and_the_bytes_stay(project, local) -> None:
    sweep = project.sweep("workers")
    project.reach("workers", 10)
    docker("pause", project.client("workers"))
    before = set(project.containers("cpu-worker"))
    project.up(3)
    project.workers(3)
    (joined,) = set(project.containers("cpu-worker")) - before
    docker("unpause", project.client("workers"))
    # the new worker trains before the sweep is over
    telemetry = project.folder / "results" / "workers" / "telemetry" / "batches.jsonl"
    until(lambda: f'"host": "{joined[:12]}"' in telemetry.read_text(), "work for a new worker")
    assert project.commits("workers") < BATCHES
    docker("kill", sorted(before)[0])
    project.finish("workers", sweep)
    assert project.hashes("workers") == local


def test_a_killed_scheduler_comes_back_and_the_bytes_stay(project, local) -> None:
    project.up(2)
    project.workers(2)
    (scheduler,) = project.containers("scheduler")
    process = inspect(scheduler)["State"]["Pid"]
    sweep = project.sweep("scheduler")
    project.reach("scheduler", 20)
    # as a crash would: Docker starts it again, and the workers, which end with it
    os.kill(process, signal.SIGKILL)
    assert project.commits("scheduler") < BATCHES
    project.finish("scheduler", sweep)
    assert inspect(scheduler)["RestartCount"] >= 1
    assert project.hashes("scheduler") == local


def test_a_stopped_scheduler_ends_a_sweep_that_the_same_command_finishes(project, local) -> None:
    project.workers(2)
    (scheduler,) = project.containers("scheduler")
    sweep = project.sweep("stopped", "--wait", "10")  # the last of two counts
    project.reach("stopped", 20)
    docker("kill", scheduler)  # which Docker takes for a wish: it does not start it again
    output, _ = sweep.communicate(timeout=600)
    assert sweep.returncode == 4, output
    assert "run the same command again" in " ".join(output.split())
    done = project.commits("stopped")
    assert 20 <= done < BATCHES
    project.up(2)
    project.finish("stopped", project.sweep("stopped"))
    assert project.hashes("stopped") == local


def test_a_worker_cut_from_the_network_loses_nothing(project, local) -> None:
    project.up(2)
    project.workers(2)
    worker = sorted(project.containers("cpu-worker"))[0]
    (network,) = inspect(worker)["NetworkSettings"]["Networks"]
    sweep = project.sweep("cut")
    project.reach("cut", 20)
    docker("network", "disconnect", network, worker)
    assert project.commits("cut") < BATCHES
    project.reach("cut", 40)
    docker("network", "connect", network, worker)
    project.finish("cut", sweep)
    assert project.hashes("cut") == local


def test_gpu_workers_share_the_work_with_cpu_workers(project) -> None:
    """The service of GPU workers as it is, but for the GPUs: CPU workers that pretend."""
    compose = yaml.safe_load((project.folder / "docker-compose.yml").read_text())
    service = compose["services"]["gpu-worker"]
    del service["deploy"], service["build"]
    service["environment"] |= {"RUNNER_PRETEND_GPU": "1"}
    (project.folder / "pretend.yml").write_text(yaml.safe_dump(compose))
    project.env |= {"RUNNER_CUDA_IMAGE": IMAGE, "GPUS": "2"}
    project.command = [*project.command, "-f", "pretend.yml", "--profile", "gpu"]
    project.up(1)
    project.workers(3)
    workers = project.ask("identity")["workers"].values()
    gpus = {w["name"] for w in workers if w["resources"] == {"GPU": 1}}
    assert gpus == {"gpu-0", "gpu-1"}
    (container,) = project.containers("gpu-worker")
    until(lambda: inspect(container)["State"]["Health"]["Status"] == "healthy", "health")
    small = ("--restarts", "2000", "--batch-size", "20", "--set", "training.max_steps=100")
    output = project.finish("gpu", project.sweep("gpu", *small))
    log = project.folder / "results" / "gpu" / "commits.jsonl"
    devices = {parsed(line.encode()).device for line in log.read_text().splitlines()}
    assert "gpu" in devices, output
    assert devices <= {"cpu", "gpu"}
