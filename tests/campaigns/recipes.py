"""Recipes of docs/cluster.md and docs/other-tools.md: `pytest tests/campaigns/recipes.py`.

Not collected by `make test`. Slurm's run on a Slurm of one node that is started here, as root, by
`slurm-wlm` and `munge` from Debian, with `dask-jobqueue` and with `submitit`. Kubernetes' manifest
goes through the code and the schema of `dask-kubernetes`, and what the operator makes of it through
those of Kubernetes, in `kubernetes-validate`. None of these is in the lock; a recipe that lacks its
own is skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.study.study import open_study

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "cluster.md").read_text()
LONG_S = 900  # no test waits this long, unless it is about to fail


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A Slurm of this machine as its only node, on loopback."""
    for program in ("munged", "slurmctld", "slurmd"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            pytest.skip(f"no {program}")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    host = socket.gethostname().partition(".")[0]
    for name in ("state", "spool"):
        (tmp_path / name).mkdir()
    (tmp_path / "slurm.conf").write_text(
        f"ClusterName=one\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\n"
        f"SlurmctldPort={free_port()}\nSlurmdPort={free_port()}\n"
        f"StateSaveLocation={tmp_path}/state\nSlurmdSpoolDir={tmp_path}/spool\n"
        f"SlurmctldPidFile={tmp_path}/slurmctld.pid\nSlurmdPidFile={tmp_path}/slurmd.pid\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\n"
        "SelectType=select/cons_tres\nSelectTypeParameters=CR_Core_Memory\n"
        f"SlurmdParameters=config_overrides\nNodeName={host} NodeAddr=127.0.0.1 CPUs=4 "
        f"RealMemory=16000\nPartitionName=main Nodes={host} Default=YES State=UP\n"
    )
    if subprocess.run(["munge", "-n"], capture_output=True).returncode:
        # as Debian's service does
        subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", "/run/munge"], check=True)
        subprocess.run(["runuser", "-u", "munge", "--", "munged"], check=True)
    logs = (tmp_path / "slurm.log").open("w")
    daemons = [
        subprocess.Popen([name, "-D"], stdout=logs, stderr=logs) for name in ("slurmctld", "slurmd")
    ]
    try:
        wait_for(["sinfo", "--noheader", "--format", "%T"], "idle")
        yield
        wait_for(["squeue", "--noheader"], "")  # a sweep that is over leaves no job behind
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()
        logs.close()


def wait_for(command: list[str], answer: str) -> None:
    end = time.monotonic() + LONG_S
    found = ""
    while time.monotonic() < end:
        done = subprocess.run(command, capture_output=True, text=True)
        found = done.stdout.strip() if done.returncode == 0 else done.stderr
        if found == answer:
            return
        time.sleep(0.2)
    pytest.fail(f"{command}: {found}")


@pytest.mark.timeout(LONG_S)
def test_slurm_runs_the_recipe(slurm, tmp_path) -> None:
    pytest.importorskip("dask_jobqueue")
    for name in ("runner", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "private").mkdir(mode=0o700)
    code = textwrap.dedent("\n".join(re.findall(r"^    .*$|^$", section("Slurm"), flags=re.M)))
    small = (
        '{"name": "gates", "restarts": 200, "problem": {"gate": "XOR"}, '
        '"training": {"max_steps": 1000}}'
    )
    dashboard = '"dashboard_address": "127.0.0.1:0"'
    for old, new in {
        "/shared/runner": str(tmp_path),
        "/shared/private-to-you": f"{tmp_path}/private",
        '"4GB"': '"2GB"',
        "jobs=64": "jobs=2",
        '"experiments/gates.toml"': f"{small}, batch_size=10",
        dashboard: f'{dashboard}, "host": "127.0.0.1"',
    }.items():
        assert old in code, old
        code = code.replace(old, new)
    (tmp_path / "sweep.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "sweep.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    study = open_study(tmp_path / "results" / "gates")
    assert study.complete
    lines = (study.path / "telemetry" / "batches.jsonl").read_text().splitlines()
    assert len(lines) == 20
    for secret in (tmp_path / "private").iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.timeout(LONG_S)
def test_slurm_runs_parts_that_submitit_sends(slurm, tmp_path) -> None:
    pytest.importorskip("submitit")
    page = (ROOT / "docs" / "other-tools.md").read_text()
    (experiment,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    code = next(b for b in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "submitit" in b)
    assert 'cluster="local"' in code
    (tmp_path / "own.toml").write_text(experiment)
    (tmp_path / "script.py").write_text(code.replace('cluster="local"', 'cluster="slurm"'))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, check=True)
    studies = [open_study(tmp_path / "results" / f"own-{hidden}") for hidden in (2, 3)]
    assert [study.n_done for study in studies] == [200, 200]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("version", ["1.28", "1.32", "1.36"])
def test_the_operator_makes_valid_objects_of_the_manifest(version) -> None:
    pytest.importorskip("dask_kubernetes")
    validate = pytest.importorskip("kubernetes_validate").validate
    from dask_kubernetes.operator.controller import controller
    from dask_kubernetes.operator.validation import validate_cluster_name

    body = section("Kubernetes").split("\n    apiVersion:")[1].split("\n\nThe operator")[0]
    manifest = yaml.safe_load(textwrap.dedent(f"    apiVersion:{body}"))
    name = manifest["metadata"]["name"]
    validate_cluster_name(name)
    schema = Path(controller.__file__).parent.parent / "customresources" / "templates.yaml"
    definitions = yaml.safe_load(schema.read_text())["definitions"]
    known(definitions, "DaskCluster", {k: manifest[k] for k in ("spec",)})
    scheduler, worker = manifest["spec"]["scheduler"], manifest["spec"]["worker"]
    known(definitions, "DaskScheduler", scheduler)
    known(definitions, "DaskWorker", worker)
    made = [
        controller.build_scheduler_deployment_spec(name, scheduler["spec"], {}, {}),
        controller.build_scheduler_service_spec(name, scheduler["service"], {}, {}),
        controller.build_worker_deployment_spec(
            f"{name}-default", "here", name, "1a2b", worker["spec"], {}, {}
        ),
    ]
    for thing in made:
        validate(json.loads(json.dumps(thing)), version, strict=True)
    # the address that workers are given is that of the service
    assert f"tls://{made[1]['metadata']['name']}:8786" in worker["spec"]["containers"][0]["command"]


def known(definitions: dict[str, Any], kind: str, content: dict[str, Any]) -> None:
    """Check that a part of the manifest has the fields that its schema asks for, and no others."""
    schema = definitions[f"dask.k8s.api.v1.{kind}"]
    assert set(schema["required"]) <= content.keys() <= set(schema["properties"])
