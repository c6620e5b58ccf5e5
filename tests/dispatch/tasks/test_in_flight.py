"""Tasks go to the cluster by few messages, and each comes back once."""

from __future__ import annotations

import pytest
from distributed import Client

from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.in_flight import Call, SentTask, TasksInFlight
from runner.experiment.batches import Batch


def tasks(name: str, n: int, workers: tuple[str, ...] = ()) -> list[SentTask]:
    pieces = [Piece(Batch(0, k, k + 1), k, k + 1) for k in range(n)]
    return [SentTask("cpu", (p,), f"{name}-{p.start}", workers) for p in pieces]


def n_messages(client: Client) -> int:
    return sum(event["action"] == "update-graph" for _, event in client.get_events(client.id))


def returned(in_flight: TasksInFlight) -> dict[str, object]:
    """What every task has returned, by key, each of them once."""
    found: list[tuple[str, object]] = []
    while in_flight:
        for arrivals in in_flight.arrived(60, 3):
            found += [(task.key, future.result(60).value) for task, future in arrivals]
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.mark.parametrize(
    ("argument", "messages"),
    [(bytes(100), 1), (bytes(2**19), 4), (bytes(2**21), 8), ((0,) * 100, 8)],
    ids=["small", "two make a mebibyte", "large", "not packed"],
)
def test_packed_calls_go_together_up_to_a_size(client, argument, messages) -> None:
    before, in_flight = n_messages(client), TasksInFlight(client)
    sent = tasks(f"sized-{len(argument)}", 8)
    assert in_flight.submit([(t, Call(len, (argument,))) for t in sent], {"CPU": 1}) == []
    assert returned(in_flight) == {task.key: len(argument) for task in sent}
    assert n_messages(client) - before == messages


def test_calls_of_one_message_are_for_the_same_workers(client) -> None:
    before, in_flight = n_messages(client), TasksInFlight(client)
    addresses = sorted(client.scheduler_info()["workers"])
    sent = [t for a in addresses for t in tasks(f"named-{a}", 3, (a,))]
    assert in_flight.submit([(task, Call(len, (b"",))) for task in sent], {"CPU": 1}) == []
    for arrivals in in_flight.arrived(60):
        for task, future in arrivals:
            assert (future.result(60).worker,) == task.workers
    assert n_messages(client) - before == len(addresses) == 2


def test_what_is_called_off_does_not_arrive(client) -> None:
    in_flight = TasksInFlight(client)
    first, *others = tasks("called-off", 4)
    in_flight.submit([(task, Call(len, (b"x",))) for task in (first, *others)], {"CPU": 1})
    in_flight.call_off(first)
    assert returned(in_flight) == {task.key: 1 for task in others}


def test_without_a_connection_all_are_told_and_none_is_in_flight(client) -> None:
    with Client(client.scheduler.address, set_as_default=False) as other:
        in_flight = TasksInFlight(other)
    sent = tasks("lost", 3)
    calls = [Call(len, (b"x",)), Call(len, ((),)), Call(len, (b"x",))]
    assert {*in_flight.submit(list(zip(sent, calls, strict=True)), None)} == {*sent}
    assert not in_flight
