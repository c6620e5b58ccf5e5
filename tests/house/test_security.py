"""What a default sweep exposes, and that nothing from disk is ever executed."""

from __future__ import annotations

import ast
import ipaddress
import os
import pickle
import re
from pathlib import Path

import psutil
import pytest
from packaging.version import Version

import runner
from runner.cluster.client import open_client
from runner.cluster.options import ClusterOptions
from runner.experiment import given_starts, toml_file
from runner.experiment.conflicts import layers
from runner.experiment.formats import base
from runner.network.custom import source
from runner.study import commits, hashed_json
from runner.study.store import Store
from runner.study.tables import analysis_tables

ROOT = Path(__file__).parents[2]


def listening() -> set[tuple[str, int]]:
    """Addresses on which this process and its children listen."""
    me = psutil.Process()
    return {
        (connection.laddr.ip, connection.laddr.port)
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_sizes_are_bounded_as_the_page_says() -> None:
    said = " ".join((ROOT / "SECURITY.md").read_text().split())
    values = round(analysis_tables._MAX_VALUES / 1e6)
    for bound in (
        f"{toml_file.MAX_BYTES >> 20} MiB for an experiment",
        f"{base.MAX_BYTES >> 20} MiB and {base.MAX_ROWS:,} rows for a table",
        f"{given_starts.MAX_BYTES >> 20} MiB and a million numbers for given starts",
        f"{source.MAX_BYTES >> 10} KiB for a custom model",
        f"{hashed_json.MAX_BYTES >> 20} MiB for a plan with all its rounds",
        f"{commits.MAX_BYTES >> 30} GiB for a log",
        f"{analysis_tables.MAX_BYTES >> 30} GiB and {values} million values for a table of an",
    ):
        assert bound in said, bound
    assert layers.MAX_PARAMETERS == given_starts.MAX_NUMBERS == 10**6
    assert "a million weights for a network" in said


def test_an_embedded_cluster_listens_on_loopback_only() -> None:
    before = listening()  # other tests' clusters live in this process too
    with open_client(ClusterOptions(workers=1)):
        sockets = listening() - before
    assert len(sockets) >= 3  # scheduler, dashboard, worker
    for address, port in sockets:
        assert ipaddress.ip_address(address).is_loopback, f"{address}:{port}"


UNPICKLERS = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "yaml"}
CALLS = {"eval", "exec", "compile", "__import__", "read_pickle", "unsafe_load"}


def test_nothing_is_unpickled_or_executed() -> None:
    """But a custom model, and messages, which Dask unpickles anyway: in one module each."""
    for path in (ROOT / "runner").rglob("*.py"):
        trusted = path.as_posix().endswith("network/custom/execution.py")
        of_messages = path.as_posix().endswith("dispatch/staged_training.py")
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                unpickles = name.partition(".")[0] in UNPICKLERS
                assert not unpickles or (of_messages and name == "pickle"), path
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name):
                # an engine's own function is called compile too, but never by its bare name
                calls = CALLS - {"exec", "compile"} if trusted else CALLS
                assert called.id not in calls, f"{path}:{node.lineno}"
            if isinstance(called, ast.Attribute):
                assert called.attr not in CALLS - {"compile"}, f"{path}:{node.lineno}"
                of_numpy = isinstance(called.value, ast.Name) and called.value.id in ("np", "numpy")
                assert not (of_numpy and called.attr == "load"), f"{path}:{node.lineno}"
            assert "allow_pickle" not in {keyword.arg for keyword in node.keywords}, path


# Package, first version without the issue, issue.
FIXED = [
    ("distributed", "2026.1.0", "CVE-2026-23528"),
    ("pyarrow", "14.0.1", "CVE-2023-47248"),
    ("jinja2", "3.1.6", "CVE-2025-27516"),
    ("tornado", "6.5", "CVE-2025-47287"),
]


@pytest.mark.parametrize(("package", "fixed", "issue"), FIXED)
def test_the_lock_has_no_version_with_a_known_issue(package, fixed, issue) -> None:
    for name in ("runner.txt", "dev.txt", "cuda.txt", "cuda-core.txt", "theano.txt"):
        text = (ROOT / "requirements" / name).read_text()
        pins = re.findall(rf"^{package}==([^ ;\\]+)", text, re.MULTILINE)
        assert all(Version(pin) >= Version(fixed) for pin in pins), f"{name}: {issue}"
        assert pins or package not in ("distributed", "pyarrow"), name


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
