"""Batches trained a second time, elsewhere, give the same bits or an alarm."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cluster.task_results import TaskResult
from runner.dispatch.verification.audits import Audits, chosen
from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.study.commits import Commit, Failure

BATCHES = [Batch(g, k, k + 10) for g in range(3) for k in range(0, 500, 10)]


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_a_smaller_share_is_a_part_of_a_larger_one(a, b, seed) -> None:
    small, large = sorted((a, b))
    assert chosen(BATCHES, seed, small) <= chosen(BATCHES, seed, large)


@pytest.mark.parametrize(("share", "n"), [(0, 0), (1e-4, 1), (0.01, 2), (0.5, 75), (1, 150)])
def test_the_share_is_rounded_up(share, n) -> None:
    assert len(chosen(BATCHES, 5, share)) == n


def test_the_choice_is_the_seeds_alone() -> None:
    assert chosen(BATCHES, 5, 0.1) == chosen(reversed(BATCHES), 5, 0.1)
    assert chosen(BATCHES, 5, 0.1) != chosen(BATCHES, 6, 0.1)


SHARD = b"what the worker has sent"
COMMIT = Commit(BATCHES[0], 10, len(SHARD), hashlib.sha256(SHARD).hexdigest(), (), "cpu")


def audit_of(commit: Commit, *trained_by: str):
    (found,) = Audits({commit.batch}).committed(commit, trained_by)
    return found


def test_only_the_chosen_are_audited() -> None:
    assert Audits({BATCHES[1]}).committed(COMMIT, ["a"]) == []
    audit = audit_of(COMMIT, "b", "a")
    assert (audit.kind, audit.batch, audit.trained_by) == ("cpu", COMMIT.batch, ("a", "b"))


def test_what_a_kernel_has_trained_is_audited_on_a_cpu_where_there_is_one() -> None:
    for device in ("gpu", "cpu+gpu"):
        kernel = replace(COMMIT, device=device, programs="0123456789abcdef")
        audits = Audits({kernel.batch})
        (found,) = audits.committed(kernel, ["g"], cpus=True)
        assert found.kind == "cpu"
        (found,) = audits.committed(replace(kernel, programs=""), ["g"], cpus=True)
        assert getattr(found, "kind", None) == ("gpu" if device == "gpu" else None)
    assert audit_of(replace(COMMIT, device="gpu", programs="0123456789abcdef")).kind == "gpu"


def test_those_that_trained_a_batch_audit_it_only_where_there_are_no_others() -> None:
    audit = audit_of(COMMIT, "a", "b")
    assert list(audit.workers(["a", "b", "c"])) == ["c"]
    assert list(audit.workers(["a", "b"])) == ["a", "b"]
    assert list(audit.workers([])) == []


@pytest.mark.parametrize(
    ("trained_by", "audited_by", "other_worker"),
    [(["a"], "b", True), (["a", "b"], "b", False), ([], "b", None)],
)
def test_the_same_bits_are_recorded_with_who_computed_them(
    trained_by, audited_by, other_worker
) -> None:
    record = audit_of(COMMIT, *trained_by).ended(TaskResult(audited_by, COMMIT.sha256))
    record.check(Path("study"))
    assert (record.alike, record.other_worker) == (True, other_worker)
    assert record.row["audited_by"] == audited_by
    assert record.row["trained_by"] == trained_by


def test_other_bits_are_an_alarm() -> None:
    other = hashlib.sha256(SHARD + b".").hexdigest()
    record = audit_of(COMMIT, "a").ended(TaskResult("b", other))
    assert record.row["alike"] is False
    with pytest.raises(StudyError, match=f"{COMMIT.sha256} as a trained it, and {other} as b did"):
        record.check(Path("study"))


def test_an_audit_that_fails_is_tried_once_more_and_one_that_is_lost_again_and_again() -> None:
    audit = audit_of(COMMIT, "a")
    for _ in range(5):
        audit = audit.ended(None)
    audit = audit.ended(TaskResult("b", reason="OSError: disk"))
    audit = audit.ended(None)
    record = audit.ended(TaskResult("b", reason="OSError: other disk"))
    record.check(Path("study"))
    assert (record.alike, record.other_worker) == (None, None)
    assert record.row["reason"] == "OSError: other disk"


@pytest.mark.parametrize(
    ("commit", "reason"),
    [
        (replace(COMMIT, device="cpu+gpu"), "it was trained on several kinds of device"),
        (
            replace(COMMIT, failures=(Failure(3, "ValueError", ""),)),
            "some of its restarts could not be trained",
        ),
    ],
)
def test_what_cannot_be_audited_is_recorded_with_the_reason(commit, reason) -> None:
    assert audit_of(commit, "a").row["reason"] == reason
