"""Whatever comes from outside is answered with a result or a `RunnerError`, never otherwise."""

from __future__ import annotations

import pytest
from campaigns.targets import NASTY, feed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = [
    *(b"name", b"seed", b"restarts", b"grid", b"problem", b"gate", b"table", b"network", b"hidden"),
    *(b"training", b"max_steps", b"init", b"slice", b"at", b"XOR", b"PARITY-16", b"y", b"y1", b"a"),
    *(b"=", b".", b"[", b"]", b"{", b"}", b",", b'"', b"'", b"\n", b"#", b":", b" ", b"-", b"\0"),
    *(b"0", b"1", b"9" * 5000, b"1e999", b"nan", b"0x7f", b"true", b"1979-05-27", b"W1[0,0]=0:1:3"),
    *(b"\xff", b"\xef\xbb\xbf", "é".encode(), b"[" * 200, b"a." * 200, b"../" * 50, b"/dev/zero"),
]
"""Pieces of what the readers read, and of what breaks readers."""

TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map(b"".join)
BYTES = st.binary(max_size=200) | TEXTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in one of its own, in which nothing else may appear."""
    path = tmp_path_factory.mktemp("input") / "folder"
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("target", "head"),
    [
        ("experiment", b""),
        ("experiment", b'name = "x"\n[problem]\ngate = "XOR"\n'),
        ("table", b""),
        ("table", b"a,b,y\n0,0,1\n"),
        ("options", b""),
        ("options", b"network.hidden="),
        ("weights", b""),
    ],
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=BYTES)
def test_any_bytes_are_answered(folder, target, head, data) -> None:
    feed(target, head + data, folder)


@pytest.mark.parametrize("how", range(5), ids=["plan", "log", "shard", "shard bytes", "any bytes"])
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=3, max_size=60))
def test_a_study_changed_with_right_hashes_is_answered(folder, how, data) -> None:
    feed("study", bytes([how]) + data, folder)


@pytest.mark.parametrize("value", range(len(NASTY)))
def test_every_field_of_a_log_can_be_nasty(folder, value) -> None:
    for place in range(16):
        feed("study", bytes([1, 0, place, value]), folder)


@pytest.mark.parametrize("value", range(len(NASTY)))
def test_every_column_of_a_shard_can_hold_a_nasty_value(folder, value) -> None:
    for column in range(20):
        feed("study", bytes([2, column, 3, value]), folder)
