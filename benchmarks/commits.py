"""How many batches a second one client can commit, and what that takes of client and scheduler.

    PYTHONPATH=. python benchmarks/commits.py writer
    PYTHONPATH=. python benchmarks/commits.py client [BATCHES [WORKERS]]
    PYTHONPATH=.:tests python benchmarks/commits.py url [BATCHES [WORKERS]]
    PYTHONPATH=. python benchmarks/commits.py watch [WORKERS ...]
    PYTHONPATH=. python benchmarks/commits.py sweep [WORKERS [BATCHES]]

`writer` commits shards of 32 KiB and of 4 MiB to a study in the current folder: one by one, which
an older build can do too (``PYTHONPATH`` says which is measured), in groups as a sweep does, and
such as workers have staged before.

`client` is a whole sweep of batches that nobody trains: the workers, all in one process, answer at
once, with shards of zeros, or with files of holes where they stage. So what is measured is the
client's and the scheduler's CPU time, the time in which the client waits for its disk, and the
bytes that the scheduler reads and writes, all per batch.

`url` is the same into a URL, whose store is the tests' own S3 server in a process of its own; with
``--shared`` the workers write there. The client's work has its pushes and pulls in it.

`watch` is what workers cost that do nothing: the scheduler's and the client's CPU time, in percent
of a core, while the client asks twice a second who is there.

`sweep` trains a real experiment with ``--shared``, on workers in four processes, to its end, and
compares every file with its hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
from distributed import Client, Scheduler
from scheduler import work
from tornado.iostream import IOStream

import runner
from runner.cluster.worker_pool import WorkerPool
from runner.dispatch import training_tasks
from runner.engines.simd.fingerprint import Fingerprint
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import damage
from runner.study.store import Store
from runner.training.worker import Task, Trained

with suppress(ImportError):  # builds before staged shards
    from runner.dispatch.staged_training import StagedBatch, StagedTraining
    from runner.study.group_commit import Ready
    from runner.study.staging import StagedShard

SIZES = (2**15, 2**22)
TOGETHER = 256
PROGRAMS = {name: Fingerprint("0" * 64, "*+" * 350) for name in ("look", "loop", "update")}
STAGES = "StagedTraining" in globals()


# What workers do: nothing.


@cache
def zeros(size: int) -> tuple[bytes, str]:
    content = bytes(size)
    return content, hashlib.sha256(content).hexdigest()


def trained(task: Task, size: int, shard: bytes) -> Trained:
    rows = sum(s.stop - s.start for s in task.segments)
    solved = {s.configuration.index: 0 for s in task.segments}
    steps = {s.configuration.index: (s.stop - s.start, 100) for s in task.segments}
    times = {"compile_s": 1e-3, "train_s": 1.0, "cpu_s": 1.0}
    times |= {"restart_steps": rows, "lane_steps": rows}
    where = {"device": "cpu", "host": "localhost", "process": 4711, "together": 1}
    return Trained(
        shard, rows, {**where, **times, "solved": solved, "steps": steps, "programs": PROGRAMS}
    )


@dataclass(frozen=True)
class Answers:
    """Stands in for `train_batch`."""

    size: int

    def __call__(self, task: Task) -> Trained:
        return trained(task, self.size, zeros(self.size)[0])


if STAGES:

    @dataclass(frozen=True)
    class Holes(StagedTraining):
        """Stages files of holes, which cost the machine's disk nothing."""

        def __call__(self, task: Task) -> list[StagedBatch]:
            size = self.train.size
            (made,) = [trained(task, size, b"")]
            name = f"{self.names[0].replace('/', '-')}.{os.urandom(6).hex()}.parquet"
            with open(os.path.join(self.staging.folder, name), "wb") as file:
                file.truncate(size)
            telemetry = made.telemetry | (
                {"programs": next(iter(self.known))} if self.known else {}
            )
            return [StagedBatch(StagedShard(name, size, zeros(size)[1]), telemetry)]


# Processes.


def count_bytes(counts: Counter) -> None:
    """Count what this process reads from sockets and writes to them."""
    read, write = IOStream.read_from_fd, IOStream.write_to_fd

    def reading(self, buf):
        n = read(self, buf)
        counts["read"] += n or 0
        return n

    def writing(self, data):
        n = write(self, data)
        counts["written"] += n
        return n

    IOStream.read_from_fd, IOStream.write_to_fd = reading, writing


