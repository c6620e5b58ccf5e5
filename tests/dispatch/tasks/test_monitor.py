"""What is seen of the tasks on real workers, and how one is replaced."""

from __future__ import annotations

import threading

from support.workers import until, workers

from runner.dispatch.tasks.monitor import RunningTask, TaskMonitor

go = threading.Event()
begun = threading.Event()


def block() -> None:
    begun.set()
    go.wait(timeout=250)


def test_what_runs_is_timed_from_when_it_is_first_seen_and_what_waits_is_not() -> None:
    go.clear()
    with workers({"CPU": 1}) as (cluster, client):
        address = cluster.workers[0].address
        futures = [client.submit(block, key=key, pure=False) for key in ("first", "second")]
        assert begun.wait(timeout=60)
        # A key that the scheduler does not know yet is as one that has ended: nothing is seen.
        until(lambda: cluster.scheduler.tasks.keys() >= {"first", "second"})
        monitor = TaskMonitor(client)
        monitor.look(["first", "second"], 100.0)
        until(monitor._look.done)
        assert monitor.running_s(100.0) == {RunningTask("first", address): 0.0}
        monitor.look(["first", "second"], 107.0)
        until(monitor._look.done)
        assert monitor.running_s(107.0) == {RunningTask("first", address): 7.0}
        assert monitor.running_s(108.0) == {}  # nothing new
        monitor.look(["unknown"], 109.0)  # such as one that has ended in between
        until(monitor._look.done)
        assert monitor.running_s(110.0) == {}
        go.set()
        client.gather(futures)
        monitor.close()


def test_a_worker_that_nobody_restarts_is_told() -> None:
    with workers({"CPU": 1}) as (_, client):
        monitor = TaskMonitor(client)
        monitor.restart("tcp://127.0.0.1:1")
        told: list[str] = []
        until(lambda: told.extend(monitor.not_restarted()) or told)
        assert told == ["tcp://127.0.0.1:1"]
        assert monitor.not_restarted() == []
        monitor.close()
