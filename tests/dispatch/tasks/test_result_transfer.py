"""Results on their way from a real cluster whose workers leave."""

from __future__ import annotations

from contextlib import closing

from distributed import wait
from support.workers import workers

from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.tasks import result_transfer
from runner.dispatch.tasks.result_transfer import ResultTransfer


def test_a_result_that_left_with_the_last_worker_that_could_make_it_is_lost(monkeypatch) -> None:
    monkeypatch.setattr(result_transfer, "_LOOK_AFTER_S", 0.1)
    monkeypatch.setattr(result_transfer, "_GATHER_S", 1e4)  # waits for what cannot come
    with (
        workers({"CPU": 1}, {"CPU": 1, "RAM": 1}) as (cluster, client),
        closing(WorkerPool(client)) as pool,
    ):
        pool.check()
        future = client.submit(int, resources={"RAM": 1})
        wait([future])
        cluster.sync(cluster.workers[1].close)
        assert ResultTransfer(pool).outcomes([future]) == [None]
