"""Which workers are sent away: those that fail what others do, and nobody else."""

from __future__ import annotations

from runner.dispatch.tasks.worker_failures import _REMEMBERED, MOST_REFUTED, WorkerFailures
from runner.experiment.batches import Batch

PIECES = [Batch(0, k, k + 1) for k in range(MOST_REFUTED + 1)]


def test_a_worker_that_fails_what_others_train_is_found() -> None:
    failures = WorkerFailures()
    for k, piece in enumerate(PIECES):
        failures.failed("bad", piece, f"OSError: {k}")
    found = [failures.succeeded("good", piece) for piece in PIECES]
    assert found[: MOST_REFUTED - 1] == [{}] * (MOST_REFUTED - 1)
    assert found[MOST_REFUTED - 1] == {"bad": f"OSError: {MOST_REFUTED - 1}"}
    assert found[MOST_REFUTED:] == [{}]  # said once


def test_what_all_workers_fail_speaks_against_none() -> None:
    failures = WorkerFailures()
    for piece in PIECES:
        for worker in ("a", "b", "c"):
            failures.failed(worker, piece, "ValueError")
    other = [Batch(1, k, k + 1) for k in range(9)]
    assert not any(failures.succeeded("d", piece) for piece in other)


def test_a_success_clears_a_worker() -> None:
    failures = WorkerFailures()
    for piece in PIECES:
        failures.failed("flaky", piece, "OSError")
        assert failures.succeeded("flaky", Batch(1, 0, 1)) == {}
        assert failures.succeeded("good", piece) == {}


def test_the_same_failure_counts_once() -> None:
    failures = WorkerFailures()
    failures.failed("bad", PIECES[0], "OSError")
    for worker in "abcdef":
        assert failures.succeeded(worker, PIECES[0]) == {}


def test_a_worker_that_has_nobody_beside_it_takes_little_memory() -> None:
    failures = WorkerFailures()
    for k in range(3 * _REMEMBERED):
        failures.failed("only", Batch(0, k, k + 1), "OSError")
    assert len(failures._failed["only"]) == _REMEMBERED
