"""SIMD code: loops over blocks and steps, bits that depend on no neighbour, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.written_for import written_for

from runner.engines.registry import compiled, measured
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.fingerprint import fingerprint
from runner.engines.simd.lowering import GroupedGraph, function, loop
from runner.engines.simd.machine_code import Function, Recording, assemble
from runner.engines.simd.memory import PERIOD
from runner.engines.simd.registers import Registers
from runner.engines.simd.row_memory import apart
from runner.engines.vector_programs import loop_program
from runner.network.signature import HYPERPARAMETERS
from runner.training.lanes import train


def vectors(*names: str, dtype: str = "float64"):
    return [pt.tensor(name, dtype=dtype, shape=(8,)) for name in names]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 16, 24, 1000])
def test_any_number_of_lanes(n) -> None:
    x, y = vectors("x", "y")
    a, b = np.random.default_rng(n).normal(size=(2, n))
    numbers, more = function([x, y], [[x * y + 1, x], [pt.gt(x, y)]])(a, b)
    np.testing.assert_allclose(numbers, [a * b + 1, a], rtol=1e-12)
    np.testing.assert_array_equal(more, [a > b])
    assert more.dtype == bool


@pytest.mark.parametrize("n", [0, 3, 16, 19])
def test_some_groups_of_outputs_alone(n) -> None:
    x, y = vectors("x", "y")
    product = x * y  # fused with the sum where that is the only use of it; in the last group, too
    groups = [[pt.tanh(product + y)], [x, y, x + y], [pt.gt(product, y)]]
    graph = GroupedGraph.of([x, y], groups)
    programs = [graph.program(count) for count in (3, 1, 2)]
    every, *some = (Function(assemble(program)) for program in programs)
    a, b = np.random.default_rng(n).normal(size=(2, n))
    for n_groups, found in zip((1, 2), (few(a, b) for few in some), strict=True):
        assert len(found) == n_groups
        for values, expected in zip(found, every(a, b), strict=False):
            np.testing.assert_array_equal(values, expected)
    operations = [fingerprint(program.text).operations for program in programs]
    assert len(operations[1]) < len(operations[2]) < len(operations[0])


def test_threads_have_memory_of_their_own() -> None:
    """A function keeps its memory for the next call, which may be made before this one ends."""
    x = pt.tensor("x", dtype="float64", shape=(40, 40))
    product = function([x], [[pt.dot(pt.dot(x, x), x)]], nested=True)
    given = [np.random.default_rng(k).normal(size=(1600, 64)) for k in range(8)]
    alone = [product(array)[0] for array in given]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(product, given))
    for one, (other,) in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@cache
def fibonacci(kind="recording"):
    """Moves (x, y) to (y, x + y) until y exceeds a limit of the column's own; tells x * scale."""
    x, y, most, scale = vectors("x", "y", "most", "scale")
    return loop([x, y], [most, scale], [y, x + y], pt.gt(y, most), [x * scale], kind=kind)


@pytest.mark.parametrize("kind", ["loop", "recording"])
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1e6)), max_size=70))
def test_every_column_halts_where_it_would_alone(kind, columns) -> None:
    """Whatever its neighbours do, and however many they are."""
    steps, limit = (np.array([c[i] for c in columns], "int32") for i in (0, 1))
    most = np.array([c[2] for c in columns])
    n = len(columns)
    carried, told, before = np.ones((2, n)), np.full(n, -1.0), steps.copy()
    fibonacci(kind)(carried, steps, limit, [most, np.full(n, 3.0)], [told])
    for k in range(n):
        x, y, step, last = 1.0, 1.0, before[k], -1.0
        while step < limit[k]:
            last = 3.0 * x
            if y > most[k]:
                break
            x, y, step = y, x + y, step + 1
        assert steps[k] == step
        assert carried[:, k].tolist() == [x, y]
        assert told[k] == last


def test_rows_of_what_is_overwritten_have_no_gaps() -> None:
    halves = np.ones((2, 6))[:, ::2]
    counts = np.zeros(3, "int32")
    with pytest.raises(ValueError, match="have gaps"):
        fibonacci()(halves, counts, counts, [np.ones(3), np.ones(3)], [np.ones(3)])


@pytest.mark.parametrize("n", [0, 1, 500, 512, 1024])
def test_rows_begin_at_different_places_of_pages(n) -> None:
    """Where they lie makes no difference to what is computed."""
    start = np.random.default_rng(n).uniform(0, 1, (2, n))
    spaced = apart(start)
    np.testing.assert_array_equal(spaced, start)
    assert spaced.strides[0] % PERIOD
    ended = []
    for carried in (start.copy(), spaced):
        steps, limit, told = np.zeros(n, "int32"), np.arange(n, dtype="int32") % 40, np.zeros(n)
        fibonacci()(carried, steps, limit, [np.full(n, 1e3), np.ones(n)], [told])
        ended.append(np.stack([*carried, steps, told]))
    np.testing.assert_array_equal(*ended)
    x, y = vectors("x", "y")
    (sums,) = function([x, y], [[x + y]])(apart(start))
    np.testing.assert_array_equal(sums[0], start[0] + start[1])


