"""docs/model.md: its files and its command run as they are written, and its table is right."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from typer.testing import CliRunner

import runner
from runner.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "model.md").read_text()
UNITS = re.findall(r"^\| `(units.py:\w+)` \| ([\d.]+)% \|", TEXT, flags=re.MULTILINE)


def test_the_files_and_the_command_of_the_page(scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    for kind, name in (("python", "product.py"), ("toml", "product.toml")):
        (content,) = re.findall(rf"```{kind}\n(.*?)```", TEXT, flags=re.DOTALL)
        (tmp_path / name).write_text(content)
    (command,) = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    done = CliRunner().invoke(app, [*command.split(), "--quiet"])
    assert done.exit_code == 0, done.stderr
    study = runner.open_study("results/product")
    assert study.restarts["solved"].all()
    # least squares: the one solution is x1 + x2 - 2 x1 x2
    names = ["w[0]", "w[1]", "v[0]", "b[0]"]
    np.testing.assert_allclose(study.weights[names].mean(), [1, 1, -2, 0], atol=0.02)


def test_the_table_of_units_is_what_their_experiment_gives(client, tmp_path) -> None:
    path = ROOT / "experiments" / "units.toml"
    changes = {"restarts": 100}
    experiment = runner.load_experiment(path, changes=changes)
    study = runner.sweep(experiment, tmp_path / "units", client, trust_model=True)
    assert [name for name, _ in UNITS] == study.summary["network.model"].tolist()
    for (_, percent), solved in zip(UNITS, study.summary["solved"], strict=True):
        assert binomtest(int(solved), 100, float(percent) / 100).pvalue > 0.001


@pytest.mark.parametrize("word", ["--trust-model", "trust_model=True"])
def test_both_ways_to_trust_are_told(word) -> None:
    assert word in TEXT
    assert word in (ROOT / "SECURITY.md").read_text()
