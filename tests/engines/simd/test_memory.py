"""Matrices in memory: what is transposed, cut or stretched lies where NumPy would find it."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engines.simd.lowering import function
from runner.engines.simd.memory import strides

shapes = st.lists(st.integers(1, 4), min_size=0, max_size=3).map(tuple)


@st.composite
def views(draw):
    """A shape, and what to do to a matrix of it: pairs of a name and its arguments."""
    shape = before = draw(shapes)
    steps = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(("transpose", "cut", "take", "expand", "stretch")))
        if kind == "transpose":
            order = draw(st.permutations(range(len(shape))))
            steps.append((kind, order))
            shape = tuple(shape[axis] for axis in order)
        elif kind == "cut" and shape:
            index = tuple(draw(st.slices(n)) for n in shape)
            cut = np.empty(shape)[index].shape
            if 0 not in cut:
                steps.append((kind, index))
                shape = cut
        elif kind == "take" and shape:
            steps.append((kind, draw(st.integers(-shape[0], shape[0] - 1))))
            shape = shape[1:]
        elif kind == "expand":
            axis = draw(st.integers(0, len(shape)))
            steps.append((kind, axis))
            shape = (*shape[:axis], 1, *shape[axis:])
        elif kind == "stretch":
            wide = tuple(draw(st.integers(1, 4)) if n == 1 else n for n in shape)
            steps.append((kind, wide))
            shape = wide
    return before, steps


def seen(matrix, steps, T):
    for kind, argument in steps:
        if kind == "transpose":
            matrix = matrix.transpose(argument) if matrix.ndim else matrix
        elif kind in ("cut", "take"):
            matrix = matrix[argument]
        elif kind == "expand":
            matrix = T.expand_dims(matrix, argument)
        else:
            matrix = T.broadcast_to(matrix, argument)
    return matrix


@settings(max_examples=60)
@given(views(), st.integers(1, 11))
def test_views_are_those_of_numpy(view, n) -> None:
    shape, steps = view
    x = pt.tensor("x", dtype="float32", shape=shape)
    restarts = np.random.default_rng(n).normal(size=(n, *shape)).astype("float32")
    wanted = [seen(restart, steps, np).ravel() for restart in restarts]
    (found,) = function([x], [[seen(x, steps, pt) + np.float32(0)]], nested=True)(
        restarts.reshape(n, -1).T
    )
    np.testing.assert_array_equal(found.T, wanted)


@given(shapes)
def test_numbers_follow_each_other_in_c_order(shape) -> None:
    array = np.empty(shape, "float32")
    assert [step * 4 for step in strides(shape)] == [
        # NumPy may give any stride to an axis of one number
        own if n > 1 else step * 4
        for own, n, step in zip(array.strides, shape, strides(shape), strict=True)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_are_one_number_for_all_lanes(dtype) -> None:
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
    x = pt.tensor("x", dtype=dtype, shape=(3,))
    numbers = np.random.default_rng(1).normal(size=(3, 19)).astype(dtype)
    (found,) = function([x], [[x * table]], nested=True)(numbers)
    np.testing.assert_array_equal(found, (table[:, :, np.newaxis] * numbers).reshape(15, 19))
