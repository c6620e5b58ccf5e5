"""Lanes: exact stops, refilling, curves; the same bits whatever the lanes and the calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.plain import Rule, train
from support.steps import net_of

from runner.engines.registry import compiled
from runner.network.shuffle import first_states
from runner.training import curves
from runner.training.curves import checkpoints
from runner.training.lane_block import LaneBlock
from runner.training.lanes import train as train_lanes

RATE, STEPS = 2.0, 300


def first_step(path, holds):
    """First step at which a condition holds, or None."""
    return next((k for k, theta in enumerate(path) if holds(theta)), None)


def test_restarts_stop_at_the_exact_step(xor, restarts) -> None:
    signature = xor(stops=("solved",))
    work = restarts(signature, n=30, rate=RATE, max_steps=STEPS)
    ended = train_lanes(compiled("pytensor", signature), work)
    net = net_of(signature)
    stops = []
    for k in range(30):
        path = train(net, Rule("gradient-descent", RATE), work.starts[:, k], STEPS)
        stop = first_step(path, lambda theta: net.solved(theta, 0.5))
        stops.append(stop)
        assert ended.solved[k] == (stop is not None)
        assert ended.steps[k] == (STEPS if stop is None else stop)
        np.testing.assert_allclose(ended.state[:, k], path[ended.steps[k]], rtol=1e-8, atol=1e-9)
    assert any(stop is None for stop in stops)
    assert any(stop is not None for stop in stops)


@pytest.mark.parametrize("rule", ["loss", "gradient"])
def test_thresholds_stop_at_the_exact_step(xor, restarts, rule) -> None:
    threshold = 0.5 if rule == "loss" else 0.01
    signature = xor(stops=(rule,))
    work = restarts(signature, n=20, rate=RATE, max_steps=STEPS, **{f"stop_{rule}": threshold})
    ended = train_lanes(compiled("pytensor", signature), work)
    net = net_of(signature)
    early = 0
    for k in range(20):
        path = train(net, Rule("gradient-descent", RATE), work.starts[:, k], STEPS)
        if rule == "loss":
            stop = first_step(path, lambda theta: net.loss(theta) <= threshold)
        else:
            stop = first_step(path, lambda theta: abs(net.gradient(theta)).max() <= threshold)
        assert ended.steps[k] == (STEPS if stop is None else stop)
        early += stop is not None
    assert early > 0


# SIMD code refills its lanes itself; with JAX that is done between calls
WAYS = pytest.mark.parametrize(
    ("engine", "layout"),
    [("pytensor", "lanes"), ("pytensor", "stacked"), ("pytensor-jax", "stacked")],
)


@WAYS
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bits_do_not_depend_on_lanes_calls_or_tracing(xor, restarts, dtype, engine, layout) -> None:
    base = xor(stops=("solved",), dtype=dtype, layout=layout)
    work = restarts(base, n=40, rate=RATE, max_steps=STEPS)
    expected = train_lanes(compiled(engine, base), work)
    changes = [{"n_steps": 16}, {"n_steps": 64}]
    if engine == "pytensor":  # XLA writes other code for other numbers of stacked matrices
        changes += [{"n_lanes": 40}, {"n_lanes": 3, "n_steps": 64}]
    for change in changes:
        ended = train_lanes(compiled(engine, replace(base, **change)), work)
        np.testing.assert_array_equal(ended.steps, expected.steps)
        np.testing.assert_array_equal(ended.state, expected.state)
        np.testing.assert_array_equal(ended.solved, expected.solved)
    order = np.random.default_rng(5).permutation(40)
    mixed = replace(work, starts=work.starts[:, order], traced=np.arange(40) % 3 == 0)
    ended = train_lanes(compiled(engine, base), mixed)
    np.testing.assert_array_equal(ended.state, expected.state[:, order])


def test_a_diverging_restart_stops_and_leaves_its_neighbours_alone(xor, restarts) -> None:
    signature = xor(activation="relu", output="linear", loss="squared-error")
    calm = restarts(signature, n=12, rate=0.05, max_steps=60)
    hyper = calm.hyper.copy()
    hyper[0, 4] = 1e6
    functions = compiled("pytensor", signature)
    expected = train_lanes(functions, calm)
    ended = train_lanes(functions, replace(calm, hyper=hyper))
    others = np.arange(12) != 4
    np.testing.assert_array_equal(ended.state[:, others], expected.state[:, others])
    assert ended.steps[4] < 60
    assert not ended.solved[4]
    net = net_of(signature)
    with np.errstate(all="ignore"):
        path = train(net, Rule("gradient-descent", 1e6), calm.starts[:, 4], 60)
        outputs = [net.outputs(theta) for theta in path]
    assert ended.steps[4] == next(k for k, y in enumerate(outputs) if not np.isfinite(y).all())


@WAYS
def test_curves_hold_the_losses_of_plain_numpy(xor, restarts, engine, layout) -> None:
    signature = xor(stops=("solved",), layout=layout)
    work = restarts(signature, n=12, rate=RATE, max_steps=STEPS, traced=6)
    ended = train_lanes(compiled(engine, signature), work)
    assert np.flatnonzero(ended.curves.n_points).tolist() == list(range(6))
    net = net_of(signature)
    for k in range(6):
        path = train(net, Rule("gradient-descent", RATE), work.starts[:, k], STEPS)
        steps, losses = ended.curves.of(k)
        due = [int(c) for c in checkpoints(STEPS) if c < ended.steps[k]]
        assert steps.tolist() == [*due, ended.steps[k]]
        for step, loss in zip(steps, losses, strict=True):
            assert loss == pytest.approx(net.loss(path[step]), rel=1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("stops", [(), ("solved",)])
@pytest.mark.parametrize("shuffled", [False, True])
def test_curves_recorded_on_the_way_are_those_of_pauses(
    xor, restarts, monkeypatch, dtype, stops, shuffled
) -> None:
    """Whichever restarts are traced, and whatever their budgets."""
    more = {"patterns_per_update": 1, "shuffled": True} if shuffled else {}
    signature = xor(dtype=dtype, stops=stops, **more)
    work = restarts(signature, n=90, rate=RATE, max_steps=4 * STEPS)
    rng = np.random.default_rng(3)
    work = replace(
        work,
        traced=rng.random(90) < 0.6,
        max_steps=4 * rng.choice([1, 10, STEPS, STEPS // 2], 90).astype(np.int32),
        hyper=work.hyper * rng.uniform(0.1, 3, 90),
        generator=first_states(5, 0, 90) if shuffled else None,
    )
    functions = compiled("pytensor", signature)
    ours = train_lanes(functions, work)
    monkeypatch.setattr(curves, "MOST_BYTES", 0)
    theirs = train_lanes(functions, work)
    for name in ("n_points", "step", "loss"):
        one, other = (getattr(each.curves, name) for each in (ours, theirs))
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    np.testing.assert_array_equal(ours.state, theirs.state)
    np.testing.assert_array_equal(ours.steps, theirs.steps)
    np.testing.assert_array_equal(ours.solved, theirs.solved)
    assert (ours.curves.n_points > 0).tolist() == work.traced.tolist()


def test_what_cannot_record_on_its_way_says_what_is_missing(xor, restarts) -> None:
    signature = xor()
    work = restarts(signature, n=2, rate=RATE, max_steps=STEPS)
    functions = replace(compiled("pytensor", signature), record=None)
    block, none = LaneBlock.of_all(signature, work), np.zeros(0, np.int64)
    with pytest.raises(TypeError, match="record is None; expected a compiled function that"):
        block.record(functions, none, np.full(2, -1, np.int32))


def test_a_longer_budget_has_the_checkpoints_of_a_shorter_one() -> None:
    most = checkpoints(1_000_000)
    for budget in (1, 2, 3, 9, 10, 11, 99, 100, 101, 1778, 1779, 56_234, 999_999):
        assert checkpoints(budget)[:-1].tolist() == most[most < budget].tolist()


def test_checkpoints_are_log_spaced_and_whole() -> None:
    points = checkpoints(10_000)
    assert points[0] == 0
    assert points[-1] == 10_000
    assert (np.diff(points) > 0).all()
    ratios = points[12:-1] / points[11:-2]
    assert ratios.max() < 1.5
    assert checkpoints(1).tolist() == [0, 1]


@WAYS
def test_more_restarts_than_lanes_and_fewer(xor, restarts, engine, layout) -> None:
    signature = xor(layout=layout)
    functions = compiled(engine, signature)
    many = restarts(signature, n=21, max_steps=10)
    ended = train_lanes(functions, many)
    assert (ended.steps == 10).all()
    one = restarts(signature, n=1, max_steps=10)
    np.testing.assert_allclose(
        train_lanes(functions, one).state[:, 0],
        train(net_of(signature), Rule("gradient-descent", 0.5), one.starts[:, 0], 10)[-1],
        rtol=1e-12,
    )


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
def test_losses_alone_are_those_of_the_evaluation(xor, restarts, layout) -> None:
    signature = xor(layout=layout)
    work, functions = restarts(signature, n=21, max_steps=30), compiled("pytensor", signature)
    ended = train_lanes(functions, work)
    state, targets = ended.state.astype(np.float64), work.targets_of().astype(np.float64)
    losses = functions.losses(state, work.hyper.astype(np.float64), targets)
    np.testing.assert_array_equal(losses, ended.seen.loss)


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
def test_losses_of_float32_are_those_of_the_same_numbers_in_float64(xor, restarts, layout) -> None:
    signature = xor(layout=layout, dtype="float32", regularised=True)
    work, functions = restarts(signature, n=21, l2=0.001), compiled("pytensor", signature)
    state, targets = work.starts.astype(np.float32), work.targets_of()
    losses = functions.losses(state, work.hyper, targets)
    np.testing.assert_array_equal(
        losses, functions.losses(state.astype(np.float64), work.hyper, targets)
    )
    net = net_of(signature, l2=0.001)
    expected = [net.loss(theta) for theta in state.T.astype(np.float64)]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


@pytest.mark.parametrize("l2", [0.0, 0.001])
def test_all_points_of_a_curve_are_of_the_settings_that_train(xor, restarts, l2) -> None:
    signature = xor(dtype="float32", regularised=True)
    work = restarts(signature, n=9, max_steps=30, traced=5, l2=l2)
    ended = train_lanes(compiled("pytensor", signature), work)
    net = net_of(signature, l2=float(np.float32(l2)))
    for k in range(5):
        last = net.loss(ended.weights[:, k])
        assert ended.curves.of(k)[1][-1] == pytest.approx(last, rel=1e-13)
