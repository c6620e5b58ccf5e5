"""docs/lecture.md, docs/engines.md and the experiments they name: run as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.experiment.plan import Plan

ROOT = Path(__file__).parents[2]
LECTURE = (ROOT / "docs" / "lecture.md").read_text()
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n((?:    [^\n]*\n|\n)+))?", re.DOTALL)


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("docs", "experiments", "runner"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_lecture_runs_from_top_to_bottom(project) -> None:
    page = LECTURE
    for whole, less in (('"tanh", "relu", ', ""), (", [2, 2]]", "]")):
        assert whole in page
        page = page.replace(whole, less)  # spares the time of compiling them
    (project / "docs" / "lecture.md").write_text(page)
    printed = BLOCK.findall(run(project, "docs/blocks.py", "docs/lecture.md", "25"))
    blocks = BLOCK.findall(LECTURE)
    assert len(printed) == len(blocks) >= 13
    # What does not depend on the number of restarts is in the text, to the digit.
    for (block, text), (_, out) in zip(blocks, printed, strict=True):
        if "sweep" not in block and "study" not in block:
            assert out.split() == text.split()

    pairs = [
        {line.rpartition(" ")[0].strip() for line in text.strip().splitlines()}
        for page in (blocks, printed)
        for block, text in page
        if "gate_outputs" in block
    ]
    assert len(pairs[0]) == 8  # AND and OR, either inverted or not, and so with input b inverted
    assert pairs[1] <= pairs[0]

    def frame(name: str):
        return runner.open_study(project / "results" / name)

    summary = frame("lecture").summary
    assert summary["solved"].tolist()[:5] == [25, 25, 25, 25, 0]
    assert 0 < summary["solved"][5] < 25
    growth = frame("growth")
    norms = growth.restarts.groupby("configuration")["weight_norm"].median()
    assert (norms[:3].diff()[1:] > 4).all()
    assert (norms[3:].diff()[1:] > 4).all()
    weights = growth.weights.groupby("configuration").median()
    ratio = weights["b1[0]"] / weights["W1[0,0]"]
    assert ratio[2] == pytest.approx(-1.5, abs=0.02)  # the widest margin's
    assert ratio[5] == pytest.approx(-0.5, abs=0.04)
    assert np.ptp(frame("softmax").restarts.loc[2, "loss"]) < 1e-6
    one = frame("one-layer")
    assert one.summary["solved"].sum() == 0
    steps = (one.restarts["network.output"] == "step").to_numpy()
    assert (one.weights[steps] == one.starts[steps]).all(axis=None)
    assert frame("perceptron").summary["cycling"].tolist() == [0, 0, 25]
    deep = frame("activations")
    steps = (deep.restarts["network.activation"] == "step").to_numpy()
    hidden = [name for name in deep.weights if name[1] == "1"]
    assert (deep.weights.loc[steps, hidden] == deep.starts.loc[steps, hidden]).all(axis=None)
    assert deep.weights.loc[steps, "b2[0]"].ne(deep.starts.loc[steps, "b2[0]"]).all()
    np.testing.assert_allclose(frame("linear").restarts["loss"], 0.25, rtol=1e-3)


def test_the_experiments_of_the_lecture_can_be_planned(project) -> None:
    run(project, "docs/spirals.py", "experiments/spirals.csv")
    commands = re.findall(r"^python -m runner (sweep .*)$", LECTURE, re.MULTILINE)
    assert len(commands) == 3  # gates16, parity, spirals
    for command in commands:
        assert "configurations" in run(project, "-m", "runner", *command.split(), "--dry-run")
    experiment = runner.load_experiment(project / "experiments" / "spirals.toml")
    table = Plan(experiment).configurations[0].table
    assert (table.n_patterns, table.n_inputs, table.n_outputs) == (48, 2, 1)
    first, second = table.inputs[:24], table.inputs[24:]
    np.testing.assert_array_equal(first, -second)
    gaps = np.linalg.norm(first[:, None] - second[None], axis=2)
    assert gaps.min() > 0.1


def test_all_16_gates_are_swept(project) -> None:
    arguments = ["experiments/gates16.toml", "--restarts", "10", "--quiet"]
    run(project, "-m", "runner", "sweep", *arguments, "--set", "network.hidden=[]")
    summary = runner.open_study(project / "results" / "gates16").summary
    assert len(summary) == 16
    failed = summary.loc[summary["solved"] < 10, "problem.gate"].tolist()
    assert failed == ["XOR", "XNOR"]
    assert (summary["solved"] > 0).sum() == 14