def test_one_row_may_stand_for_several() -> None:
    x, y = vectors("x", "y")
    row = np.arange(20.0)
    (sums,) = function([x, y], [[x + y]])(np.broadcast_to(row, (2, 20)))
    np.testing.assert_array_equal(sums[0], 2 * row)


def test_restarts_are_trained_in_rows_that_do_not_begin_at_equal_places(xor) -> None:
    signature = xor(dtype="float32")
    start = signature.state.start(np.zeros((9, 1024)), np.ones(1024))
    hyper = np.zeros((len(HYPERPARAMETERS), 1024), "float32")
    steps, limit = (np.full(1024, n, np.int32) for n in (0, 2))
    targets = np.zeros((signature.n_targets, 1024), "float32")
    functions = compiled("pytensor", signature)
    state, *_ = functions.advance(start.astype("float32"), steps, limit, hyper, targets)
    assert state.strides[0] % PERIOD


@cache
def fibonacci_of_matrices():
    """The same, with x and y as matrices of one number."""
    x, y, most, scale = (
        pt.tensor(k, dtype="float64", shape=()) for k in ("x", "y", "most", "scale")
    )
    told = [x * scale]
    return loop([x, y], [most, scale], [y, x + y], y > most, told, nested=True, kind="recording")


COLUMN = st.tuples(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1e6), st.booleans())


@pytest.mark.parametrize("step", [fibonacci, fibonacci_of_matrices])
@given(st.lists(COLUMN, max_size=70), st.sets(st.integers(0, 30)), st.sampled_from((1, 2)))
def test_points_are_recorded_while_lanes_go_on(step, columns, after, rows) -> None:
    """Where a column comes to them, and its end is that without."""
    steps, limit = (np.array([c[i] for c in columns], "int32") for i in (0, 1))
    most, own = np.array([c[2] for c in columns]), np.array([c[3] for c in columns], bool)
    n, at = len(columns), np.array(sorted(after), np.int64)
    places = np.where(own, np.cumsum(own) - 1, -1).astype(np.int32)
    points = np.full((len(at), rows, np.count_nonzero(own)), -1.0)
    fixed, before, ended = [most, np.full(n, 3.0)], steps.copy(), []
    for recording in (None, Recording(at, places, points)):
        carried, taken, told = np.ones((2, n)), before.copy(), np.full(n, -1.0)
        step()(carried, taken, limit, fixed, [told], recording)
        ended.append(np.stack([*carried, taken, told]))
    np.testing.assert_array_equal(*ended)
    for k in np.flatnonzero(own):
        way = [(1.0, 1.0)]
        while before[k] + len(way) <= limit[k] and way[-1][1] <= most[k]:
            x, y = way[-1]
            way.append((y, x + y))
        for number, due in enumerate(at):
            comes = due < len(way) and before[k] + due < limit[k]
            expected = way[due][:rows] if comes else (-1.0,) * rows
            assert tuple(points[number, :, places[k]]) == expected


def test_what_is_recorded_has_a_place() -> None:
    n, at = 3, np.array([0, 2])
    places, points = np.array([0, -1, 1], np.int32), np.zeros((2, 2, 2))
    for wrong in (
        (at[::-1], places, points),
        (at - 1, places, points),
        (at.astype("int32"), places, points),
        (at[:1], places, points),
        (at, places + np.int32(1), points),
        (at, places[:2], points),
        (at, places.astype("int64"), points),
        (at, places, points.astype("float32")),
        (at, places, np.zeros((2, 3, 2))),
        (at, places, np.zeros((2, 0, 2))),
        (at, places, np.zeros((2, 2, 4))[:, :, ::2]),
    ):
        carried, counts, most = np.ones((2, n)), np.zeros(n, "int32"), np.ones(n)
        with pytest.raises(ValueError, match="expected a loop that records"):
            fibonacci()(carried, counts, counts, [most, most], [np.ones(n)], Recording(*wrong))


def test_what_is_given_is_as_it_was_compiled() -> None:
    x, y = vectors("x", "y")
    double = function([x, y], [[x + y]])
    ones = np.ones((2, 16))
    for wrong in ([ones.astype("float32")], [ones[:1]], [ones[0], ones[1, :9]], [ones, ones[0]]):
        with pytest.raises(ValueError, match="expected 2 of float64 and one length"):
            double(*wrong)
    counts, told = np.zeros(3, "int32"), np.ones(3)
    most, carried = np.ones(3), np.ones((2, 3))
    for wrong in (
        (carried.astype("float32"), counts, counts, [most, most], [told]),
        (carried, counts.astype("int64"), counts, [most, most], [told]),
        (carried, counts, counts[:2], [most, most], [told]),
        (carried, counts[:2], counts[:2], [most, most], [told[:2]]),
        (carried, counts, counts, [most], [told]),
        (carried, counts, counts, [most, most], []),
        (np.ones((3, 3)), counts, counts, [most], [told]),
    ):
        with pytest.raises(ValueError, match="expected"):
            fibonacci()(*wrong)