async def schedule() -> None:
    counts: Counter = Counter()
    count_bytes(counts)
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        scheduler.counted = counts
        print(scheduler.address, flush=True)
        await scheduler.finished()


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    # Dask keeps the last messages to every worker: 1000 of them by default.
    environment = os.environ | {"DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "20"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


@contextmanager
def cluster(workers: int, processes: int = 1):
    """Yield a client of workers, and the scheduler's process."""
    scheduler = started("--schedule")
    address = scheduler.stdout.readline().strip()
    servers = [started("--work", address, str(workers // processes)) for _ in range(processes)]
    try:
        for server in servers:
            server.stdout.readline()
        with Client(address) as client:
            yield client, scheduler.pid
    finally:
        for process in (*servers, scheduler):
            process.kill()
            process.wait()


def cpu_s(pid: int | None = None) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def counted(dask_scheduler) -> dict[str, int]:
    return dict(dask_scheduler.counted)


@contextmanager
def timed_syncs():
    """Yield a list that gets the seconds of each sync, also where several wait together."""
    real, spans = os.fsync, []

    def sync(descriptor: int) -> None:
        began = time.perf_counter()
        real(descriptor)
        spans.append((began, time.perf_counter()))

    os.fsync = sync
    try:
        yield spans
    finally:
        os.fsync = real


def covered_s(spans) -> float:
    """Return how long at least one of the spans lasted."""
    total, end = 0.0, float("-inf")
    for began, ended in sorted(spans):
        total += max(0.0, ended - max(began, end))
        end = max(end, ended)
    return total


# What is measured.


def writer() -> None:
    print("     bytes  how             n  CPU ms  wall ms  batches/s")
    for size in SIZES:
        n = 512 if size == 2**15 else 64
        for how in ("one by one", "in groups", "staged") if STAGES else ("one by one",):
            print(written(size, n, how), flush=True)


def written(size: int, n: int, how: str) -> str:
    experiment = {"name": "commits", "restarts": n, "problem": {"gate": "XOR"}}
    plan = Plan(load_experiment(experiment), batch_size=1)
    batches, shard = list(plan.batches()), os.urandom(size)
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        Store(Path(folder) / "study").writer() as writes,
    ):
        writes.create(plan)
        if how == "staged":
            with writes.staging() as place:
                staged = [place.stage(batch.name, shard) for batch in batches]
                cpu, wall = cpu_s(), time.perf_counter()
                for k in range(0, n, TOGETHER):
                    group = list(zip(batches, staged, strict=True))[k : k + TOGETHER]
                    for batch, part in group:
                        if problem := place.disagreement(part, batch):
                            raise SystemExit(problem)
                    writes.commit_together([Ready(b, p, 1) for b, p in group], place)
                spent = cpu_s() - cpu, time.perf_counter() - wall
        else:
            cpu, wall = cpu_s(), time.perf_counter()
            if how == "one by one":
                for batch in batches:
                    writes.commit(batch, shard, 1, [])
            else:
                most = min(TOGETHER, 2**25 // size)
                for k in range(0, n, most):
                    writes.commit_together([Ready(b, shard, 1) for b in batches[k : k + most]])
            spent = cpu_s() - cpu, time.perf_counter() - wall
    each = "".join(f"{1e3 * s / n:9.3f}" for s in spent)
    return f"{size:10,d}  {how:12s}{n:5d}{each}{n / spent[1]:11,.0f}"


def client(batches: int = 2000, workers: int = 64) -> None:
    print(
        "     bytes  how         n   client CPU ms  disk ms  batches/s"
        "  scheduler CPU ms  KiB in     out"
    )
    with cluster(workers) as (connected, pid):
        for size in SIZES:
            n = batches if size == 2**15 else batches // 10
            for shared in (False, True) if STAGES else (False,):
                print(swept(connected, pid, size, n if not shared else batches, shared), flush=True)


def url(batches: int = 400, workers: int = 16) -> None:
    from objects import serving

    print(
        "     bytes  how         n   client CPU ms  disk ms  batches/s"
        "  scheduler CPU ms  KiB in     out"
    )
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        serving(),
        cluster(workers) as (connected, pid),
    ):
        os.environ["RUNNER_CACHE_DIR"] = str(Path(folder).resolve())
        for size in SIZES:
            n = batches if size == 2**15 else batches // 10
            for shared in (False, True):
                place = f"s3://studies/{size}-{shared}"
                many = batches if shared else n
                print(swept(connected, pid, size, many, shared, place), flush=True)


def swept(
    connected: Client, pid: int, size: int, n: int, shared: bool, place: str | None = None
) -> str:
    training_tasks.train_batch = Answers(size)
    if shared and place is None:
        training_tasks.StagedTraining = Holes
    experiment = {
        "name": "commits",
        "restarts": 2 * n,
        "problem": {"gate": "AND"},
        "network": {"hidden": []},
    }
    options = {"shared": True} if shared else {}
    with tempfile.TemporaryDirectory(dir=".") as folder, timed_syncs() as spans:
        before = connected.run_on_scheduler(counted)
        spent = [cpu_s(), cpu_s(pid)]
        runner.sweep(
            experiment,
            place or Path(folder) / "study",
            connected,
            batch_size=2,
            canary=False,
            progress=False,
            **options,
        )
        spent = [cpu_s() - spent[0], cpu_s(pid) - spent[1]]
        after = connected.run_on_scheduler(counted)
        disk_s = covered_s(spans)
    kib = [(after[name] - before.get(name, 0)) / n / 1024 for name in ("read", "written")]
    how = "shared" if shared else "ordinary"
    rate = n / (spent[0] + disk_s)
    return (
        f"{size:10,d}  {how:9s}{n:5d}{1e3 * spent[0] / n:16.2f}{1e3 * disk_s / n:9.2f}"
        f"{rate:11,.0f}{1e3 * spent[1] / n:18.2f}{kib[0]:9.1f}{kib[1]:8.1f}"
    )


def watch(*numbers: int) -> None:
    print("workers  scheduler, CPU %  client, CPU %  ms per count")
    for n in numbers or (16, 64, 256):
        with cluster(n) as (connected, pid):
            pool = WorkerPool(connected, "cpu")
            pool.check()
            spent, at, counts, counting_s = [cpu_s(), cpu_s(pid)], time.monotonic(), 0, 0.0
            while time.monotonic() - at < 10:
                time.sleep(0.5)
                began = time.perf_counter()
                pool.count_soon()
                pool.refresh()
                counting_s += time.perf_counter() - began
                counts += 1
            took = time.monotonic() - at
            shares = [100 * (cpu_s() - spent[0]) / took, 100 * (cpu_s(pid) - spent[1]) / took]
            pool.close()
        each = 1e3 * counting_s / counts
        print(f"{n:7d}{shares[1]:18.1f}{shares[0]:15.1f}{each:14.1f}", flush=True)


def sweep(workers: int = 64, batches: int = 2000) -> None:
    experiment = {
        "name": "commits",
        "restarts": 16 * batches,
        "problem": {"gate": "XOR"},
        "training": {"max_steps": 500},
    }
    with cluster(workers, 4) as (connected, _), tempfile.TemporaryDirectory(dir=".") as folder:
        began = time.monotonic()
        study = runner.sweep(
            experiment, Path(folder) / "s", connected, batch_size=16, progress=False, shared=True
        )
        took = time.monotonic() - began
        by = Counter(line.split('"worker": "')[1].split('"')[0] for line in telemetry(study))
        found = damage.find(Store(study.path), study.plan)
        left = list((study.path / "staging").rglob("*"))
        print(
            f"{len(by)} workers, {batches:,} batches in {took:.1f} s, {min(by.values())} to "
            f"{max(by.values())} each; {len(study.failures)} failures, {len(found)} files that "
            f"are not as the log says, {len(left)} left over"
        )


def telemetry(study: runner.Study) -> list[str]:
    return (study.path / "telemetry" / "batches.jsonl").read_text().splitlines()


if __name__ == "__main__":
    name, *rest = sys.argv[1:] or ["writer"]
    if name == "--schedule":
        asyncio.run(schedule())
    elif name == "--work":
        asyncio.run(work(rest[0], int(rest[1])))
    else:
        commands = {"writer": writer, "client": client, "url": url, "watch": watch, "sweep": sweep}
        commands[name](*map(int, rest))
