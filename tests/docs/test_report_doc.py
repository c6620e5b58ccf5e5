"""Every command of the page on reports runs, on fewer restarts."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from typer.testing import CliRunner

import runner
from runner.cli.app import app

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "report.md").read_text()
# What makes each command small enough; the last of a repeated option counts.
FEWER = {
    "sweep experiments/gates.toml": [
        *("--restarts", "8", "--set", "training.max_steps=50"),
        *("--set", "problem.gate=XOR", "--set", "network.hidden=[2]"),
    ],
    "sweep experiments/slice.toml": [
        *("--set", "training.max_steps=50"),
        *("--set", "init.x=W2[0,1]=-10:10:4", "--set", "init.y=b1[1]=-10:10:3"),
    ],
    "slice experiments/width.toml": ["--set", "training.max_steps=50"],
    "report results/gates": [],
}


def test_the_commands_run_in_the_order_given(scheduler, tmp_path, monkeypatch) -> None:
    mpl.use("agg")
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    found = re.findall(r"^    python -m runner (.*)$", TEXT, flags=re.MULTILINE)
    assert len(found) == 5
    for command in found:
        words = shlex.split(command.replace(":200", ":4"))
        words += FEWER[" ".join(words[:2])]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, f"{command}: {done.output}"
    for name in ("gates", "width-slice", "slice"):
        assert (tmp_path / "results" / name / "report.html").stat().st_size > 20_000
    assert (tmp_path / "results" / "gates" / "figures" / "success.png").exists()
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    session: dict[str, object] = {}
    exec(block, session)  # noqa: S102  the page's own code
    assert Path("gates.pdf").stat().st_size > 5_000
    plt.close("all")
    starts = runner.open_study("results/width-slice").starts.loc[0]
    np.testing.assert_array_equal(starts["W1[0,0]"], np.tile(np.linspace(-10, 10, 4), 4))
    np.testing.assert_array_equal(starts["b2[0]"], np.repeat(np.linspace(-10, 10, 4), 4))
    assert (starts.drop(columns=["W1[0,0]", "b2[0]"]).nunique() == 1).all()
    text = Path("results/width-slice/report.html").read_text()
    assert "Which starts lead where" in text
