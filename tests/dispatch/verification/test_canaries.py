"""Which workers are believed: those that give the first one's bits."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from runner.cluster.task_results import TaskResult
from runner.dispatch.verification.canaries import Canaries, CanaryTask
from runner.experiment.batches import Batch

A, B = ("cpu", (0, 0)), ("cpu", (0, 1))


def test_the_first_worker_is_the_reference() -> None:
    canaries = Canaries()
    assert canaries.ask(["a", "b", "c"], A) == ["a", "b", "c"]
    assert canaries.ask(["a", "b", "c"], A) == []
    assert canaries.answered("b", A, "1") == []
    assert canaries.believed == {"b"}
    (found,) = canaries.answered("a", A, "2")
    assert (found.worker, found.reference, found.sha256, found.expected) == ("a", "b", "2", "1")
    assert canaries.answered("c", A, "1") == []
    assert canaries.believed == {"b", "c"}
    assert canaries.different == {"a"}
    assert canaries.ask(["a", "b", "c", "d"], A) == ["d"]


def test_a_new_group_is_asked_of_a_believed_worker_too() -> None:
    canaries = Canaries()
    canaries.ask(["a"], A)
    canaries.answered("a", A, "1")
    assert canaries.ask(["a"], B) == []
    assert canaries.ask(["a", "b"], B) == ["a", "b"]
    assert canaries.answered("b", B, "x") == []  # waits for what the believed one says
    assert "b" not in canaries.believed
    (found,) = canaries.answered("a", B, "y")
    assert (found.worker, found.reference) == ("b", "a")


def test_a_reference_that_leaves_is_replaced() -> None:
    canaries = Canaries()
    canaries.ask(["a"], A)
    canaries.answered("a", A, "1")
    canaries.ask(["a", "b"], B)
    canaries.answered("b", B, "x")
    assert canaries.left("a", B) == []
    assert canaries.believed == {"a", "b"}


def test_kinds_of_device_are_not_compared() -> None:
    canaries = Canaries()
    for worker, kind, sha256 in (("a", A, "1"), ("g", ("gpu", 0), "2")):
        assert canaries.ask([worker], kind) == [worker]
        assert canaries.answered(worker, kind, sha256) == []
    assert canaries.believed == {"a", "g"}


def test_a_canary_that_cannot_be_trained_stops_nobody() -> None:
    canaries = Canaries()
    canaries.ask(["a", "b"], A)
    canaries.failed(A)
    assert canaries.ask(["a", "b", "c"], A) == []
    assert canaries.believed == {"a", "b", "c"}


def test_a_canary_that_kills_its_workers_is_given_up() -> None:
    canaries = Canaries()
    for k in range(9):
        if not canaries.ask([f"w{k}"], A):
            break
        canaries.left(f"w{k}", A)
    assert k == 3
    assert canaries.believed == {"w3"}


def test_a_worker_that_comes_back_is_asked_again() -> None:
    canaries = Canaries()
    canaries.ask(["a"], A)
    canaries.answered("a", A, "1")
    canaries.forget([])
    assert canaries.ask(["a"], A) == ["a"]


def test_the_outcome_of_a_task_is_that_of_its_canary() -> None:
    canaries = Canaries()
    tasks = {worker: CanaryTask("cpu", Batch(0, 0, 4), worker) for worker in "abcd"}
    canaries.ask(tasks, A)
    assert canaries.ended(tasks["a"], TaskResult("a", "1")) == []
    (found,) = canaries.ended(tasks["b"], TaskResult("b", "2"))
    assert (found.worker, found.sha256) == ("b", "2")
    assert canaries.ended(tasks["c"], None) == []  # it has left
    assert canaries.believed == {"a"}
    assert canaries.ended(tasks["d"], TaskResult("d", reason="OSError")) == []
    assert canaries.believed == {"a", "d"}  # as the canary cannot be trained


@given(st.integers(0, 2**32))
def test_no_two_believed_workers_differ_and_nobody_waits_for_ever(seed) -> None:
    rng = random.Random(seed)
    canaries, there, open_ = Canaries(), [], []
    bits, kind, groups = {}, A, rng.random() < 0.5
    for k in range(60):
        event = rng.random()
        if event < 0.3:
            there.append(f"w{k}")
            bits[f"w{k}"] = rng.choice("xxy")
        elif event < 0.4 and there:
            gone = there.pop(rng.randrange(len(there)))
            for worker, which in [o for o in open_ if o[0] == gone]:
                open_.remove((worker, which))
                canaries.left(worker, which)
            canaries.forget(there)
        elif groups and event < 0.5:
            kind = rng.choice((A, B))
        elif open_:
            worker, which = open_.pop(rng.randrange(len(open_)))
            canaries.answered(worker, which, f"{which}{bits[worker]}")
        open_ += [(worker, kind) for worker in canaries.ask(there, kind)]
    while open_:
        worker, which = open_.pop()
        canaries.answered(worker, which, f"{which}{bits[worker]}")
    canaries.forget(there)
    assert canaries.believed | canaries.different == set(there)
    assert not canaries.believed & canaries.different
    if not groups and not canaries._canaries[A].spoilt:
        assert len({bits[worker] for worker in canaries.believed}) <= 1
