"""SIMD code: loops over blocks and steps, bits that depend on no neighbour, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest

from runner.engines import compiled, measured
from runner.engines.simd import Function, UnknownOperation


def vectors(n: int, *names: str):
    return [pt.tensor(name, dtype="float64", shape=(n,)) for name in names]


@pytest.mark.parametrize("n", [1, 2, 3, 16, 24, 1000])
def test_any_number_of_lanes(n) -> None:
    x, y = vectors(n, "x", "y")
    function, found = Function([x, y], [x * y + 1], n), np.empty(n)
    a, b = np.random.default_rng(n).normal(size=(2, n))
    function([a, b], [found])
    np.testing.assert_allclose(found, a * b + 1, rtol=1e-12)


def test_carried_outputs_are_the_next_steps_inputs() -> None:
    x, y, c = vectors(8, "x", "y", "c")
    function = Function([x, y, c], [y, x + y, x * c], 8, n_carried=2)
    found = [np.empty(8) for _ in range(3)]
    function([np.zeros(8), np.ones(8), np.arange(8.0)], found, 10)
    assert (found[0] == 55).all()  # Fibonacci's numbers
    assert (found[1] == 89).all()
    np.testing.assert_array_equal(found[2], 34 * np.arange(8.0))  # of the last step's input


def test_a_block_that_stands_still_is_left() -> None:
    n = 64
    steps, limit = (pt.tensor(name, dtype="int32", shape=(n,)) for name in ("steps", "limit"))
    moved = pt.switch(pt.ge(steps, limit), steps, steps + np.int32(1))
    function = Function([steps, limit], [moved], n, n_carried=1, clock=0)
    found = np.empty(n, "int32")
    limits = np.arange(n, dtype="int32")
    function([np.zeros(n, "int32"), limits], [found], 10**15)  # would take days
    np.testing.assert_array_equal(found, limits)


def test_rows_of_a_matrix_are_variables_of_their_own() -> None:
    x, y = vectors(4, "x", "y")
    found = np.empty((2, 4))
    matrix = np.arange(16.0).reshape(4, 4)[::2]  # not contiguous
    Function([x, y], [x - y, x], 4)([matrix], [found])
    np.testing.assert_array_equal(found, [matrix[0] - matrix[1], matrix[0]])


def test_a_constant_or_an_input_may_be_an_output() -> None:
    (x,) = vectors(4, "x")
    found = [np.empty(4), np.empty(4)]
    Function([x], [x, pt.zeros_like(x) + 2.5], 4)([np.arange(4.0)], found)
    np.testing.assert_array_equal(found, [np.arange(4.0), np.full(4, 2.5)])


@pytest.mark.parametrize("make", [lambda x: x.cumsum(), lambda x: pt.gamma(x), lambda x: x[::-1]])
def test_what_is_not_known_is_refused(make) -> None:
    (x,) = vectors(4, "x")
    with pytest.raises(UnknownOperation):
        Function([x], [make(x)], 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_the_number_of_lanes(xor, restarts, dtype) -> None:
    """So they depend neither on the width of vectors, nor on the place in one."""
    wide = xor(n_lanes=64, dtype=dtype, n_steps=50)
    work = restarts(wide, n=64, max_steps=50, rate=2.0)
    state = wide.start(work.starts, work.hyper[0])
    hyper = work.hyper.astype(dtype)
    targets = np.repeat(work.targets.T, 64, axis=1).astype(dtype)
    none = np.zeros(64, np.int32)
    ours, _, _ = compiled("pytensor", wide).advance(state, none, work.max_steps, hyper, targets)
    for n in (1, 2, 8):
        few = compiled("pytensor", replace(wide, n_lanes=n))
        rows = slice(5, 5 + n)
        parts = (state, none, work.max_steps, hyper, targets)
        theirs, _, _ = few.advance(*(np.ascontiguousarray(a[..., rows]) for a in parts))
        np.testing.assert_array_equal(theirs, ours[:, rows])


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


def test_every_process_writes_the_same_program() -> None:
    """The order of a sum's terms decides its bits, so no hash that changes may decide the order."""
    program = (
        "import hashlib, runner.engines.simd as simd\n"
        "from runner.engines import compiled\n"
        "from runner.plan import Plan\n"
        "texts, make = [], simd._compiled\n"
        "simd._compiled = lambda text: texts.append(text) or make(text)\n"
        "problem = {'name': 'x', 'problem': {'gate': 'XOR'}, 'network': {'hidden': [3]}}\n"
        "from runner.experiment import load_experiment\n"
        "compiled('pytensor', Plan(load_experiment(problem)).configurations[0].signature())\n"
        "print(len(texts), hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1
    assert seen.pop().startswith("2 ")
