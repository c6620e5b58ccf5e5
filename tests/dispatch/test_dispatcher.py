"""The dispatcher alone, under schedules that no cluster would produce on demand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.schedules import Schedule, shard_of

from runner.dispatch.dispatcher import Dispatcher, Piece
from runner.experiment.batches import Batch


@given(st.integers(0, 2**32))
def test_every_batch_completes_once_whatever_happens(seed) -> None:
    Schedule(seed).run()


def test_many_schedules(request) -> None:
    for seed in range(request.config.getoption("--schedules")):
        try:
            Schedule(seed).run()
        except AssertionError as error:
            message = f"replay with Schedule({seed}).run()"
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
    assert len(set(keys)) == len(keys) == 2 + 2 + 2 * 4  # the whole, two halves, four restarts
    assert not set(keys) & {piece.key("b") for piece in [Piece(Batch(0, 0, 4), 0, 4)]}


class Counted(Sequence[Batch]):
    """A thousand batches that note which of them were looked at."""

    def __init__(self) -> None:
        self.taken: set[int] = set()

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, k):
        self.taken.add(k)
        return Batch(0, k, k + 1)


def test_batches_are_taken_only_when_asked_for() -> None:
    batches = Counted()
    dispatcher = Dispatcher(batches)
    for _ in range(3):
        dispatcher.next()
    assert len(batches.taken) == 3


@given(st.integers(1, 12), st.lists(st.tuples(st.booleans(), st.integers(0, 11)), max_size=40))
def test_a_hastened_batch_comes_next_and_every_batch_once(n, moves) -> None:
    waiting = [Batch(0, k, k + 1) for k in range(n)]
    dispatcher, hastened = Dispatcher(list(waiting)), []
    for hasten, k in [*moves, *[(False, 0)] * n]:
        batch = Batch(0, k, k + 1)
        if hasten and k < n:
            dispatcher.hasten(batch)
            if batch in waiting and batch not in hastened:
                hastened.append(batch)
        elif not hasten:
            expected = (hastened or waiting or [None])[0]
            assert dispatcher.upcoming == expected
            piece = dispatcher.next()
            assert (piece and piece.batch) == expected
            if piece is not None:
                waiting.remove(expected)
                hastened = hastened[1:]
        assert dispatcher.remaining == len(waiting)
    assert waiting == []


def test_to_hasten_a_batch_looks_at_no_other_but_the_next() -> None:
    batches = Counted()
    dispatcher = Dispatcher(batches)
    dispatcher.hasten(Batch(0, 900, 901))
    assert dispatcher.next().batch == Batch(0, 900, 901)
    assert dispatcher.next().batch == Batch(0, 0, 1)
    assert batches.taken <= {0, 1}


def test_what_remains_is_what_nobody_has_been_given_whatever_fails() -> None:
    batches = [Batch(0, k, k + 8) for k in range(0, 64, 8)]
    dispatcher = Dispatcher(batches)
    begun: set[Batch] = set()
    asked = []

    def most(first: Batch) -> int:
        # nothing is tried again now, so what remains are the batches that nobody has had
        asked.append(dispatcher.remaining)
        assert dispatcher.remaining == len(batches) - len(begun)
        return 3

    for _ in range(200):
        pieces = dispatcher.bundle(most)
        for piece in pieces:
            begun.add(piece.batch)
            if piece.start <= 5 < piece.stop:
                dispatcher.failed(piece, "poisoned")
            elif piece.attempt == 0 and piece.batch.start == 32:
                dispatcher.lost(piece)
                dispatcher.killed(dispatcher.next(), "died")
                dispatcher.succeeded(dispatcher.next_alone(), b"")
            else:
                dispatcher.succeeded(piece, b"")
    assert asked == [8, 5, 2]
    assert dispatcher.remaining == dispatcher.in_flight == 0
    assert not dispatcher.waiting


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


def run_until(dispatcher: Dispatcher, outcome) -> list[Piece]:
    """Hand every piece to ``outcome``; return the pieces in order."""
    seen = []
    while dispatcher.waiting:
        piece = dispatcher.next_alone() or dispatcher.next()
        seen.append(piece)
        outcome(piece)
    return seen


def test_a_death_blames_only_what_was_alone() -> None:
    dispatcher = Dispatcher([Batch(0, 0, 8)])
    failed = []

    def outcome(piece: Piece) -> None:
        if not piece.alone or piece.start <= 5 < piece.stop:
            done = dispatcher.killed(piece, "died")
        else:
            done = dispatcher.succeeded(piece, shard_of(piece))
        if done is not None:
            failed.extend(done.failures)

    pieces = run_until(dispatcher, outcome)
    assert [f.position for f in failed] == [5]
    assert [p.alone for p in pieces] == [False] + [True] * (len(pieces) - 1)
    # once shared, once at each of three sizes, and the single restart twice
    deaths = [p for p in pieces if p.start <= 5 < p.stop]
    assert len(deaths) == 1 + 3 + 2


def test_what_failed_on_a_worker_avoids_it() -> None:
    dispatcher = Dispatcher([Batch(0, 0, 1)], attempts=3)
    avoided = []

    def outcome(piece: Piece) -> None:
        avoided.append(set(piece.avoid))
        dispatcher.failed(piece, "no", "", f"w{piece.attempt}")

    run_until(dispatcher, outcome)
    assert avoided == [set(), {"w0"}, {"w0", "w1"}]
    assert dispatcher.n_failed == 1
    assert dispatcher.last_failure.reason == "no"
