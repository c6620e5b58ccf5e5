"""What a default sweep exposes, and that nothing from disk is ever executed."""

from __future__ import annotations

import ast
import ipaddress
import os
import pickle
from pathlib import Path

import psutil
import pytest

import runner
from runner.cluster import open_client
from runner.store import Store

ROOT = Path(__file__).parent.parent


def listening() -> set[tuple[str, int]]:
    """Addresses on which this process and its children listen."""
    me = psutil.Process()
    return {
        (connection.laddr.ip, connection.laddr.port)
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_an_embedded_cluster_listens_on_loopback_only() -> None:
    before = listening()  # other tests' clusters live in this process too
    with open_client(workers=1):
        sockets = listening() - before
    assert len(sockets) >= 3  # scheduler, dashboard, worker
    for address, port in sockets:
        assert ipaddress.ip_address(address).is_loopback, f"{address}:{port}"


def test_nothing_is_unpickled() -> None:
    for path in (ROOT / "runner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                head = name.partition(".")[0]
                assert head not in ("pickle", "cloudpickle", "shelve", "marshal", "joblib"), path


class Bomb:
    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self):
        return os.mkdir, (str(self.flag),)


@pytest.mark.parametrize("name", ["plan.json", "commits.jsonl", "experiment.toml"])
def test_a_pickle_in_a_study_is_not_run(tmp_path, name) -> None:
    flag = tmp_path / "exploded"
    study = tmp_path / "study"
    study.mkdir()
    (study / name).write_bytes(pickle.dumps(Bomb(flag)))
    with pytest.raises(runner.StudyError):
        runner.open_study(study)
    with pytest.raises(runner.StudyError):
        Store(study).read_plan()
    assert not flag.exists()
