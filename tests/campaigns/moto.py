"""Push and pull against moto's S3, which knows nothing of this project: `make test-objects`."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.in_process import swept
from support.s3_server import EXPERIMENT, URL

import runner
from runner.study.folder import StudyFolder
from runner.study.objects.copy import pull, push, pushing, release
from runner.study.objects.object_store import ObjectStore

ROOT = Path(__file__).parents[2]


@pytest.fixture
def moto(monkeypatch) -> Iterator[None]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    folder = str(ROOT / os.environ.get("RUNNER_MOTO", ".moto"))
    with subprocess.Popen(
        words, env=os.environ | {"PYTHONPATH": folder}, stderr=subprocess.DEVNULL
    ) as server:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request("PUT", "/studies", headers={"Content-Length": "0"})
            except ConnectionError:
                time.sleep(0.2)
            else:
                assert connection.getresponse().status == 200
                break
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
        yield
        server.terminate()


def contents(path: Path) -> dict[str, bytes]:
    found = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    return {name: data for name, data in found.items() if not name.startswith(".")}


def test_a_study_goes_there_and_back_and_two_clients_are_told_apart(moto, tmp_path) -> None:
    study, other = tmp_path / "study", tmp_path / "other"
    # so many shards that their listing has two pages
    many = {"restarts": 300, "grid": {"init.scale": [1.0, 2.0, 3.0, 4.0]}}
    swept(study, EXPERIMENT | many, batch_size=1)
    push(study, URL)
    pull(URL, tmp_path / "pulled")
    assert len(contents(study)) > 1200
    assert contents(tmp_path / "pulled") == contents(study)
    assert push(study, URL).files == 0
    shutil.copytree(study, other)
    (other / ".objects.json").unlink()
    with pushing(StudyFolder(study), ObjectStore(URL)) as first:
        with pytest.raises(runner.StudyError, match="is in use by process"):
            push(other, URL)
        assert str(os.getpid()) in release(URL)
        with pytest.raises(runner.StudyError, match="was released"):
            first.run()
    said = r"s3://nothing/x: cannot be listed: there is no such bucket"
    with pytest.raises(runner.StudyError, match=said):
        push(study, "s3://nothing/x")
