"""How well the time left of a stage is foretold, for any costs of its groups' rows."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.dispatch.time_left.estimate import each_group_first
from runner.experiment.batches import Batch
from runner.landscape.time_left import StageTimeLeft

BATCHES = each_group_first(
    Batch(group, start, start + 8) for group in range(4) for start in range(0, 80, 8)
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(1e-3, 10), min_size=4, max_size=4), st.integers(1, 5))
def test_once_every_group_is_known_only_a_batch_per_worker_is_uncertain(costs, n_workers) -> None:
    free, answers = [(0.0, f"w{n}") for n in range(n_workers)], []
    for batch in BATCHES:
        begun_s, worker = heapq.heappop(free)
        answers.append((begun_s + len(batch) * costs[batch.group], worker, batch))
        heapq.heappush(free, answers[-1][:2])
    answers.sort(key=lambda answer: answer[:2])
    end_s, time_left, known = answers[-1][0], StageTimeLeft(BATCHES), set()
    for now_s, worker, batch in answers:
        time_left.answered(batch, worker, now_s)
        known.add(batch.group)
        left_s = time_left.seconds(now_s, n_workers)
        assert (left_s is None) == (len(known) < 3)
        if len(known) == 4:
            assert left_s == pytest.approx(end_s - now_s, abs=8 * max(costs))
    assert time_left.seconds(end_s, n_workers) == 0


def test_a_dear_group_is_not_taken_for_a_cheap_one() -> None:
    time_left = StageTimeLeft([Batch(0, 0, 10), Batch(1, 0, 10), Batch(1, 10, 20)])
    assert time_left.seconds(0, 1) is None
    time_left.answered(Batch(0, 0, 10), "w", 1.0)
    assert time_left.seconds(1, 1) is None
    time_left.answered(Batch(1, 0, 10), "w", 101.0)
    assert time_left.seconds(101, 1) == pytest.approx(100)  # by the pace of all rows it were 50
    assert time_left.seconds(111, 1) == pytest.approx(90)
    assert time_left.seconds(101, 0) is None
    time_left.failed(Batch(1, 10, 20), 10)
    assert time_left.seconds(102, 1) == 0


def test_a_worker_that_joins_late_is_not_charged_for_the_time_before() -> None:
    time_left = StageTimeLeft([Batch(0, start, start + 10) for start in range(0, 40, 10)])
    time_left.answered(Batch(0, 0, 10), "early", 10.0)
    time_left.answered(Batch(0, 10, 20), "early", 20.0)
    time_left.answered(Batch(0, 20, 30), "late", 20.0, sent_s=10.0)
    assert time_left.seconds(20, 2) == pytest.approx(10 / 2)
