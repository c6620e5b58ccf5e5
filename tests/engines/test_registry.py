"""The compiled functions of every engine: the same steps as plain NumPy, and exact stops."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from support.plain import Rule, train
from support.steps import net_of

from runner.engines.registry import ENGINES, compiled

SHAPES = [
    ((), False, "lanes", "gradient-descent"),
    ((2,), False, "lanes", "rprop"),
    ((3, 2), True, "lanes", "momentum"),
    ((3,), True, "stacked", "adam"),
    ((2,), False, "lanes", "gradient-descent"),
    ((2, 3), False, "stacked", "gradient-descent"),
]


@pytest.mark.parametrize(
    ("hidden", "skip", "layout", "optimizer", "dtype"),
    [(*shape, dtype) for shape, dtype in zip(SHAPES, ("float64", "float32") * 3, strict=False)],
)
def test_a_call_makes_the_steps_of_plain_numpy(
    xor, restarts, hidden, skip, layout, optimizer, dtype
) -> None:
    signature = xor(hidden=hidden, skip=skip, layout=layout, optimizer=optimizer, dtype=dtype)
    functions = compiled("pytensor", signature)
    work = restarts(signature, n=8, max_steps=5, rate=0.3, momentum=0.5)
    targets = np.repeat(work.targets.T, 8, axis=1).astype(dtype)
    state = signature.state.start(work.starts, work.hyper[0])
    counts = np.zeros(8, np.int32)
    hyper = work.hyper.astype(dtype)
    moved, steps, _ = functions.advance(state, counts, work.max_steps, hyper, targets)
    assert moved.dtype == dtype
    assert (steps == 5).all()
    net, n = net_of(signature), signature.architecture.n_parameters
    accuracy = 1e-10 if dtype == "float64" else 2e-3
    for lane in range(8):
        path = train(net, Rule(optimizer, 0.3, 0.5), work.starts[:, lane], 5)
        np.testing.assert_allclose(moved[:n, lane], path[-1], rtol=accuracy, atol=accuracy)


# theano has an environment of its own: see test_theano.py
@pytest.mark.parametrize("engine", [e for e in ENGINES if e not in ("pytensor", "theano")])
def test_other_engines_agree(xor, restarts, engine) -> None:
    signature = xor(n_lanes=4, stops=("solved",))
    work = restarts(signature, n=4, max_steps=7, scale=2.0)
    targets = np.repeat(work.targets.T, 4, axis=1)
    arguments = (work.starts, np.zeros(4, np.int32), work.max_steps, work.hyper, targets)
    ours, ours_steps, ours_solved = compiled("pytensor", signature).advance(*arguments)
    theirs, their_steps, their_solved = compiled(engine, signature).advance(*arguments)
    np.testing.assert_allclose(theirs, ours, rtol=1e-11, atol=1e-13)
    assert (their_steps == ours_steps).all()
    assert (their_solved == ours_solved).all()


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
def test_a_lane_depends_on_no_other(xor, restarts, layout) -> None:
    signature = xor(layout=layout, n_lanes=16, dtype="float32")
    work = restarts(signature, n=16, max_steps=7)
    targets = np.repeat(work.targets.T, 16, axis=1).astype("float32")
    hyper = work.hyper.astype("float32")
    state = signature.state.start(work.starts, work.hyper[0])
    counts = np.zeros(16, np.int32)
    advance = compiled("pytensor", signature).advance
    alone, _, _ = advance(state, counts, work.max_steps, hyper, targets)
    order = np.random.default_rng(3).permutation(16)
    moved, _, _ = advance(
        np.ascontiguousarray(state[:, order]), counts, work.max_steps, hyper, targets
    )
    np.testing.assert_array_equal(moved, alone[:, order])
    poisoned = state.copy()
    poisoned[:, 5] = np.nan
    moved, steps, _ = advance(poisoned, counts, work.max_steps, hyper, targets)
    others = np.arange(16) != 5
    np.testing.assert_array_equal(moved[:, others], alone[:, others])
    assert steps[5] == 0


def test_a_signature_is_compiled_once_per_process(xor) -> None:
    assert compiled("pytensor", xor()) is compiled("pytensor", xor())


def test_numba_gives_the_same_bits_from_its_cache(tmp_path) -> None:
    """What Numba reads back from disk it inlines otherwise than what it has just compiled."""
    program = (
        "import hashlib, runner\n"
        "from runner.experiment.experiment import load_experiment\n"
        "from runner.experiment.batches import Batch\n"
        "from runner.experiment.plan import Plan\n"
        "from runner.training.worker import Task, train_batch\n"
        "what = {'name': 'x', 'restarts': 40, 'problem': {'gate': 'AND'}, "
        "'network': {'hidden': []}, 'training': {'max_steps': 20, 'dtype': 'float32'}}\n"
        "plan = Plan(load_experiment(what), 'pytensor-numba')\n"
        "task = Task(plan.segments(Batch(0, 0, 40)), 1, 'pytensor-numba', 0)\n"
        "print(hashlib.sha256(train_batch(task).shard).hexdigest())"
    )
    flags = f"cxx=,base_compiledir={tmp_path}"
    seen = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTENSOR_FLAGS": flags},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.append(done.stdout)
        assert list(tmp_path.rglob("*.nbi"))
    assert seen[0] == seen[1]
