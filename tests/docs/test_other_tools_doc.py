"""docs/other-tools.md: what runs without MLflow and submitit; `tests/campaigns` has the scripts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import dask.config
import distributed
import pytest
import yaml

import runner
from runner.cluster.certificates import make_certificates

TEXT = (Path(__file__).parents[2] / "docs" / "other-tools.md").read_text()
SMALL = {"name": "t", "restarts": 20, "problem": {"gate": "AND"}, "training": {"max_steps": 20}}


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return found


def test_the_experiment_loads() -> None:
    runner.load_experiment(tomllib.loads(block("toml")))


def test_the_configuration_is_one_that_dask_knows(tmp_path) -> None:
    assert distributed  # whose defaults are in Dask's configuration once it is loaded
    known = yaml.safe_load(block("yaml"))
    assert known.pop("scheduler-address").startswith("tls://")
    assert dask.config.get("distributed.comm.timeouts.tcp") is not None
    assert known["distributed"]["comm"]["timeouts"] == {"tcp": "60s"}
    folder = make_certificates(tmp_path / "certificates")
    both = tmp_path / "both"
    both.mkdir()
    (folder / "client.yaml").rename(both / "client.yaml")
    (both / "own.yaml").write_text(block("yaml"))
    together = dask.config.collect([str(both)], env={})
    assert together["distributed"]["comm"]["timeouts"] == {"tcp": "60s"}
    assert together["distributed"]["comm"]["tls"]["client"]["cert"]
    for name in ("admin.low-level-log-length", "scheduler.allowed-failures"):
        assert f"`{name}`" in TEXT
        assert dask.config.get(f"distributed.{name}") is not None


def test_a_report_that_raises_ends_the_sweep_which_then_goes_on(client, tmp_path) -> None:
    def failing(progress: object) -> None:
        message = "the tracker is down"
        raise ConnectionError(message)

    with pytest.raises(ConnectionError, match="the tracker is down"):
        runner.sweep(SMALL, tmp_path / "t", client, report=failing)
    seen = []
    study = runner.sweep(SMALL, tmp_path / "t", client, report=seen.append)
    assert study.complete
    assert {"done", "failed", "solved", "workers", "elapsed_s"} <= vars(seen[-1]).keys()
    assert seen[-1].done == 20
