"""What an engine cannot compile ends a sweep at once, and is no restart's failure."""

from __future__ import annotations

import pytest
from support.workers import two_processes
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.study.store import Store

# erfcx is no elementary function: it has no vector code, and JAX has it only with another package.
MODEL = """PARAMETERS = {"w": 2, "b": 1}


def loss(T, parameters, inputs, targets):
    w, b = parameters["w"], parameters["b"][0]
    y = [[T.erfcx(b + w @ x)] for x in inputs]
    return sum((o - t) ** 2 for (o,), (t,) in zip(y, targets)), y
"""
EXPERIMENT = """name = "own"
restarts = 10000
problem.gate = "XOR"
network.model = "own.py:loss"
training.max_steps = 5
"""


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "own.py").write_text(MODEL)
    path = tmp_path / "own.toml"
    path.write_text(EXPERIMENT)
    return path


@pytest.fixture(scope="module")
def processes():
    with (
        two_processes() as client,
    ):
        yield client


@pytest.mark.parametrize("canary", [True, False])
def test_a_compile_error_ends_a_sweep_and_records_nothing(
    experiment, processes, tmp_path, canary
) -> None:
    folder = tmp_path / "study"
    with pytest.raises(runner.CompileError) as caught:
        runner.sweep(experiment, folder, processes, trust_model=True, canary=canary)
    message = str(caught.value)
    assert message.startswith(
        "engine (--engine) is 'pytensor'; expected one that can compile own.py:loss, "
        "gradient-descent, float64. It raises "
        "NotImplementedError: No JAX implementation for Op erfcx"
    )
    assert "\n" not in message
    # where it was raised, for whoever looks for a fault of the runner's
    assert "runner/engines/pytensor.py" in "".join(caught.value.__notes__)
    store = Store(folder)
    assert store.commits() == []
    assert runner.open_study(folder).failures.empty
    # and the cluster trains what can be trained
    other = {"name": "and", "restarts": 4, "problem": {"gate": "AND"}}
    assert runner.sweep(other, tmp_path / "and", processes).complete


def test_the_command_line_says_it_once(experiment, processes, tmp_path) -> None:
    address = processes.scheduler.address
    arguments = ["sweep", str(experiment), "--trust-model", "--out", str(tmp_path / "study")]
    done = CliRunner().invoke(app, [*arguments, "--scheduler", address])
    assert done.exit_code == 1
    assert done.stderr.count("expected one that can compile own.py:loss") == 1
    assert "Traceback" not in done.stderr
    assert "failed" not in done.stderr
    status = CliRunner().invoke(app, ["status", str(tmp_path / "study")])
    assert "0 of 10,000 restarts" in status.stdout
    assert "0 failed" in status.stdout
