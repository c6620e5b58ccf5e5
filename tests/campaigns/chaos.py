"""Kill processes of sweeps at random moments, go on, and compare every byte.

    make chaos ARGS="--victim client --trials 20 --seed 1"

A trial is one sweep, of many small batches so that much of its time goes into commits. ``kill -9``
hits the victim one to three times, each time after a random number of commits and a random pause:

- ``client``: the sweep's process, its cluster being elsewhere; the same command goes on.
- ``embedded``: the sweep's process with the scheduler and the nanny that live in it.
- ``worker``, ``nanny``, ``scheduler``: a process of a cluster of its own, whose processes are
  started anew when they end, as by ``restart: unless-stopped``. The sweep has to go on by itself.

A trial fails if the sweep does not end, if the log holds a batch twice, if a file is not as the log
says, if a restart was given up, or if any shard differs from those of an undisturbed sweep. The
seed of a trial gives its moments again, as far as a machine's timing can be repeated.

All processes are forked from this one, which has imported everything and compiled the network, so
that a kill costs a second and not ten. They are otherwise what `python -m runner sweep`, `dask
scheduler` and `dask worker` run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import faulthandler
import os
import random
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import dask
import psutil
from distributed import Nanny, Scheduler
from support.workers import hashes

import runner.dispatch.sweep  # what the forked processes would import each
import runner.training.worker  # noqa: F401
from runner.cli.app import app
from runner.engines.registry import compiled
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import damage
from runner.study.store import Store

ROOT = Path(__file__).parents[2]
ENGINE = "pytensor"
BATCHES = 20
SWEEP = [
    *("sweep", str(ROOT / "experiments/gates.toml"), "--quiet"),
    *("--engine", ENGINE, "--batch-size", "2", "--restarts", str(2 * BATCHES), "--wait", "60"),
    *("--set", "problem.gate=AND", "--set", "network.hidden=[]", "--set", "training.max_steps=20"),
]
TRIAL_S = 300.0  # a sweep that has not ended by then has failed
VICTIMS = ("client", "embedded", "worker", "nanny", "scheduler")


def main(work: type[Trial]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--victim", choices=VICTIMS, action="append", help="default: all in turn")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", action="store_true", help="workers write the shards")
    parser.add_argument("--most-s", type=float, default=600.0, help="start no trial after this")
    options = parser.parse_args()
    victims = options.victim or list(VICTIMS)
    if options.shared:
        SWEEP.append("--shared")
    dask.config.set({"distributed.worker.multiprocessing-method": "fork"})
    os.environ.pop("DASK_SCHEDULER_ADDRESS", None)
    started, tally = time.monotonic(), {victim: [0, 0, 0] for victim in victims}
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        log = Path(folder) / "log"
        work.compile_once()
        clean, most = undisturbed(work, Path(folder) / "clean", log)
        for seed in range(options.seed, options.seed + options.trials):
            if time.monotonic() - started > options.most_s:
                break
            victim = victims[seed % len(victims)]
            out = Path(folder) / str(seed)
            hits, problem = work(victim, random.Random(seed), out, log, most).run(clean)
            tally[victim] = [
                a + b for a, b in zip(tally[victim], (1, hits, bool(problem)), strict=True)
            ]
            print(f"seed {seed}: {victim} killed {hits} times: {problem or 'same bytes'}")
            if problem:
                print(log.read_text()[-20000:])
            sys.stdout.flush()
            log.unlink(missing_ok=True)
    for victim, (trials, hits, failed) in tally.items():
        print(f"{victim}: {trials} trials, {hits} kills, {failed} failed")
    return 0 if all(trials and not failed for trials, _, failed in tally.values()) else 1


def fork(log: Path, function: Callable[..., object], *arguments: object) -> psutil.Process:
    """Run a function in a process of its own; its exit code is that of the command line."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return psutil.Process(pid)
    code = 1
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        faulthandler.register(signal.SIGUSR1)  # a process that hangs is asked where it is
        function(*arguments)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def scheduler(port: int) -> None:
    async def serve() -> None:
        async with Scheduler(host="127.0.0.1", port=port, dashboard=False) as server:
            await server.finished()

    asyncio.run(serve())


def nanny(address: str) -> None:
    async def serve() -> None:
        async with Nanny(address, nthreads=1, resources={"CPU": 1}, memory_limit=0) as server:
            await server.finished()

    asyncio.run(serve())


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def children(process: psutil.Process) -> list[psutil.Process]:
    """Its children, without a look at every process of the machine, as psutil has."""
    found = []
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            found += [psutil.Process(int(pid)) for pid in (task / "children").read_text().split()]
    return found


def kill(process: psutil.Process) -> None:
    if process.is_running():
        process.send_signal(signal.SIGKILL)


