"""Tasks beside the batches wait by kind of device, and none is handed out twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.dispatch.tasks.auxiliary import AuxiliaryQueue, AuxiliaryTask
from runner.dispatch.verification.canaries import CanaryTask
from runner.experiment.batches import Batch

BATCH = Batch(0, 0, 4)


@dataclass(frozen=True, eq=False)
class Check(AuxiliaryTask):
    label: str

    @property
    def name(self) -> str:
        return self.label

    def workers(self, addresses: Sequence[str]) -> Sequence[str]:
        return addresses


def test_tasks_are_handed_out_once_in_their_order_the_urgent_ones_apart() -> None:
    queue = AuxiliaryQueue()
    assert not queue
    first, second, other = (
        Check(kind, BATCH, kind + label)
        for kind, label in [("cpu", "1"), ("cpu", "2"), ("gpu", "1")]
    )
    urgent = CanaryTask("cpu", BATCH, "tcp://a:1")
    for task in (first, second, urgent, other):
        queue.add(task)
    assert queue.kinds == {"cpu", "gpu"}
    assert queue.next("cpu") is first
    assert queue.take_urgent("cpu") == [urgent]
    assert queue.take_urgent("cpu") == []
    queue.add(urgent)
    assert queue.take_all("cpu") == [urgent, second]
    assert queue.next("cpu") is None
    assert queue
    assert queue.next("gpu") is other
    assert not queue


def test_a_canary_is_for_its_worker_alone() -> None:
    task = CanaryTask("gpu", BATCH, "tcp://a:1")
    assert task.urgent
    assert list(task.workers(["tcp://b:1", "tcp://a:1"])) == ["tcp://a:1"]
    assert list(task.workers(["tcp://b:1"])) == []
