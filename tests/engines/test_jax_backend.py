"""JAX is an optional package: CPUs need none, and what needs one says how to install it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from support.no_jax import WithoutJax
from support.workers import hashes, workers

import runner
from runner.engines.devices import PRETEND_VARIABLE, require
from runner.experiment.content_hash import digest
from runner.experiment.plan import Plan
from runner.study.store import Store

TRAIN = """
import hashlib, sys
from runner.experiment.experiment import load_experiment
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.training.worker import Task, train_batch
what = {"name": "x", "restarts": 50, "problem": {"gate": "XOR"}, "training": {"max_steps": 200}}
what["network"] = {"hidden": [int(sys.argv[1])]}
plan = Plan(load_experiment(what))
task = Task(plan.segments(Batch(0, 0, 50)), 1, "pytensor", 2)
print(hashlib.sha256(train_batch(task).shard).hexdigest(), "jax" in sys.modules)
"""

SMALL = {
    "name": "small",
    "restarts": 40,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 100, "dtype": "float32"},
}

MODEL = """
PARAMETERS = {{"w": 2}}

def loss(T, parameters, inputs, targets):
    w = parameters["w"]
    outputs = [[{expression}] for x in inputs]
    return sum((y[0] - t[0]) ** 2 for y, t in zip(outputs, targets)), outputs