class Cluster:
    """A scheduler and two nannies in processes of their own, kept alive."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = fork(log, scheduler, self.port)
        self.nannies = [fork(log, nanny, self.address) for _ in range(2)]
        self.workers: set[psutil.Process] = set()

    def keep(self) -> None:
        """Start what has ended again."""
        if ended(self.scheduler):
            self.scheduler.wait()
            self.scheduler = fork(self.log, scheduler, self.port)
        for i, process in enumerate(self.nannies):
            if ended(process):
                process.wait()
                self.nannies[i] = fork(self.log, nanny, self.address)
            else:
                self.workers |= set(children(process))

    def victim(self, kind: str, rng: random.Random) -> psutil.Process | None:
        if kind == "scheduler":
            return self.scheduler
        if kind == "nanny":
            return rng.choice(self.nannies)
        workers = [child for process in self.nannies for child in children(process)]
        return rng.choice(workers) if workers else None

    def close(self) -> None:
        for process in (*self.nannies, self.scheduler, *self.workers):
            kill(process)
        psutil.wait_procs([self.scheduler, *self.nannies])


class Trial:
    """One sweep, its victim and its moments."""

    def __init__(
        self, victim: str | None, rng: random.Random, out: Path, log: Path, most: int
    ) -> None:
        self.victim = victim
        self.rng = rng
        self.out = out
        self.log = log
        n = rng.randint(1, 3) if victim else 0
        self.moments = sorted(rng.randrange(most) for _ in range(n))
        self.hits = 0
        self.begin()

    @staticmethod
    def compile_once() -> None:
        """Compile in this process what all that are forked from it need."""
        fields = {"problem": {"gate": "AND"}, "network": {"hidden": []}}
        changes = {"training": {"max_steps": 20}}
        experiment = load_experiment({"name": "gates", "restarts": 2} | fields | changes)
        (configuration,) = Plan(experiment, ENGINE, 2).configurations
        compiled(ENGINE, configuration.signature(), "cpu")  # called as a worker does, to be found

    def begin(self) -> None:
        """Make what the command works on; of a sweep there is nothing yet."""

    @property
    def command(self) -> list[str]:
        """What is run, and run again, but for where."""
        return [*SWEEP, "--out", str(self.out)]

    @property
    def made(self) -> int:
        """Commits so far."""
        return commits(self.out)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file that has to be as undisturbed."""
        return hashes(self.out)

    def problem(self) -> str:
        """Say what else is wrong with what was made, or return an empty text."""
        return damaged(self.out)

    def run(self, clean: dict[str, str]) -> tuple[int, str]:
        """Return how often the victim was hit, and what went wrong."""
        cluster = None if self.victim == "embedded" else Cluster(self.log)
        try:
            problem = self._sweep(cluster) or self.problem()
            if not problem and clean and self.hashes() != clean:
                problem = "the files differ"
            return self.hits, problem
        finally:
            if cluster is not None:
                cluster.close()

    def _sweep(self, cluster: Cluster | None) -> str:
        where = ["--scheduler", cluster.address] if cluster else ["--workers", "1"]
        command = [*self.command, *where]
        until = time.monotonic() + TRIAL_S
        client = fork(self.log, app, command)
        while time.monotonic() < until:
            if cluster:
                cluster.keep()
            if ended(client):
                code = client.wait()
                if code != -signal.SIGKILL:
                    return f"it ended with exit code {code}" if code else ""
                client = fork(self.log, app, command)
            if self.moments and self.made >= self.moments[0]:
                self._hit(client, cluster)
            time.sleep(0.005)
        everyone = [client, *children(client)]
        if cluster:
            everyone += [cluster.scheduler, *cluster.nannies, *cluster.workers]
        for process in everyone:
            if not ended(process):
                process.send_signal(signal.SIGUSR1)
        time.sleep(1)
        for process in (*children(client), client):
            kill(process)
        client.wait()
        return f"it had not ended after {TRIAL_S:g} s, with {self.made} commits"

    def _hit(self, client: psutil.Process, cluster: Cluster | None) -> None:
        # before the first commit: anywhere in the start; later: anywhere in a batch
        time.sleep(self.rng.random() * (1.0 if self.moments[0] == 0 else 0.05))
        self.moments.pop(0)
        own = self.victim in ("client", "embedded")
        victim = client if own or not cluster else cluster.victim(str(self.victim), self.rng)
        if victim is None or ended(client) or ended(victim):
            return
        kill(victim)
        self.hits += 1


def undisturbed(work: type[Trial], out: Path, log: Path) -> tuple[dict[str, str], int]:
    """Make what all others are compared with; return its hashes, and how much was committed."""
    trial = work(None, random.Random(0), out, log, 1)
    if problem := trial.run({})[1]:
        sys.exit(f"{log.read_text()}\nundisturbed it failed: {problem}")
    return trial.hashes(), trial.made


def commits(out: Path) -> int:
    try:
        return (out / "commits.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def damaged(out: Path) -> str:
    """Say what is wrong with a study, or return an empty text."""
    store = Store(out)
    if commits(out) != BATCHES:
        return f"the log holds {commits(out)} lines, not {BATCHES}"
    if any(commit.failures for commit in store.commits()):
        return "restarts were given up"
    if store.staging_path.exists():
        return "staging/ is left"
    found = damage.find(store, store.read_plan()[0])
    return f"verify finds {found[0].path}: {found[0].problem}" if found else ""


if __name__ == "__main__":
    sys.exit(main(Trial))
