"""A custom model executed: against plain NumPy, on every engine, and only when trusted."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.steps import differences, interpreted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.dispatch.sweep import repair
from runner.engines.registry import compiled, try_out
from runner.experiment.batches import Segment
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.analysis import analyze
from runner.landscape.options import DEFAULTS
from runner.landscape.worker import EndpointTask, inspect_endpoints
from runner.network.criterion import SolvedCriterion
from runner.network.custom.source import make_model
from runner.report.names import loss_name
from runner.study.store import Store
from runner.training.worker import Task, train_batch

ROOT = Path(__file__).parents[3]
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
Y = np.array([0, 1, 1, 0], float)
HEAD = 'PARAMETERS = {"w": 2, "b": 1}\n\n\ndef loss(T, parameters, inputs, targets):\n'
OUTPUTS = "    w, b = parameters['w'], parameters['b'][0]\n    y = [[b + w @ x] for x in inputs]\n"
LINEAR = f"{HEAD}{OUTPUTS}    return sum((y[p][0] - targets[p][0]) ** 2 for p in range(4)), y\n"


def sine(theta: np.ndarray) -> np.ndarray:
    return (1 + np.sin(X @ theta[:2] + theta[2])) / 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """An experiment of one sine unit, and its model beside it."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(ROOT / "experiments" / "units.py", folder)
    (folder / "own.toml").write_text(
        'name = "own"\nrestarts = 40\nproblem.gate = "XOR"\nnetwork.model = "units.py:sine"\n'
        "training.max_steps = 150\n"
    )
    return folder


@pytest.fixture(scope="module")
def study(folder, client) -> runner.Study:
    return runner.sweep(folder / "own.toml", folder / "study", client, trust_model=True)


def signature_of(source: str, trusted: bool = True, **fields):
    content = {"name": "x", "problem": {"gate": "XOR"}, "network": {"model": "own.py:loss"}}
    models = {"own.py:loss": {"source": source}}
    plan = Plan(load_experiment(content), models=models, trust_model=trusted)
    return replace(plan.configurations[0].signature(), **fields)