def test_rows_of_a_matrix_are_variables_of_their_own() -> None:
    x, y = vectors("x", "y")
    matrix = np.arange(16.0).reshape(4, 4)[::2]  # not contiguous
    (found,) = function([x, y], [[x - y, x]])(matrix)
    np.testing.assert_array_equal(found, [matrix[0] - matrix[1], matrix[0]])


def test_a_constant_or_an_input_may_be_an_output() -> None:
    (x,) = vectors("x")
    (found,) = function([x], [[x, pt.zeros_like(x) + 2.5]])(np.arange(4.0))
    np.testing.assert_array_equal(found, [np.arange(4.0), np.full(4, 2.5)])


@pytest.mark.parametrize("make", [lambda x: x.cumsum(), lambda x: pt.gamma(x), lambda x: x[::-1]])
def test_what_is_not_known_is_refused(make) -> None:
    (x,) = vectors("x")
    with pytest.raises(UnknownOperation):
        function([x], [[make(x)]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_the_number_of_lanes(xor, restarts, dtype) -> None:
    """So they depend neither on neighbours, nor on the place in a vector."""
    signature = xor(dtype=dtype, stops=("solved",))
    work = restarts(signature, n=64, max_steps=300, rate=2.0)
    state = signature.state.start(work.starts, work.hyper[0])
    hyper = work.hyper.astype(dtype)
    targets = np.repeat(work.targets.T, 64, axis=1).astype(dtype)
    parts = (state, np.zeros(64, np.int32), work.max_steps, hyper, targets)
    functions = compiled("pytensor", signature)
    assert functions.any_lanes
    ours, steps, solved = functions.advance(*parts)
    assert 0 < solved.sum() < 64
    for n in (1, 2, 8, 33):
        rows = slice(5, 5 + n)
        theirs = functions.advance(*(a[..., rows] for a in parts))
        np.testing.assert_array_equal(theirs[0], ours[:, rows])
        np.testing.assert_array_equal(theirs[1], steps[rows])
        np.testing.assert_array_equal(theirs[2], solved[rows])
    np.testing.assert_array_equal(state, parts[0])  # nothing that was given is overwritten
    assert not parts[1].any()


def test_bits_do_not_depend_on_the_width_of_vectors(xor, restarts) -> None:
    signature = xor(dtype="float32")
    work = restarts(signature, n=20, max_steps=50, rate=2.0)
    expected = train(compiled("pytensor", signature), work).state
    texts = set()
    for n_bytes in (4, 8, 32, 64):
        with written_for(Registers(n_bytes, tile=(4, 3), terms=8)):
            texts.add(loop_program(signature).text)
            again = train(compiled("pytensor", signature), work)
        np.testing.assert_array_equal(again.state, expected)
    assert len(texts) == 4


def test_products_with_the_hessian_agree_with_jax(xor, restarts) -> None:
    signature = xor(n_lanes=8).measured
    work = restarts(signature, n=8)
    direction = np.random.default_rng(0).normal(size=work.starts.shape)
    targets = np.repeat(work.targets.T, 8, axis=1)
    ours, theirs = (
        measured(engine, signature).product(work.starts, direction, work.hyper, targets)
        for engine in ("pytensor", "pytensor-jax")
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14)


# a line, of which one program records, and nests of loops
@pytest.mark.parametrize(("hidden", "n_programs"), [(3, 7), (30, 6)])
def test_every_process_writes_the_same_program(hidden, n_programs) -> None:
    """The order of a sum's terms decides its bits, so no hash that changes may decide the order."""
    program = (
        "import hashlib, runner.engines.simd.machine_code as machine_code\n"
        "from runner.engines.registry import compiled\n"
        "from runner.experiment.plan import Plan\n"
        "texts, make = [], machine_code.assembled\n"
        "machine_code.assembled = lambda text: texts.append(text) or make(text)\n"
        f"network = {{'hidden': [{hidden}]}}\n"
        "problem = {'name': 'x', 'problem': {'gate': 'XOR'}, 'network': network}\n"
        "from runner.experiment.experiment import load_experiment\n"
        "compiled('pytensor', Plan(load_experiment(problem)).configurations[0].signature())\n"
        "print(len(texts), hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "RUNNER_CACHE_DIR": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1
    assert seen.pop().startswith(f"{n_programs} ")
