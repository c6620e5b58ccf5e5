"""What a worker sends back, whatever the task did."""

from __future__ import annotations

from runner.cluster.task_results import run_task
from runner.errors import ClusterError, CompileError, ExperimentError


class Unpicklable(Exception):
    def __reduce__(self):
        raise TypeError


def fail(kind: type[Exception]) -> None:
    message = "why"
    raise kind(message)


def test_a_result_comes_with_its_worker(client) -> None:
    found = client.submit(run_task, divmod, 7, 2).result()
    assert found.value == (3, 1)
    assert found.worker in client.scheduler_info()["workers"]
    assert not found.reason


def test_an_exception_comes_as_data_even_one_that_cannot_be_pickled(client) -> None:
    for kind in (ValueError, MemoryError, Unpicklable):
        found = client.submit(run_task, fail, kind, pure=False).result()
        assert found.reason == f"{kind.__name__}: why"
        assert "in fail" in found.traceback
        assert found.worker
        assert not found.refused


def test_what_would_fail_for_every_task_comes_as_itself(client) -> None:
    for kind in (CompileError, ExperimentError):
        found = client.submit(run_task, fail, kind, pure=False).result()
        assert type(found.error) is kind
        assert str(found.error) == "why"
        assert "in fail" in found.traceback
    assert client.submit(run_task, fail, ValueError, pure=False).result().error is None


def test_a_worker_that_is_not_fit_is_told_from_a_task_that_fails(client) -> None:
    for kind in (ClusterError, ImportError):
        assert client.submit(run_task, fail, kind, pure=False).result().refused
