"""The dispatcher alone, under schedules that no cluster would produce on demand."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.dispatcher import Dispatcher, Piece
from runner.plan import Batch


def shard_of(piece: Piece) -> bytes:
    return bytes(range(piece.start, piece.stop))


def simulate(seed: int) -> None:
    """Drive a dispatcher through one random schedule and check its promises."""
    rng = random.Random(seed)
    size, n = rng.randint(1, 9), rng.randint(1, 40)
    batches = [Batch(0, a, min(a + size, n)) for a in range(0, n, size)]
    poison = {k for k in range(n) if rng.random() < 0.1}
    flaky = rng.choice([0.0, 0.05, 0.2])
    dispatcher = Dispatcher(batches, attempts=rng.randint(1, 3))
    out: list[Piece] = []
    old: list[Piece] = []
    complete = []
    for _ in range(10_000):
        while len(out) < rng.randint(1, 6):
            piece = dispatcher.next()
            if piece is None:
                break
            out.append(piece)
        if not out:
            break
        piece = out.pop(rng.randrange(len(out)))
        event = rng.random()
        if old and event < 0.05:
            # an answer that comes twice, or after it was given up
            late = rng.choice(old)
            assert dispatcher.succeeded(late, b"late") is None
            assert dispatcher.failed(late, "late", "") is None
        if event > 0.95:
            dispatcher.lost(piece)
            continue
        bad = poison & set(range(piece.start, piece.stop))
        if bad or rng.random() < flaky:
            done = dispatcher.failed(piece, f"{len(bad)}", "")
        else:
            done = dispatcher.succeeded(piece, shard_of(piece))
        old.append(piece)
        if done is not None:
            complete.append(done)
    assert dispatcher.next() is None
    assert dispatcher.in_flight == 0
    assert sorted(c.batch for c in complete) == batches
    for c in complete:
        failed = [f.position for f in c.failures]
        trained = [k for shard in c.shards for k in shard]
        assert sorted(trained + failed) == list(range(c.batch.start, c.batch.stop))
        assert trained == sorted(trained)
        assert poison & set(range(c.batch.start, c.batch.stop)) <= set(failed)
        if not flaky:
            assert set(failed) <= poison


@given(st.integers(0, 2**32))
def test_every_batch_completes_once_whatever_happens(seed) -> None:
    simulate(seed)


def test_many_schedules() -> None:
    for seed in range(100_000):
        try:
            simulate(seed)
        except AssertionError as error:
            message = f"replay with simulate({seed})"
            raise AssertionError(message) from error


def test_a_failing_restart_costs_nothing_but_itself() -> None:
    dispatcher = Dispatcher([Batch(0, 0, 64)])
    tries = 0
    complete = None
    while (piece := dispatcher.next()) is not None:
        tries += 1
        if piece.start <= 37 < piece.stop:
            complete = dispatcher.failed(piece, "ValueError: 37", "trace") or complete
        else:
            complete = dispatcher.succeeded(piece, shard_of(piece)) or complete
    assert complete is not None
    assert [f.position for f in complete.failures] == [37]
    assert [k for shard in complete.shards for k in shard] == [k for k in range(64) if k != 37]
    assert tries < 30


def test_every_attempt_has_a_key_of_its_own() -> None:
    dispatcher = Dispatcher([Batch(0, 0, 4)], attempts=2)
    keys = []
    while (piece := dispatcher.next()) is not None:
        keys.append(piece.key("a"))
        dispatcher.failed(piece, "no", "")
    assert len(set(keys)) == len(keys) == 2 * 7
    assert not set(keys) & {piece.key("b") for piece in [Piece(Batch(0, 0, 4), 0, 4)]}


def test_batches_are_taken_only_when_asked_for() -> None:
    taken = []

    def batches():
        for k in range(1000):
            taken.append(k)
            yield Batch(0, k, k + 1)

    dispatcher = Dispatcher(batches())
    for _ in range(3):
        dispatcher.next()
    assert len(taken) == 3


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_answers_of_strangers_are_ignored(outcome) -> None:
    dispatcher = Dispatcher([])
    stranger = Piece(Batch(0, 0, 1), 0, 1)
    arguments = (b"",) if outcome == "succeeded" else ("", "")
    assert getattr(dispatcher, outcome)(stranger, *arguments) is None


def test_a_bundle_is_whole_batches_of_one_group() -> None:
    batches = [Batch(0, 0, 5), Batch(0, 5, 10), Batch(0, 10, 12), Batch(1, 0, 5), Batch(1, 5, 7)]
    dispatcher = Dispatcher(batches)
    asked = []

    def most(first: Batch) -> int:
        asked.append(first)
        return 2

    bundles = [[piece.batch for piece in dispatcher.bundle(most)] for _ in range(4)]
    assert bundles == [batches[:2], batches[2:3], batches[3:], []]
    assert asked == [batches[0], batches[2], batches[3]]
    assert not dispatcher.waiting
    assert dispatcher.in_flight == 5


def test_a_bundle_does_not_jump_over_what_is_done() -> None:
    dispatcher = Dispatcher([Batch(0, 0, 5), Batch(0, 10, 15)])
    assert len(dispatcher.bundle(lambda _: 9)) == 1
    assert dispatcher.waiting


def test_what_failed_in_a_bundle_is_tried_alone() -> None:
    dispatcher = Dispatcher([Batch(0, k, k + 2) for k in range(0, 8, 2)])
    first = dispatcher.bundle(lambda _: 3)
    for piece in first:
        assert dispatcher.failed(piece, "", "") is None
    again = [dispatcher.bundle(lambda _: 9) for _ in range(3)]
    assert [[piece.range for piece in bundle] for bundle in again] == [[p.range] for p in first]
    assert [piece.range for piece in dispatcher.bundle(lambda _: 9)] == [Batch(0, 6, 8)]
