"""The scripts of docs/other-tools.md: `python -m pytest tests/campaigns/other_tools.py`.

Not collected by `make test`, as MLflow and submitit are not in the lock: in an environment with the
runner's requirements, pytest, `mlflow-skinny sqlalchemy alembic` and `submitit`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import runner

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "other-tools.md").read_text()


def run_block(part: str, folder: Path) -> None:
    """Run the page's Python block that has this text as a script."""
    (code,) = [b for b in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if part in b]
    (folder / "script.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "script.py"], cwd=folder, env=environment, check=True)


def test_progress_and_results_are_in_mlflow(tmp_path) -> None:
    mlflow = pytest.importorskip("mlflow")
    run_block("mlflow.start_run", tmp_path)
    study = runner.open_study(tmp_path / "results" / "tracked")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("xor")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["done"] == 300
    assert run.data.metrics["success_rate"] == study.summary["success_rate"].iloc[0]
    assert run.data.metrics["solved_0"] == run.data.metrics["success_rate"]
    assert run.data.tags["plan"] == study.hashes["plan"]
    assert len(client.get_metric_history(run.info.run_id, "done")) >= 2


def test_parts_are_jobs_of_submitit(tmp_path) -> None:
    pytest.importorskip("submitit")
    (experiment,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "own.toml").write_text(experiment)
    run_block("submitit.AutoExecutor", tmp_path)
    parts = {n: runner.open_study(tmp_path / "results" / f"own-{n}") for n in (2, 3)}
    together = runner.concat({str(n): study for n, study in parts.items()})
    assert len(together.restarts) == 400
    assert together.summary["success_rate"].is_monotonic_increasing
