"""What a task costs the scheduler and the client, by number of workers, in CPU time.

    PYTHONPATH=. python benchmarks/scheduler.py [TASKS] [WORKERS ...]

The runner's own window hands out tasks that do nothing but return 32 KiB. The scheduler is a
process of its own; all workers live in one other process, so that their number costs no cores.
CPU times are read from the operating system; what the scheduler needs when nothing is to be done
is measured first and taken off. What
the client does with an answer, to commit its shard, is measured apart, in the current folder.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from distributed import Client, Scheduler, Worker

from runner.cluster.task_results import TaskResult
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch.dispatcher import Complete
from runner.dispatch.tasks.handler import RunState, TaskHandler
from runner.dispatch.tasks.in_flight import Call, SentTask
from runner.dispatch.tasks.loop import TaskLoop
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.store import Store

IDLE_S = 5.0


class Idle(TaskHandler):
    """Tasks that only answer."""

    def call(self, task: SentTask) -> Call:
        return Call(bytes, (2**15,))

    def succeeded(self, run: RunState, task: SentTask, result: TaskResult) -> None:
        run.dispatcher.succeeded(task.pieces[0], b"")

    def completed(self, run: RunState, complete: Complete) -> None:
        pass

    def report_progress(self, run: RunState) -> None:
        pass


async def schedule() -> None:
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()


async def work(address: str, n: int) -> None:
    workers = [Worker(address, nthreads=1, resources={"CPU": 1}, dashboard=False) for _ in range(n)]
    await asyncio.gather(*workers)
    print("ready", flush=True)
    await asyncio.gather(*(worker.finished() for worker in workers))


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def cpu_s(pid: int | None = None) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def measure(tasks: int, n: int) -> str:
    scheduler = started("--schedule")
    address = scheduler.stdout.readline().strip()
    workers = started("--work", address, str(n))
    try:
        workers.stdout.readline()
        with Client(address) as client:
            pool = WorkerPool(client, "cpu")
            pool.check()
            idle, at = cpu_s(scheduler.pid), time.monotonic()
            time.sleep(IDLE_S)
            share = (cpu_s(scheduler.pid) - idle) / (time.monotonic() - at)
            before, at = (cpu_s(scheduler.pid), cpu_s()), time.monotonic()
            batches = [Batch(0, k, k + 1) for k in range(tasks)]
            TaskLoop(RunState.of(pool, batches), Idle()).finish()
            took = time.monotonic() - at
            spent = cpu_s(scheduler.pid) - before[0] - share * took, cpu_s() - before[1]
            pool.close()
    finally:
        for process in (workers, scheduler):
            process.kill()
            process.wait()
    each = "".join(f"{1e3 * s / tasks:12.2f}" for s in spent)
    return f"{n:7d}{tasks:8,d}{each}{100 * share:13.1f}{took:9.1f}"


def commits(size: int, n: int = 40) -> str:
    """The client's side of a batch: its shard and its line in the log, made durable."""
    experiment = {"name": "scheduler", "restarts": n, "problem": {"gate": "XOR"}}
    plan, shard = Plan(load_experiment(experiment), batch_size=1), os.urandom(size)
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        Store(Path(folder) / "study").writer() as writer,
    ):
        writer.create(plan)
        cpu, wall = cpu_s(), time.monotonic()
        for batch in plan.batches():
            writer.commit(batch, shard, 1, [])
        spent = cpu_s() - cpu, time.monotonic() - wall
    return f"{size:12,d}{n:8d}" + "".join(f"{1e3 * s / n:12.2f}" for s in spent)


def main(tasks: int = 2000, *workers: int) -> None:
    print("bytes committed       n  CPU ms each wall ms each")
    for size in (2**15, 2**22):
        print(commits(size), flush=True)
    print(f"{'':15s}  CPU ms per task          scheduler  all took")
    print("workers   tasks   scheduler      client  idle, CPU %   wall s", flush=True)
    for n in workers or (1, 2, 4, 8, 64):
        print(measure(tasks, n), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--schedule"]:
        asyncio.run(schedule())
    elif sys.argv[1:2] == ["--work"]:
        asyncio.run(work(sys.argv[2], int(sys.argv[3])))
    else:
        main(*(int(a) for a in sys.argv[1:]))
