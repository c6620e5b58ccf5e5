"""The commands of docs/cluster.md for several hosts run, all hosts being this one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
import yaml

from runner.engines.versions import PACKAGES
from runner.study.study import open_study

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "cluster.md").read_text()
ONLY_IN_COMPOSE = ("--dashboard-address", "--death-timeout")
SMALL = ["--restarts", "20", "--set", "training.max_steps=50", "--wait", "60"]


def section(title: str) -> list[str]:
    """Return the commands of a section: its lines that are set off."""
    body = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line.strip() for line in re.findall(r"^    (\S.*)$", body, flags=re.MULTILINE)]


def listening_beyond_loopback(pid: int) -> set[int]:
    """Return the ports on which a process and its children listen for other machines."""
    process = psutil.Process(pid)
    return {
        connection.laddr.port
        for each in (process, *process.children(recursive=True))
        for connection in each.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
        and not ip_address(connection.laddr.ip).is_loopback
    }


def assert_demands_certificate(port: int) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
        context.wrap_socket(plain) as wrapped,
    ):
        wrapped.recv(1)


def test_all_that_is_compared_is_named() -> None:
    text = " ".join(TEXT.split())
    (said,) = re.findall(
        r"every worker for its versions of (.*?) and the runner, with a hash", text
    )
    assert said.lower().split(", ") == ["python", *PACKAGES]


def test_the_commands_for_several_hosts_run(tmp_path) -> None:
    for name in ("runner", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    certificates, scheduler, worker, sweep = section("Several hosts, by hand")

    def start(command: str, *more: str) -> subprocess.Popen[str]:
        command = command.replace("HOST", "127.0.0.1").replace("8786", port)
        # the dashboard's port may be taken here
        words = shlex.split(command.replace("127.0.0.1:8787", "127.0.0.1:0"))
        settings = dict(word.split("=", 1) for word in words if word.startswith("DASK_CONFIG="))
        words = [word for word in words if not word.startswith("DASK_CONFIG=")]
        assert words.pop(0) == "python"
        return subprocess.Popen(
            [sys.executable, *words, *more],
            cwd=tmp_path,
            env=os.environ | settings,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    made, _ = start(certificates).communicate(timeout=60)
    assert "authority.key" in made
    servers = [start(scheduler), start(worker.replace("--nworkers 8", "--nworkers 1"))]
    try:
        client = start(sweep, *SMALL)
        output, _ = client.communicate(timeout=240)
        beyond = {n for server in servers for n in listening_beyond_loopback(server.pid)}
        for number in beyond:
            assert_demands_certificate(number)
    finally:
        for server in reversed(servers):
            server.terminate()
            server.communicate(timeout=60)
    assert client.returncode == 0, output
    assert int(port) in beyond
    study = open_study(tmp_path / "results" / "gates")
    assert study.complete
    assert len(study.restarts) == 120


def test_the_command_for_a_shared_file_system_runs(tmp_path) -> None:
    (command,) = section("A shared file system")
    words = [*shlex.split(command), *SMALL, "--workers", "1"]
    assert words.pop(0) == "python"
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    study = open_study(tmp_path / "results" / "gates")
    assert study.complete
    assert not (study.path / "staging").exists()


def test_the_manifest_is_yaml_and_says_what_compose_says() -> None:
    body = TEXT.split("\n    apiVersion:")[1].split("\n\nThe operator")[0]
    manifest = yaml.safe_load("\n".join(line[4:] for line in f"    apiVersion:{body}".splitlines()))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    workers = manifest["spec"]["worker"]["spec"]["containers"][0]["command"]
    for option in compose["services"]["cpu-worker"]["command"]:
        if option.partition("=")[0] not in ("tls://scheduler:8786", *ONLY_IN_COMPOSE):
            assert option in workers
    for role in ("scheduler", "worker"):
        (container,) = manifest["spec"][role]["spec"]["containers"]
        assert container["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    "name", re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? ", TEXT, flags=re.MULTILINE)
)
def test_the_variables_of_compose_are_its_own(name) -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for variable in filter(None, name):
        assert f"${{{variable}:-" in compose
