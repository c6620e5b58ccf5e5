"""Nests of loops: random graphs of matrices against NumPy; steps that replace what they read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.written_for import written_for

from runner.engines.pytensor import interpreted
from runner.engines.registry import compiled, measured
from runner.engines.simd import matrix_multiplication, registers
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.lowering import function, loop, rewritten
from runner.engines.simd.matrix_multiplication import Blocks
from runner.engines.simd.memory import Matrix
from runner.engines.simd.registers import AVX, AVX512, Registers
from runner.engines.vector_programs import loop_program
from runner.network.criterion import SolvedCriterion
from runner.training.lanes import train

SIZES = st.sampled_from((1, 2, 3, 5, 9, 13))
CHANGES = ("product", "tanh", "rows", "columns", "turned", "joined", "half", "switch", "raised")


def changed(T: Any, x: Any, y: Any, changes: list[str]) -> Any:
    """A matrix after some changes, in PyTensor's or NumPy's namespace."""
    signal = x
    for change in changes:
        rows, columns = signal.type.shape if T is pt else signal.shape
        inner, _ = y.type.shape if T is pt else y.shape
        if change == "product":
            signal = T.dot(signal, y) if columns == inner else T.dot(signal, signal.T)
        elif change == "tanh":
            signal = T.tanh(signal * 0.5 + 0.25)
        elif change == "rows":
            signal = signal + signal.sum(axis=0, keepdims=True)
        elif change == "columns":
            signal = signal - signal.max(axis=1, keepdims=True)
        elif change == "turned":
            signal = signal.T * 1.5
        elif change == "joined":
            signal = T.concatenate([signal, -signal], axis=1)
        elif change == "half":
            signal = signal[:, : (columns + 1) // 2]
        elif change == "switch":
            signal = T.where(signal > 0, signal, 0.1)
        elif T is pt:
            signal = pt.inc_subtensor(signal[rows // 2, :], np.float64(2))
        else:
            signal = signal.copy()
            signal[rows // 2, :] += 2.0
    return signal


@settings(max_examples=30)
@given(SIZES, SIZES, SIZES, st.lists(st.sampled_from(CHANGES), max_size=6), st.integers(1, 9))
def test_graphs_of_matrices_are_those_of_numpy(rows, inner, columns, changes, n) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, rows, inner)), rng.normal(size=(n, inner, columns))
    x, y = (pt.tensor(dtype="float64", shape=array.shape[1:]) for array in (a, b))
    graph = changed(pt, x, y, changes)
    numbers, (total,) = function([x, y], [[graph], [graph.sum()]], nested=True)(
        a.reshape(n, -1).T, b.reshape(n, -1).T
    )
    wanted = [changed(np, *pair, changes) for pair in zip(a, b, strict=True)]
    size = max(1.0, np.abs(wanted).max())
    np.testing.assert_allclose(numbers.T / size, np.reshape(wanted, (n, -1)) / size, atol=1e-13)
    np.testing.assert_allclose(total / size, np.sum(wanted, axis=(1, 2)) / size, atol=1e-11)


@settings(max_examples=25)
@given(
    st.tuples(*[st.integers(1, 19)] * 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("float32", "float64")),
    st.integers(1, 7),
    st.integers(1, 12),
    st.sampled_from((AVX, AVX512)),
)
def test_bits_do_not_depend_on_what_is_computed_together(
    shape, turn_a, turn_b, dtype, most, columns_together, fit
) -> None:
    """Products of matrices as large as caches, with rows and with columns of the other one."""
    rows, inner, columns = shape
    rng = np.random.default_rng(inner)
    a = rng.normal(size=((inner, rows) if turn_a else (rows, inner))).astype(dtype)
    b = rng.normal(size=((columns, inner) if turn_b else (inner, columns))).astype(dtype)
    x, y = (pt.tensor(dtype=dtype, shape=array.shape) for array in (a, b))
    product = pt.dot(x.T if turn_a else x, y.T if turn_b else y)
    given = [np.repeat(array.reshape(-1, 1), 3, axis=1) for array in (a, b)]

    def computed(**limits: object) -> np.ndarray:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(registers, "here", lambda: fit)
            for name, value in limits.items():
                patch.setattr(matrix_multiplication, name, value)
            return function([x, y], [[product * 2 + 1]], nested=True)(*given)[0]

    together = computed(NEAR=2**40)
    apart = computed(NEAR=0, FEW_ROWS=99, TERMS_OF_ROWS=most, TERMS_OF_COLUMNS=most)
    in_blocks = computed(NEAR=0, FEW_ROWS=0, MANY_ROWS=Blocks(most, columns_together))
    np.testing.assert_array_equal(apart, together)
    np.testing.assert_array_equal(in_blocks, together)
    wanted = (a.T if turn_a else a).astype(float) @ (b.T if turn_b else b).astype(float) * 2 + 1
    np.testing.assert_allclose(
        apart[:, 0], wanted.ravel(), atol=1e-4 if dtype == "float32" else 1e-12
    )


@pytest.mark.parametrize(
    ("rows", "turned", "expected"),
    [
        (4, False, Blocks(8, 300)),
        (4, True, Blocks(128, 300)),
        (9, False, Blocks(64, 64)),
        (9, True, Blocks(64, 64)),
        (1, False, Blocks(200, 300)),
    ],
)
def test_larger_matrices_are_multiplied_in_blocks(rows, turned, expected) -> None:
    """Of many rows other ones than of few, by which the matrix comes by once."""

    def matrix(shape, strides) -> Matrix:
        return Matrix(None, shape, strides, "float32")

    b = matrix((200, 300), (1, 200) if turned else (300, 1))
    assert matrix_multiplication.blocks_of(matrix((rows, 200), (200, 1)), b) == expected
    small = matrix((20, 30), (30, 1))
    assert matrix_multiplication.blocks_of(matrix((9, 20), (20, 1)), small) == Blocks(20, 30)


@pytest.mark.parametrize("shape", [(3, 32), (2, 256), (5, 64)])
def test_rows_that_lie_apart_are_those_of_numpy(shape) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 9, *shape))
    x, y = (pt.tensor(dtype="float64", shape=shape) for _ in range(2))
    graph = pt.dot(pt.dot(x, y.T), pt.tanh(y)) - x
    (found,) = function([x, y], [[graph]], nested=True)(a.reshape(9, -1).T, b.reshape(9, -1).T)
    wanted = a @ b.transpose(0, 2, 1) @ np.tanh(b) - a
    np.testing.assert_allclose(found.T, wanted.reshape(9, -1), atol=1e-11)


def test_constants_may_be_masks() -> None:
    rows = np.array([[True], [False], [True]])
    x = pt.tensor("x", dtype="float64", shape=(3, 2))
    numbers = np.random.default_rng(0).normal(size=(6, 5))
    (found,) = function([x], [[pt.switch(rows, x, 1.0)]], nested=True)(numbers)
    wanted = np.where(rows[:, :, np.newaxis], numbers.reshape(3, 2, 5), 1.0)
    np.testing.assert_array_equal(found, wanted.reshape(6, 5))


# What may become of a, a square matrix, beside two others of its shape.
STEPS = {
    "kept": lambda T, a, b, c: a,
    "moved": lambda T, a, b, c: a + 0.25 * b,
    "other": lambda T, a, b, c: b,
    "turned": lambda T, a, b, c: a.T + 0.5 * c,
    "others turned": lambda T, a, b, c: 0.5 * c.T - a,
    "product": lambda T, a, b, c: T.dot(a, b) * 0.1,
    "of others": lambda T, a, b, c: a - 0.1 * T.dot(c.T, b),
    "two products": lambda T, a, b, c: 0.1 * T.dot(b, c) + 0.1 * T.dot(c, b),
    "summed": lambda T, a, b, c: a - 0.1 * b.sum(axis=0, keepdims=True),
    "along": lambda T, a, b, c: T.tanh(a + b) * c,
}


@settings(max_examples=40)
@given(st.tuples(*[st.sampled_from(list(STEPS))] * 3), st.sampled_from((1, 2, 5)), st.booleans())
def test_a_step_reads_only_what_was_there_before_it(names, size, shared) -> None:
    """Though what it moves takes the place of what it read."""
    n, n_steps = 7, 3
    tensors = [pt.tensor(name, dtype="float64", shape=(size, size)) for name in "abc"]
    most = pt.tensor("most", dtype="float64", shape=())

    def stepped(T: Any, matrices: list[Any]) -> list[Any]:
        moved = [
            STEPS[name](T, *(matrices[(i + k) % 3] for k in range(3)))
            for i, name in enumerate(names)
        ]
        return [moved[0], moved[1] + moved[0], moved[2]] if shared else moved

    halts = pt.gt(abs(tensors[0]).max(), most)
    step = loop(tensors, [most], stepped(pt, tensors), halts, [tensors[1].sum()], nested=True)
    start = np.random.default_rng(size).normal(size=(n, 3, size, size))
    carried = np.ascontiguousarray(start.reshape(n, -1).T)
    steps, told = np.zeros(n, "int32"), np.zeros(n)
    step(carried, steps, np.full(n, n_steps, "int32"), [np.full(n, 2.5)], [told])
    for k in range(n):
        matrices, taken = list(start[k]), 0
        while taken < n_steps:
            last = matrices[1].sum()
            if abs(matrices[0]).max() > 2.5:
                break
            matrices, taken = stepped(np, matrices), taken + 1
        assert steps[k] == taken
        np.testing.assert_allclose(carried[:, k], np.ravel(matrices), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(told[k], last, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: pt.linalg.inv(x),
        lambda x: x.cumsum(axis=0),
        lambda x: x.prod(axis=0),
        lambda x: pt.gamma(x),
        lambda x: x[pt.cast(x[0, 0], "int64")],
        lambda x: x.astype("int64").sum(axis=0),
        lambda x: pt.gt(x, 0).astype("int32").max(axis=0),
        lambda x: pt.inc_subtensor(x[2:2], np.float64(2)),
        lambda x: x[5],
        lambda x: pt.concatenate([x, x.astype("float32")]),
    ],
)
def test_what_is_not_known_is_refused(make) -> None:
    x = pt.tensor("x", dtype="float64", shape=(3, 3))
    with pytest.raises(UnknownOperation):
        function([x], [[make(x)]], nested=True)


# Outputs that others of another kind are made of: a sum, a product, a transposed matrix.
DEPENDENT = {
    "sum": lambda T, a, b, c: [a + 0.5 * b, b, c * 0 + ((a + 0.5 * b) ** 2).sum()],
    "product": lambda T, a, b, c: [a + 0.5 * b, T.dot(a + 0.5 * b, c), c],
    "turned": lambda T, a, b, c: [a + 0.5 * b, (a + 0.5 * b).T, c + (a + 0.5 * b).T],
    "chain": lambda T, a, b, c: [a + b, (a + b) * c, T.dot((a + b) * c, a + b)],
    "same": lambda T, a, b, c: [a + b, a + b, a + b],
    "cut": lambda T, a, b, c: [a - b, T.concatenate([(a - b)[1:], b[:1]]), b],
}


@pytest.mark.parametrize("name", list(DEPENDENT))
def test_outputs_may_be_made_of_one_another(name) -> None:
    n, size = 6, 3
    tensors = [pt.tensor(letter, dtype="float64", shape=(size, size)) for letter in "abc"]
    moved = DEPENDENT[name](pt, *tensors)
    told = tensors[0].sum()
    step = loop(tensors, [], moved, pt.gt(told, 1e9), [told], nested=True)
    start = np.random.default_rng(1).normal(size=(n, 3, size, size))
    carried = np.ascontiguousarray(start.reshape(n, -1).T)
    step(carried, np.zeros(n, "int32"), np.full(n, 2, "int32"), [], [np.zeros(n)])
    for k in range(n):
        wanted = DEPENDENT[name](np, *DEPENDENT[name](np, *start[k]))
        np.testing.assert_allclose(carried[:, k], np.ravel(wanted), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, None), (3, 0)])
def test_shapes_have_to_be_known(shape) -> None:
    x = pt.tensor("x", dtype="float64", shape=shape)
    with pytest.raises(UnknownOperation, match="of shape"):
        function([x], [[x.sum(axis=1)]], nested=True)


def test_what_is_moved_fits_in_its_place() -> None:
    x, y = (pt.tensor(name, dtype="float64", shape=(3, 3)) for name in "xy")
    for moved in ((x + y)[:1], (x + y).astype("float32")):
        with pytest.raises(UnknownOperation, match="in place of"):
            loop([x], [y], [moved], pt.gt(y.sum(), 1), [y.sum()], nested=True)


def test_dtypes_are_those_of_vectors() -> None:
    for shape, nested in (((3, 3), True), ((8,), False)):
        x = pt.tensor("x", dtype="int64", shape=shape)
        with pytest.raises(UnknownOperation, match="int64"):
            function([x], [[x + 1]], nested=nested)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [(1,), (7,), (5, 3)])
def test_bits_depend_neither_on_neighbours_nor_on_tiles(
    xor, restarts, dtype, hidden, monkeypatch
) -> None:
    signature = xor(hidden=hidden, dtype=dtype, layout="stacked", stops=("solved",))
    work = restarts(signature, n=41, max_steps=200, rate=2.0)
    functions = compiled("pytensor", signature)
    assert functions.any_lanes
    ended = train(functions, work)
    state = signature.state.start(work.starts, work.hyper[0])
    parts = (state, np.zeros(41, np.int32), work.max_steps, work.hyper.astype(dtype))
    targets = np.repeat(work.targets.T, 41, axis=1).astype(dtype)
    for n in (1, 3, 8):
        rows = slice(2, 2 + n)
        alone, steps, _ = functions.advance(*(a[..., rows] for a in (*parts, targets)))
        np.testing.assert_array_equal(alone, ended.state[:, rows])
        np.testing.assert_array_equal(steps, ended.steps[rows])
    texts = {loop_program(signature).text}
    for tile, at_once, register in (((1, 1), 1, 64), ((2, 5), 3, 16), ((8, 2), 100, 32)):
        monkeypatch.setattr(matrix_multiplication, "SUMS", at_once)
        with written_for(Registers(register, tile, at_once)):
            texts.add(loop_program(signature).text)
            again = train(compiled("pytensor", signature), work)
        np.testing.assert_array_equal(again.state, ended.state)
        np.testing.assert_array_equal(again.steps, ended.steps)
    assert len(texts) == 4


def test_products_with_the_hessian_agree_with_jax(xor, restarts) -> None:
    signature = xor(hidden=(4, 3), skip=True, layout="stacked", n_lanes=8).measured
    work = restarts(signature, n=8)
    direction = np.random.default_rng(0).normal(size=work.starts.shape)
    targets = np.repeat(work.targets.T, 8, axis=1)
    ours, theirs = (measured(engine, signature) for engine in ("pytensor", "pytensor-jax"))
    assert ours.any_lanes
    assert not theirs.any_lanes
    parts = work.starts, direction, work.hyper, targets
    np.testing.assert_allclose(ours.product(*parts), theirs.product(*parts), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    "fields",
    [
        {"output": "softmax", "skip": True, "optimizer": "momentum", "regularised": True},
        {"activation": "step", "stops": ("loss",)},
        {"activation": "relu", "output": "linear", "loss": "squared-error", "optimizer": "adam"},
        {"activation": "tanh", "output": "tanh", "loss": "squared-error", "optimizer": "rprop"},
        # one output of two levels, one of more
        {"output": "softmax", "criterion": SolvedCriterion((0.5, 0.5), (0.0, 0.1))},
        {"activation": "linear", "output": "relu", "loss": "squared-error", "stops": ("gradient",)},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_every_kind_of_network_has_vector_code(xor, restarts, fields) -> None:
    """And moves as PyTensor does where it runs the same graph in Python."""
    signature = xor(hidden=(4, 3), layout="stacked", n_lanes=8, **fields)
    work = restarts(signature, n=8, momentum=0.5, l2=0.01)
    state = signature.state.start(work.starts, work.hyper[0])
    fixed = work.hyper, np.repeat(work.targets.T, 8, axis=1)
    ours, theirs = compiled("pytensor", signature), interpreted(signature)
    assert ours.any_lanes
    n = signature.architecture.n_parameters
    for _ in range(2):  # the second one reads what the first has left beside the weights
        found, wanted = ours.evaluate(state, *fixed), theirs(state, *fixed)
        for name, value in vars(wanted).items():
            np.testing.assert_allclose(
                vars(found)[name], value, rtol=1e-11, atol=1e-13, err_msg=name
            )
        before, counts = state, (np.zeros(8, np.int32), np.ones(8, np.int32))
        state, steps, solved = ours.advance(before, *counts, *fixed)
        halted = np.zeros(8, bool)
        if "loss" in signature.stops:
            halted |= wanted.loss <= 0
        if "gradient" in signature.stops:
            halted |= (wanted.gradient == 0).all(axis=0)
        assert not halted.all()
        np.testing.assert_array_equal(steps, ~halted)
        np.testing.assert_array_equal(solved, wanted.solved)
        np.testing.assert_array_equal(state[:, halted], before[:, halted])
        np.testing.assert_allclose(
            state[:n, ~halted], wanted.moved[:, ~halted], rtol=1e-11, atol=1e-13
        )
    assert measured("pytensor", signature.measured).any_lanes


def test_products_of_columns_with_rows_stay_products_in_every_version_of_pytensor() -> None:
    """Or its versions would write different programs."""

    def operations(*shapes: tuple[int, int]) -> list[str]:
        inputs = [pt.tensor(dtype="float64", shape=shape) for shape in shapes]
        graph = rewritten(inputs, [pt.dot(*inputs) * 0.5])
        return [type(node.op).__name__ for node in graph.toposort()]

    assert operations((4, 1), (1, 8)) == ["Dot", "Elemwise"]
    assert operations((4, 1), (1, 1)) == operations((1, 1), (1, 8)) == ["Elemwise"]