"""
WITH_VECTOR_CODE = "T.tanh(w[0] * x[0] + w[1] * x[1])"
WITHOUT = "T.gamma(2 + T.tanh(w[0] * x[0] + w[1] * x[1]))"


@pytest.fixture(scope="module")
def without_jax(tmp_path_factory) -> WithoutJax:
    return WithoutJax(tmp_path_factory.mktemp("packages"))


def failed(without_jax: WithoutJax, code: str) -> str:
    """The last line of what a program says that ends with an error."""
    done = without_jax.run("-c", code)
    assert done.returncode
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("hidden", ["2", "40"])
def test_vector_code_needs_no_jax(without_jax, hidden, monkeypatch) -> None:
    monkeypatch.setitem(without_jax.env, "RUNNER_CACHE_DIR", "")
    done = without_jax.run("-c", TRAIN, hidden)
    assert done.returncode == 0, done.stderr
    ours = subprocess.run(
        [sys.executable, "-c", TRAIN, hidden], capture_output=True, text=True, check=True
    )
    assert done.stdout == ours.stdout
    assert ours.stdout.split()[1] == "False"  # nor is it loaded where it is installed


def test_what_needs_jax_says_how_to_install_it(without_jax) -> None:
    imported = without_jax.run("-c", "import importlib.util as u; print(u.find_spec('jax'))")
    assert imported.stdout == "None\n"
    check = "from runner.engines.registry import check; check('pytensor-jax')"
    assert failed(without_jax, check) == (
        "runner.errors.exceptions.ExperimentError: engine (--engine) is 'pytensor-jax'; expected "
        "JAX, which is not installed here. Install JAX with the runner's extra `jax`, in a "
        "checkout `pip install '.[jax]'`; for NVIDIA GPUs it is the extra `cuda`."
    )
    gpu = "from runner.engines.devices import require; require('cpu'); require('gpu')"
    assert "ClusterError: a worker offers GPU, on which JAX computes; expected JAX" in failed(
        without_jax, gpu
    )
    assert "extra `cuda`" in failed(without_jax, gpu)
    done = without_jax.run("-m", "runner", "sweep", "--engine", "pytensor-jax", "--dry-run")
    assert done.returncode == 2
    assert "expected JAX, which is not installed here" in done.stderr


def model_file(folder: Path, expression: str) -> dict[str, object]:
    (folder / "own.py").write_text(MODEL.format(expression=expression))
    return SMALL | {"network": {"model": str(folder / "own.py") + ":loss"}}


def test_a_model_without_vector_code_is_refused_before_work_is_sent(without_jax, tmp_path) -> None:
    for expression, code, said in (
        (WITHOUT, 2, "own.py:loss: "),
        (WITH_VECTOR_CODE, 0, ""),
    ):
        file = tmp_path / "experiment.json"
        file.write_text(json.dumps(model_file(tmp_path, expression)))
        program = (
            "import json, sys, runner\n"
            f"with open({str(file)!r}) as opened: what = json.load(opened)\n"
            "try:\n"
            f"    runner.sweep(what, {str(tmp_path / str(code))!r}, trust_model=True, workers=1)\n"
            "except runner.RunnerError as error:\n"
            "    print(error); sys.exit(error.exit_code)\n"
        )
        script = tmp_path / "script.py"
        script.write_text(f"if __name__ == '__main__':\n{indented(program)}")
        done = without_jax.run(script)
        assert done.returncode == code, done.stderr
        assert said in done.stdout
        assert ("has no vector code; expected JAX" in done.stdout) == bool(code)


def indented(program: str) -> str:
    return "".join(f"    {line}\n" for line in program.splitlines())


def test_a_study_goes_on_with_and_without_jax(without_jax, tmp_path) -> None:
    """What it was begun with does not matter where JAX computes nothing."""
    with_jax = [sys.executable, "-m", "runner"]
    alone = [*without_jax.python, "-m", "runner"]
    arguments = ["sweep", "experiments/gates.toml", "--restarts", "60", "--quiet"]
    arguments += ["--set", "training.max_steps=50", "--workers", "1", "--out"]
    seen = []
    for name, first, second in (("a", with_jax, alone), ("b", alone, with_jax)):
        out = tmp_path / name
        env = without_jax.env
        subprocess.run([*first, *arguments, out], env=env, check=True, capture_output=True)
        before = hashes(out)
        shutil.rmtree(sorted((out / "shards").iterdir())[-1])
        assert hashes(out) != before
        subprocess.run([*second, *arguments, out], env=env, check=True, capture_output=True)
        assert hashes(out) == before
        seen.append(before)
        assert ("jax" in Store(out).read_plan()[1]) == (first is with_jax)
    assert seen[0] == seen[1]


def begun_elsewhere(store: Store, plan: Plan) -> None:
    """A study that was begun with another version of JAX."""
    with store.writer() as writer:
        writer.create(plan)
    with_other_jax(store)


def with_other_jax(store: Store) -> None:
    content = json.loads(store.plan_path.read_text())
    content.pop("sha256")
    content["versions"]["jax"] = "0.1"
    store.plan_path.write_text(json.dumps(content | {"sha256": digest(content)}))


def named(store: Store, plan: Plan, device: str = "cpu") -> bool:
    """Whether another version of JAX counts as a difference."""
    differences = store.differences(plan, device)
    assert all("versions.jax was '0.1'" in text for text in differences)
    return bool(differences)


def test_another_jax_counts_where_it_computes(tmp_path) -> None:
    for engine, cpu, gpu in (
        ("pytensor", False, True),
        ("pytensor-jax", True, True),
        ("pytensor-numba", False, False),
    ):
        store, plan = Store(tmp_path / engine), Plan(runner.load_experiment(SMALL), engine)
        begun_elsewhere(store, plan)
        assert store.has_other_jax()
        assert named(store, plan, "cpu") == cpu
        assert named(store, plan, "gpu") == gpu


@pytest.mark.parametrize(
    ("expression", "trusted", "counts"),
    [
        (WITH_VECTOR_CODE, True, False),
        (WITH_VECTOR_CODE, False, True),  # its code may not be executed to find out
        (WITHOUT, True, True),
    ],
)
def test_another_jax_counts_for_models_without_vector_code(
    tmp_path, expression, trusted, counts
) -> None:
    plan = Plan(runner.load_experiment(model_file(tmp_path, expression)))
    store = Store(tmp_path / "study")
    begun_elsewhere(store, plan)
    assert named(store, plan.trusting(True) if trusted else plan) == counts


def test_another_jax_counts_for_a_study_that_a_gpu_has_trained(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(PRETEND_VARIABLE, "1")
    require.cache_clear()
    for kind in ("cpu", "gpu"):
        with workers({kind.upper(): 1}) as (_, client):
            study = runner.sweep(SMALL, tmp_path / kind, client)
        store = Store(study.path)
        with_other_jax(store)
        assert {commit.device for commit in store.commits()} == {kind}
        # What pretends to be a GPU trains by programs, which have a CPU's bits.
        assert not named(store, study.plan)
        by_jax = [replace(commit, programs="").line() for commit in store.commits()]
        store.log.path.write_text("".join(f"{line}\n" for line in by_jax))
        assert named(store, study.plan) == (kind == "gpu")
    require.cache_clear()


def test_workers_on_cpus_may_lack_the_clients_jax(without_jax, tmp_path) -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        worker = subprocess.Popen(
            [
                *(*without_jax.python, "-m", "distributed.cli.dask_worker"),
                *(cluster.scheduler_address, "--nthreads", "1", "--resources", "CPU=1"),
                *("--no-nanny", "--no-dashboard"),
            ],
            env=without_jax.env,
            stderr=subprocess.PIPE,
        )
        try:
            client.wait_for_workers(1, timeout=60)
            study = runner.sweep(SMALL, tmp_path / "ours", client)
            assert study.complete
            with pytest.raises(runner.ClusterError, match=r"(?s)not fit.*jax"):
                runner.sweep(SMALL, tmp_path / "jax", client, engine="pytensor-jax")
        finally:
            worker.terminate()
            worker.communicate(timeout=60)
