"""A program's fingerprint: free of names, true to every operation, its order and its numbers."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest

from runner.engines.registry import compiled, programs
from runner.engines.simd import fingerprint as module
from runner.engines.simd.fingerprint import OPERATIONS, difference, digest, fingerprint
from runner.engines.simd.lowering import lower_function


def text(make) -> str:
    x, y = (pt.tensor(name, dtype="float64", shape=(8,)) for name in "xy")
    return lower_function([x, y], [[make(x, y)]]).text


def test_names_do_not_count() -> None:
    one = text(lambda x, y: x * y + 1)
    other = one.replace('"block"', '"elsewhere"').replace("; ModuleID", "; of another version")
    assert one != other
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: y * x + 1,
        lambda x, y: x * y + np.nextafter(1, 2),
        lambda x, y: x * y - 1,
        lambda x, y: x + y + 1,
        lambda x, y: x / y + 1,
    ],
)
def test_each_operation_and_each_number_counts(make) -> None:
    ours = fingerprint(text(lambda x, y: x * y + 1))
    assert fingerprint(text(make)).sha256 != ours.sha256


def test_a_processor_that_does_not_fuse_has_other_programs(monkeypatch) -> None:
    program = text(lambda x, y: x * y + 1)
    fused = fingerprint(program)
    other = not module.fuses()
    monkeypatch.setattr(module, "fuses", lambda: other)
    assert fingerprint(program).sha256 != fused.sha256
    assert fingerprint(program).operations == fused.operations


def test_operations_are_told_in_words() -> None:
    assert fingerprint(text(lambda x, y: pt.sqrt(x) / y)).operations == "r/"
    assert difference("+*f", "+*r") == (
        "operation 3 of 3 was a fused multiply-add, now it is a square root"
    )
    assert difference("+", "++").endswith("was none, now it is an addition")
    assert difference("+*", "+*") == "its 2 operations are the same, of other numbers"
    assert len({name for name, _ in OPERATIONS.values()}) == len(OPERATIONS)


def test_what_is_compiled_kept_and_only_written_has_one_fingerprint(xor, monkeypatch) -> None:
    signature = xor()
    kept = compiled("pytensor", signature).programs
    assert kept.keys() == {"loop", "look", "update"}
    assert programs("pytensor", signature) == kept
    monkeypatch.setenv("RUNNER_CACHE_DIR", "")
    assert programs("pytensor", signature) == kept
    assert len(digest(kept)) == 16
    assert programs("pytensor-jax", signature) is None
