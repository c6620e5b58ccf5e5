"""Arrow's arrays from NumPy's memory, beside those that pyarrow makes of the same values."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.training.arrow_arrays import column, lists, numbers, of_objects, words

WORDS = st.text(st.characters(codec="utf-8"), max_size=5)


@given(st.lists(st.floats(width=32)), st.sampled_from([pa.float32(), pa.float64()]))
def test_what_is_no_number_is_null(values, kind) -> None:
    values = np.array(values, float)
    made = column(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind, from_pandas=True))
    assert made.null_count == np.isnan(values).sum()


@given(st.lists(st.integers(0, 99)), st.sampled_from([pa.int32(), pa.int64(), pa.bool_()]))
def test_whole_numbers_and_bools(values, kind) -> None:
    values = np.array(values, bool if kind == pa.bool_() else int)
    assert column(values, kind).equals(pa.array(values, kind))


@given(st.lists(st.integers(-(2**40), 2**40)), st.booleans())
def test_what_a_type_cannot_hold_is_refused_unless_it_is_missing(values, is_missing) -> None:
    values = np.array([*values, 2**31], np.int64)
    missing = (values < -(2**31)) | (values >= 2**31) if is_missing else None
    if is_missing:
        assert column(values, pa.int32(), missing).equals(
            pa.array(values, pa.int32(), mask=missing)
        )
    else:
        with pytest.raises(OverflowError, match="int32 cannot hold"):
            column(values, pa.int32())


@given(st.lists(WORDS, min_size=1, unique=True), st.data())
def test_words_by_their_places(of, data) -> None:
    places = data.draw(st.lists(st.integers(0, len(of) - 1)))
    made = words(np.array(places, int), of)
    made.validate(full=True)
    assert made.to_pylist() == [of[place] for place in places]


@given(st.lists(st.none() | st.lists(st.floats(allow_nan=False), max_size=4)))
def test_lists_of_any_lengths(values) -> None:
    lengths = np.array([len(each or ()) for each in values], int)
    flat = np.array([number for each in values for number in each or ()], float)
    missing = np.array([each is None for each in values], bool)
    made = lists(lengths, column(flat, pa.float64()), missing)
    made.validate(full=True)
    assert made.to_pylist() == values


@pytest.mark.parametrize(
    ("kind", "items"),
    [
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        (pa.float64(), st.floats(allow_nan=False)),
        (pa.bool_(), st.booleans()),
        (pa.string(), WORDS),
        (pa.list_(pa.list_(pa.string())), st.lists(st.none() | st.lists(WORDS))),
    ],
    ids=str,
)
@given(data=st.data())
def test_objects_come_back(kind, items, data) -> None:
    values = data.draw(st.lists(st.none() | items))
    made = of_objects(values, kind)
    made.validate(full=True)
    assert made.type == kind
    assert made.to_pylist() == values


def test_a_worker_trains_and_encodes_without_pandas() -> None:
    code = (
        "import sys; from runner.experiment.experiment import load_experiment;"
        "from runner.experiment.plan import Plan; from runner.training.worker import Task;"
        "from runner.training.worker import train_batch;"
        "from runner.study.configuration_table import configuration_file;"
        "sections = {'problem': {'gate': 'XOR'}, 'training': {'max_steps': 9}};"
        "plan = Plan(load_experiment({'name': 'x', 'restarts': 3, **sections}));"
        "segments = plan.stored_segments(next(plan.batches()));"
        "assert train_batch(Task(segments, 1, 'pytensor', 1)).rows == 3;"
        "assert configuration_file(plan);"
        "sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("chunks", [1, 2])
@pytest.mark.parametrize("start", [0, 3])
def test_numbers_are_those_of_arrow(start, chunks) -> None:
    arrays = [
        pa.array([1, -2, 3, 4, 5], pa.int32()),
        pa.array([1, 2**40, 3, 4, 5], pa.int64()),
        pa.array([0.5, None, 2.5, None, 4.5], pa.float32()),
        pa.array([0.5, None, 2.5, 3.5, None], pa.float64()),
        pa.array([True, False, False, True, True]),
        pa.array([], pa.int32()),
    ]
    for array in arrays:
        part = array.slice(start)
        expected = part.to_numpy(zero_copy_only=False)
        for whole, wanted in (
            (part, expected),
            (pa.chunked_array([part] * chunks, part.type), np.concatenate([expected] * chunks)),
        ):
            found = numbers(whole)
            np.testing.assert_array_equal(found, wanted)
            assert found.dtype == wanted.dtype
