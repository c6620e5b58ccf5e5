"""Theano 1.0.5 in its own environment, which `make test` sets up where Python 3.11 is there."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.engines.registry import ENGINES, check

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path(os.environ.get("RUNNER_VENV_THEANO", ".venv-theano"))
PYTHON = ROOT / ENVIRONMENT / "bin" / "python"

needs_theano = pytest.mark.skipif(
    not PYTHON.exists(), reason=f"{ENVIRONMENT} is not there: `make env-theano` sets it up"
)


@pytest.fixture(scope="module")
def compiledir(tmp_path_factory) -> Path:
    """Where these tests' processes share what Theano has compiled."""
    return tmp_path_factory.mktemp("theano")


def theano(*arguments: str | Path, flags: str = "") -> str:
    """Run Python in Theano's environment; a warning of ours is an error, an old library's not."""
    env = {k: v for k, v in os.environ.items() if k != "PYTENSOR_FLAGS"}
    env |= {"THEANO_FLAGS": flags, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(
        [PYTHON, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@needs_theano
def test_steps_are_those_of_plain_numpy_in_every_layout() -> None:
    # Without C, which would take a minute to compile: Theano runs the same graph in Python.
    assert theano("tests/support/theano_steps.py", flags="cxx=").count("agrees:") == 8


@needs_theano
def test_every_choice_of_an_experiment_file_trains() -> None:
    arguments = ["tests/campaigns/every.py", "--engine", "theano", "--sample", "--jobs", "1"]
    assert "theano: 22 of 22 combinations agree" in theano(*arguments, flags="cxx=")


@needs_theano
def test_the_engines_agree_on_the_same_starts(compiledir, tmp_path, capsys) -> None:
    ours, theirs = tmp_path / "pytensor.npz", tmp_path / "theano.npz"
    main = runpy.run_path(str(ROOT / "docs" / "agreement.py"))["main"]
    main(["run", "pytensor", str(ours), "200", "softmax"])
    arguments = ["docs/agreement.py", "run", "theano", theirs, "200", "softmax"]
    theano(*arguments, flags=f"base_compiledir={compiledir}")
    capsys.readouterr()
    main(["compare", str(ours), str(theirs)])
    rows = [row.split("|")[1:-1] for row in capsys.readouterr().out.splitlines()[2:]]
    assert len(rows) == 1
    for _, engine, loss, gradient, weights, _, p, labels in rows:
        assert engine.strip() == "theano"
        assert float(loss) < 1e-12
        assert float(gradient) < 1e-12
        assert float(weights) < 1e-9
        assert float(p) > 0.05
        assert int(labels) <= 4


@needs_theano
def test_the_command_of_the_page_gives_the_same_study(client, tmp_path) -> None:
    """Without a compiler; with one the engines agree above."""
    page = (ROOT / "docs" / "engines.md").read_text()
    (command,) = re.findall(r"^    THEANO_FLAGS=cxx= \S+/python (.*)$", page, flags=re.MULTILINE)
    command = command.replace("restarts 100", "restarts 60").replace("steps=200", "steps=150")
    command = command.replace("results/gates-numpy", str(tmp_path / "theano"))
    fewer = ["--set", "problem.gate=XOR", "--set", "network.hidden=[2]", "--workers", "1"]
    theano(*command.split(), *fewer, "--quiet", flags="cxx=")
    theirs = runner.open_study(tmp_path / "theano")
    assert theirs.complete
    assert theirs.versions["theano"] == "1.0.5"
    assert json.loads((tmp_path / "theano" / "plan.json").read_text())["plan"]["engine"] == "theano"
    ours = runner.sweep(theirs.experiment, tmp_path / "pytensor", client)
    np.testing.assert_array_equal(theirs.starts, ours.starts)
    np.testing.assert_allclose(theirs.weights, ours.weights, rtol=1e-9, atol=1e-9)
    assert (theirs.restarts["label"] == ours.restarts["label"]).mean() > 0.99


def test_an_engine_that_is_not_installed_or_not_known_is_refused() -> None:
    assert "theano" in ENGINES
    with pytest.raises(runner.ExperimentError, match="own: `make sweep-theano` sets it up"):
        check("theano")
    with pytest.raises(
        runner.ExperimentError, match=r"engine \(--engine\) is 'torch'; expected one of"
    ):
        check("torch")
    check("pytensor")
