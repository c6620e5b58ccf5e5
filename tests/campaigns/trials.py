"""Sweeps of which processes are killed: what `chaos.py` and `chaos_maps.py` try again and again.

All processes are forked from this one, which has imported everything and compiled the network, so
that a kill costs a second and not ten. They are otherwise what `python -m runner sweep`, `dask
scheduler` and `dask worker` run.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import random
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import psutil
from distributed import Nanny, Scheduler
from support.disk import DIED, Disk
from support.faulty import DiesOnce
from support.workers import hashes

import runner.dispatch.sweep  # what the forked processes would import each
import runner.training.worker  # noqa: F401
from runner.cli.app import app
from runner.dispatch import training_tasks
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
TRIAL_S = 300.0
"""A sweep that has not ended by then has failed."""

OPERATIONS = 100
"""About as many times a sweep changes its folder."""

MIXED = "mixed"
"""In place of a victim: two to five strikes, each by any victim but ``embedded``, at random."""

REFUSED = 3
"""Exit code of a command that the study, or where it is, does not allow to go on."""


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
    """One sweep into a folder, its victim and its moments.

    Parameters
    ----------
    victim : str or None
        One of `victims`, or `MIXED`; None, it is undisturbed.
    rng : random.Random
        Chooses everything.
    out, log : Path
        The folder to be made, and the file of what processes say.
    most : int
        Commits of an undisturbed sweep.
    """

    processes: tuple[str, ...] = ("client", "worker", "nanny", "scheduler")
    """Victims that are killed after a number of commits and a pause."""
    victims: tuple[str, ...] = ("embedded", *processes, "operation")
    flags: tuple[str, ...] = ()
    """What makes the command one of this kind."""

    def __init__(
        self, victim: str | None, rng: random.Random, out: Path, log: Path, most: int
    ) -> None:
        self.rng = rng
        self.out = out
        self.log = log
        self.embedded = victim == "embedded"
        self.kinds = [victim] * rng.randint(1, 3) if victim else []
        if victim == MIXED:
            self.kinds = rng.choices(self.victims[1:], k=rng.randint(2, 5))
        at_moments = [k for k in self.kinds if k == "embedded" or k in self.processes]
        self.moments = sorted((rng.randrange(most), kind) for kind in at_moments)
        self.operations = [rng.randint(1, OPERATIONS) for k in self.kinds if k == "operation"]
        self.hits = 0
        self.refusals = 0
        """How often the command has ended as it was not allowed to go on."""
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

    def close(self) -> None:
        """End what was begun."""

    @property
    def command(self) -> list[str]:
        """What is run, and run again, but for the cluster."""
        return [*SWEEP, *self.flags, "--out", str(self.out)]

    @property
    def folder(self) -> Path:
        """Where the client works."""
        return self.out

    @property
    def made(self) -> int:
        """Commits so far."""
        return lines(self.folder / "commits.jsonl")

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file that has to be as undisturbed."""
        return hashes(self.out)

    def problem(self) -> str:
        """Say what else is wrong with what was made, or return an empty text."""
        return damaged(self.out)

    @property
    def struck(self) -> list[str]:
        """Say what has struck, where that is more than how often."""
        return []

    def run(self, clean: dict[str, str]) -> tuple[int, str]:
        """Return how often something struck, and what went wrong."""
        cluster = None if self.embedded else Cluster(self.log)
        try:
            problem = self._sweep(cluster) or self.problem()
            if not problem and clean and self.hashes() != clean:
                problem = "the files differ"
            return self.hits, problem
        finally:
            if cluster is not None:
                cluster.close()
            self.close()

    def _sweep(self, cluster: Cluster | None) -> str:
        where = ["--scheduler", cluster.address] if cluster else ["--workers", "1"]
        command = [*self.command, *where]
        until = time.monotonic() + TRIAL_S
        client = self._client(command)
        while time.monotonic() < until:
            if cluster:
                cluster.keep()
            if ended(client):
                code = client.wait()
                if not self._goes_on(code):
                    return f"it ended with exit code {code}" if code else ""
                client = self._client(command)
            if self.moments and self.made >= self.moments[0][0]:
                at, kind = self.moments.pop(0)
                # before the first commit: anywhere in the start; later: anywhere in a batch
                time.sleep(self.rng.random() * (1.0 if at == 0 else 0.05))
                self.hits += self.strikes(kind, client, cluster)
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

    def _client(self, command: list[str]) -> psutil.Process:
        if self.operations:
            return fork(self.log, self._until, self.operations.pop(), command)
        return fork(self.log, self.program, command)

    def program(self, command: list[str]) -> None:
        """Run a command, in the process of a client."""
        app(command)

    def _until(self, at: int, command: list[str]) -> None:
        """Run a command up to its n-th change of a folder, half of it done if it writes."""
        with Disk(self.folder, at, "die").installed():
            self.program(command)

    def _goes_on(self, code: int) -> bool:
        """Whether the same command is run again, after an exit code."""
        if code == DIED:
            self.hits += 1
        if code in (-signal.SIGKILL, DIED):
            self.died()
            return True
        self.refusals += code == REFUSED
        return code == REFUSED and self.excuses()

    def died(self) -> None:
        """Do what there is to do before a client follows one that has died."""

    def excuses(self) -> bool:
        """Whether what struck was worth an end with exit code `REFUSED`."""
        return False

    def strikes(self, kind: str, client: psutil.Process, cluster: Cluster | None) -> bool:
        """Have something happen; return whether it did."""
        own = kind == "client" or not cluster
        victim = client if own else cluster.victim(kind, self.rng)
        if victim is None or ended(client) or ended(victim):
            return False
        kill(victim)
        return True


class SharedTrial(Trial):
    """One sweep whose workers write into the folder."""

    processes = (*Trial.processes, "written", "token")
    victims = (*Trial.victims, "written", "token")
    flags = ("--shared",)

    def program(self, command: list[str]) -> None:
        training_tasks.StagedTraining = DiesOnce
        super().program(command)

    def strikes(self, kind: str, client: psutil.Process, cluster: Cluster | None) -> bool:
        if kind == "written":  # the worker that writes next dies, and removes the file
            found = self.out.is_dir() and not (self.out / "dies").exists()
            (self.out / "dies").touch() if found else None
            return found
        if kind == "token":
            tokens = list(self.out.glob("staging/*/token"))
            for token in tokens:
                with contextlib.suppress(FileNotFoundError):  # the sweep has just ended
                    self.rng.choice([Path.unlink, other_token])(token)
            return bool(tokens)
        return super().strikes(kind, client, cluster)

    def excuses(self) -> bool:
        return self.refusals <= self.kinds.count("token")

    def problem(self) -> str:
        if (self.out / "dies").exists():  # all had been written
            self.hits -= 1
            (self.out / "dies").unlink()
        return super().problem()


def other_token(token: Path) -> None:
    token.write_text("another's")


def lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def damaged(out: Path) -> str:
    """Say what is wrong with a study, or return an empty text."""
    store, n = Store(out), lines(out / "commits.jsonl")
    if n != BATCHES:
        return f"the log holds {n} lines, not {BATCHES}"
    if any(commit.failures for commit in store.commits()):
        return "restarts were given up"
    if store.staging_path.exists():
        return "staging/ is left"
    found = damage.find(store, store.read_plan()[0])
    return f"verify finds {found[0].path}: {found[0].problem}" if found else ""