def test_loss_outputs_and_gradient_are_those_of_plain_numpy(folder) -> None:
    plan = Plan(load_experiment(folder / "own.toml"), trust_model=True)
    signature = replace(plan.configurations[0].signature(), n_lanes=3)
    _, evaluate = interpreted(signature)
    state = np.random.default_rng(1).normal(size=(3, 3))
    seen = evaluate(state, np.ones((5, 3)), np.repeat(Y[:, None], 3, axis=1))

    def loss(theta):
        return ((sine(theta) - Y) ** 2).mean()

    for lane in range(3):
        theta = state[:, lane]
        assert seen.loss[lane] == pytest.approx(loss(theta), rel=1e-13)
        np.testing.assert_allclose(seen.outputs[:, lane], sine(theta), rtol=1e-13)
        slope = differences(loss, theta)
        np.testing.assert_allclose(seen.gradient[:, lane], slope, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(seen.moved[:, lane], theta - slope, rtol=1e-5, atol=1e-8)
        assert seen.solved[lane] == ((sine(theta) > 0.5) == (Y > 0.5)).all()


def test_an_l2_term_is_added_to_the_models_loss() -> None:
    _, evaluate = interpreted(signature_of(LINEAR, n_lanes=1, regularised=True))
    theta = np.array([[0.5], [-1.0], [2.0]])
    hyper = np.array([[0.0], [0.0], [0.1], [0.0], [0.0]])
    seen = evaluate(theta, hyper, Y[:, None])
    data = ((X @ theta[:2, 0] + 2.0 - Y) ** 2).sum()
    assert seen.loss[0] == pytest.approx(data + 0.1 * (theta**2).sum(), rel=1e-13)


@pytest.mark.parametrize(
    ("engine", "dtype"),
    [("pytensor", "float64"), ("pytensor", "float32"), ("pytensor-numba", "float64")],
)
def test_a_compiled_step_is_gradient_descent(engine, dtype) -> None:
    signature = signature_of(LINEAR, n_lanes=4, n_steps=3, dtype=dtype)
    start = np.random.default_rng(2).uniform(-1, 1, (3, 4))
    hyper = np.zeros((5, 4), dtype)
    hyper[0] = 0.05
    zeros, limit = np.zeros(4, np.int32), np.full(4, 3, np.int32)
    targets = np.repeat(Y[:, None], 4, axis=1).astype(dtype)
    arguments = (start.astype(dtype), zeros, limit, hyper, targets)
    moved, steps, _ = compiled(engine, signature).advance(*arguments)
    assert moved.dtype == dtype
    assert steps.tolist() == [3] * 4
    design = np.column_stack([X, np.ones(4)])
    expected = start
    for _ in range(3):
        expected = expected - 0.05 * 2 * design.T @ (design @ expected - Y[:, None])
    accuracy = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(moved, expected, rtol=accuracy, atol=accuracy)


def test_a_sweep_labels_solves_and_numbers_as_any_other(folder, study) -> None:
    assert study.complete
    assert study.parameter_names == ["w[0]", "w[1]", "b[0]"]
    assert study.weights.columns.tolist() == study.parameter_names
    for (_, restart), theta in study.weights.iterrows():
        row = study.restarts.loc[(0, restart)]
        outputs = sine(theta.to_numpy())
        assert row["loss"] == pytest.approx(((outputs - Y) ** 2).mean(), rel=1e-9)
        assert row["solved"] == ((outputs > 0.5) == (Y > 0.5)).all()
    assert 0 < study.restarts["solved"].sum() < 40
    # no level is known of a loss that is known only as code
    assert set(study.restarts["label"]) <= {"solved", "descending", "oscillating", "stationary"}


def test_the_same_study_by_other_batches_and_after_a_stop(folder, client, study) -> None:
    again = runner.sweep(
        folder / "own.toml", folder / "again", client, batch_size=7, trust_model=True
    )
    for table in ("restarts", "weights", "starts"):
        assert getattr(again, table).equals(getattr(study, table))
    store = Store(folder / "again")
    shard = store.shard_path(store.commits()[2].batch)
    content = shard.read_bytes()
    shard.unlink()
    (folder / "units.py").rename(folder / "moved.py")  # the study has its text
    try:
        with pytest.raises(runner.ExperimentError, match="--trust-model"):
            repair(folder / "again", client=client)
        repair(folder / "again", client=client, trust_model=True)
    finally:
        (folder / "moved.py").rename(folder / "units.py")
    assert shard.read_bytes() == content


def test_a_changed_file_is_another_experiment(tmp_path, folder, client, study) -> None:
    for name in ("own.toml", "units.py"):
        shutil.copy(folder / name, tmp_path)
    with (tmp_path / "units.py").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(
        runner.StudyError, match=r"units.py:sine: the content of its file was "
    ) as caught:
        runner.sweep(tmp_path / "own.toml", folder / "study", client, trust_model=True)
    assert "PARAMETERS" not in str(caught.value)


class TestOnlyWhenTrusted:
    """Nothing is executed for a client that did not ask for it, on whatever way."""

    @pytest.fixture
    def armed(self, tmp_path):
        """A plan whose model leaves a file behind when it is executed."""
        flag = tmp_path / "executed"
        (tmp_path / "own.py").write_text(f"open({str(flag)!r}, 'w').close()\n{LINEAR}")
        path = tmp_path / "own.toml"
        path.write_text(
            'name = "own"\nrestarts = 4\nproblem.gate = "XOR"\nnetwork.model = "own.py:loss"\n'
            "training.max_steps = 5\n"
        )
        return path, flag

    def test_by_a_sweep(self, armed, tmp_path) -> None:
        path, flag = armed
        with pytest.raises(
            runner.ExperimentError, match="on every worker; expected a file that you trust"
        ):
            runner.sweep(path, tmp_path / "study")
        assert not (tmp_path / "study").exists()
        assert not flag.exists()

    def test_by_the_command_line(self, armed, tmp_path, monkeypatch) -> None:
        path, flag = armed
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(app, ["sweep", str(path)])
        assert done.exit_code == 2
        assert "pass --trust-model to allow it" in done.stderr
        done = CliRunner().invoke(app, ["sweep", str(path), "--dry-run"])
        assert done.exit_code == 0
        assert not flag.exists()

    def test_by_a_worker(self, armed) -> None:
        path, flag = armed
        experiment = load_experiment(path)
        (configuration,) = Plan(experiment).configurations
        task = Task((Segment(configuration, 0, 4),), experiment.seed, "pytensor", 0)
        with pytest.raises(runner.ExperimentError, match="pass --trust-model to allow it"):
            train_batch(task)
        none = np.zeros(4, int)
        points = EndpointTask(
            (configuration,), none, none, np.zeros((3, 4)), np.zeros(4, bool), "pytensor", DEFAULTS
        )
        with pytest.raises(runner.ExperimentError, match="pass --trust-model to allow it"):
            inspect_endpoints(points)
        assert not flag.exists()

    def test_by_reading_or_analysing_a_study(self, armed, client, tmp_path) -> None:
        path, flag = armed
        runner.sweep(path, tmp_path / "study", client, trust_model=True)
        assert flag.exists()  # so it would be seen
        flag.unlink()
        study = runner.open_study(tmp_path / "study")
        assert len(study.restarts.join(study.weights)) == len(study.starts) == 4
        assert len(study.summary) == 1
        with pytest.raises(runner.ExperimentError, match="--trust-model"):
            analyze(study, client)
        with pytest.raises(runner.ExperimentError, match="--trust-model"):
            runner.reference(study, [1, 1, 0])
        assert not flag.exists()


def test_an_analysis_of_an_own_model(folder, client, study) -> None:
    analyzed = analyze(study, client, trust_model=True)
    verdict = analyzed.verdicts.iloc[0]
    assert verdict["verdict"] == "non-convex, proven"
    assert np.isnan(verdict["swap_violation"])
    (point,) = analyzed.minima.to_dict("records")
    assert (point["kind"], point["code"]) == ("minimum", "")
    assert point["multiplicity"] == 1  # no symmetries are known
    # all weights 0: every output is 1/2, and the Hessian is half the mean outer product
    assert [point[name] for name in study.parameter_names] == pytest.approx([0, 0, 0], abs=1e-9)
    assert point["loss"] == pytest.approx(0.25)
    design = np.column_stack([X, np.ones(4)])
    spectrum = np.linalg.eigvalsh(design.T @ design / 4 / 2)
    assert [point["smallest"], point["largest"]] == pytest.approx(spectrum[[0, -1]].tolist())
    path = runner.write_report(analyzed)
    assert "units.py:sine" in path.read_text()


def test_given_weights_in_an_own_model(folder) -> None:
    half = np.pi / 2
    weights = {"w[0]": np.pi, "w[1]": np.pi, "b[0]": -half}
    by_hand = runner.reference(folder / "own.toml", weights, trust_model=True)
    np.testing.assert_allclose(by_hand.patterns["a1[0]"], Y, atol=1e-15)
    row = by_hand.endpoint.iloc[0]
    assert row["label"] == "solved"
    assert row["loss"] == pytest.approx(0, abs=1e-30)
    assert row["weight_norm"] == pytest.approx(half * 3)


MISTAKES = [
    ("    return 1\n", r"what it returns is a int; expected \(loss, outputs\). Fix"),
    (
        "    return targets[0][0], [[targets[0][0]]] * 3\n",
        r"outputs is in rows of \[1, 1, 1\]; expected a row for each of the 4",
    ),
    (
        "    return targets[0][0], targets[0][0]\n",
        "outputs is a TensorVariable; expected a row for",
    ),
    ("    return 0.5, [[t] for t, in targets]\n", "loss has 0 dimensions; expected a vector over"),
    ("    return targets[0][0], [[0.5]] * 4\n", r"outputs\[0\]\[0\] has 0 dimensions; expected"),
    ("    return parameters['v'], 0\n", "own.py:loss: line 5 raises KeyError: 'v'; expected"),
    ("    return T.nothing(1), 0\n", "line 5 raises AttributeError: .*no attribute 'nothing'"),
    ("    raise SystemExit\n", "line 5 raises SystemExit"),
    (
        f"{OUTPUTS}    return T.mean(y[0][0]) + y[1][0], y\n",
        "a lane's result depends on the other lanes; expected elementwise",
    ),
    (f"{OUTPUTS}    return y[0][0][:2], y\n", "it reduces lanes; expected a number per lane"),
    (
        f"{OUTPUTS}    return y[0][0] + T.constant([1.0, 2.0, 3.0]), y\n",
        "line 7 raises ValueError: Incompatible",
    ),
    (
        f"{OUTPUTS}    return y[0][0][T.cast(b * 0 + 9, 'int64')], y\n",
        "evaluating it raises IndexError: .*; expected a number per lane",
    ),
]


@pytest.mark.parametrize(("body", "expected"), MISTAKES)
def test_a_mistake_is_found_before_work_is_sent(body, expected) -> None:
    with pytest.raises(runner.ExperimentError, match=expected):
        try_out("pytensor", signature_of(f"{HEAD}{body}"))


def test_a_mistake_outside_of_the_function_is_named_too() -> None:
    with pytest.raises(runner.ExperimentError, match="line 9 raises NameError: name 'undefined'"):
        try_out("pytensor", signature_of(f"{LINEAR}\nundefined\n"))


def test_a_model_with_several_outputs_and_an_own_softmax() -> None:
    body = (
        "    w, b = parameters['w'], parameters['b'][0]\n"
        "    z = [b + w @ x for x in inputs]\n"
        "    y = [[1 / (1 + T.exp(zi)), 1 / (1 + T.exp(-zi))] for zi in z]\n"
        "    loss = -sum(t * T.log(o) for a, b in zip(y, targets) for o, t in zip(a, b))\n"
        "    return loss / len(inputs), y\n"
    )
    net = make_model("own.py:loss", f"{HEAD}{body}", 2, 2, is_trusted=True)
    base = signature_of(LINEAR, n_lanes=1)
    signature = replace(base, architecture=net, criterion=SolvedCriterion((0.5, 0.5), (0.0, 0.0)))
    _, evaluate = interpreted(signature)
    theta = np.array([0.3, -0.7, 0.2])
    targets = np.column_stack([1 - Y, Y]).reshape(-1, 1)
    seen = evaluate(theta[:, None], np.zeros((5, 1)), targets)
    z = X @ theta[:2] + theta[2]
    expected = (np.logaddexp(0, z) - Y * z).mean()
    assert seen.loss[0] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(seen.outputs[1::2, 0], 1 / (1 + np.exp(-z)))


def test_only_this_module_executes_anything() -> None:
    for path in (ROOT / "runner").rglob("*.py"):
        text = path.read_text()
        found = "exec(" in text or "eval(" in text.replace("literal_eval(", "")
        assert found == path.as_posix().endswith("network/custom/execution.py"), path


def test_a_model_may_sum_over_many_patterns() -> None:
    """PyTensor's Python linker runs no sum of more than 31 terms: the model is tried out there."""
    source = LINEAR.replace("range(4)", "range(len(y))")
    signature = signature_of(source)
    patterns = tuple((k / 40, (k % 7) / 7) for k in range(40))
    try_out("pytensor", replace(signature, patterns=patterns))


def test_rows_right_of_what_is_solved_alone_are_no_mean(study) -> None:
    restarts = study.restarts
    assert 0 < restarts["solved"].sum() < len(restarts)
    assert (restarts["rows_right"].isna() == ~restarts["solved"]).all()
    assert study.summary["rows_right_mean"].isna().all()


def test_nothing_is_said_of_the_unit_of_a_loss_of_ones_own(study) -> None:
    assert loss_name(study.plan.configurations) == "loss"
