"""Kill processes of a sweep at random moments, go on, and compare every byte.

    python tests/chaos.py --victim client --trials 20 --seed 1

Each trial is a small sweep in which ``kill -9`` hits the client, a worker or the scheduler after a
random number of commits. The sweep is then run again until it ends by itself. A trial fails if the
study is not complete, if the log holds a batch twice, if a file is not as the log says, or if any
shard differs from those of an undisturbed sweep. The seed of a failing trial replays it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
SWEEP = [
    *(sys.executable, "-m", "runner", "sweep", "--quiet", "--batch-size", "20"),
    *("--restarts", "600", "--set", "problem.gate=XOR", "--set", "network.hidden=[2]"),
    *("--set", "training.max_steps=3000"),
]
BATCHES = 30


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--victim", choices=VICTIMS, action="append", help="default: all in turn")
    parser.add_argument("--trials", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-s", type=float, default=600.0, help="start no trial after this")
    options = parser.parse_args()
    victims = options.victim or list(VICTIMS)
    started, kills, done, failed = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "clean"
        subprocess.run([*SWEEP, "--out", str(clean)], cwd=ROOT, check=True)
        for trial in range(options.trials):
            if time.monotonic() - started > options.most_s:
                break
            seed, victim = options.seed + trial, victims[trial % len(victims)]
            out = Path(folder) / f"{seed}"
            hits, problem = one_trial(victim, random.Random(seed), out, hashes(clean))
            kills, done, failed = kills + hits, done + 1, failed + bool(problem)
            print(
                f"seed {seed}: {victim} killed {hits} times: {problem or 'same bytes'}", flush=True
            )
    print(f"{done} trials, {kills} kills, {failed} failed")
    return 1 if failed or not done else 0


def one_trial(victim: str, rng: random.Random, out: Path, clean: dict[str, str]) -> tuple[int, str]:
    """Return how often the victim was hit, and what went wrong."""
    hits = 0
    # ever later moments, then a run that nobody disturbs
    moments = sorted(rng.randint(0, BATCHES - 1) for _ in range(rng.randint(1, 3)))
    with VICTIMS[victim]() as arena:
        for moment in [*moments, None]:
            with arena.sweep(out) as process:
                while moment is not None and process.poll() is None:
                    if commits(out) >= moment:
                        time.sleep(rng.random() * 0.2)
                        hits += arena.hit(process, rng)
                        break
                    time.sleep(0.01)
                code = process.wait(timeout=300)
            arena.mend()
            if code == 0 and moment is None:
                return hits, compare(out, clean)
    return hits, f"the last run ended with exit code {code}"


def commits(out: Path) -> int:
    try:
        return (out / "commits.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def hashes(out: Path) -> dict[str, str]:
    shards = sorted((out / "shards").rglob("*.parquet"))
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in shards}


def compare(out: Path, clean: dict[str, str]) -> str:
    if hashes(out) != clean:
        return "the shards differ"
    if commits(out) != BATCHES:
        return f"the log holds {commits(out)} lines, not {BATCHES}"
    verify = [sys.executable, "-m", "runner", "verify", str(out)]
    if subprocess.run(verify, cwd=ROOT, capture_output=True, check=False).returncode:
        return "verify finds damage"
    return ""


class Client:
    """The sweep's own process is the victim; its embedded cluster goes with it."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    @contextlib.contextmanager
    def sweep(self, out: Path) -> Iterator[subprocess.Popen]:
        command = [*SWEEP, "--out", str(out), *self.options()]
        with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
            yield process

    def options(self) -> list[str]:
        return []

    def hit(self, process: subprocess.Popen, rng: random.Random) -> int:
        process.send_signal(signal.SIGKILL)
        return 1

    def mend(self) -> None:
        pass


class Worker(Client):
    """A worker process of the embedded cluster is the victim."""

    def hit(self, process: subprocess.Popen, rng: random.Random) -> int:
        children = psutil.Process(process.pid).children(recursive=True)
        workers = [c for c in children if any("spawn_main" in word for word in c.cmdline())]
        if not workers:
            return 0
        os.kill(rng.choice(workers).pid, signal.SIGKILL)
        return 1


class Scheduler(Client):
    """A scheduler in a process of its own is the victim; it and its workers are started anew."""

    def __enter__(self) -> Scheduler:
        self.processes: list[subprocess.Popen] = []
        self.mend()
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def options(self) -> list[str]:
        return ["--scheduler", self.address]

    def hit(self, process: subprocess.Popen, rng: random.Random) -> int:
        self.processes[0].kill()
        return 1

    def mend(self) -> None:
        if self.processes and self.processes[0].poll() is None:
            return
        self.__exit__()
        dask = [sys.executable, "-m", "dask"]
        scheduler = subprocess.Popen(
            [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in scheduler.stderr:
            if "Scheduler at:" in line:
                self.address = line.split()[-1]
                break
        workers = [
            subprocess.Popen(
                [*dask, "worker", self.address, "--nthreads", "1", "--resources", "CPU=1"],
                cwd=ROOT,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(2)
        ]
        self.processes = [scheduler, *workers]


VICTIMS = {"client": Client, "worker": Worker, "scheduler": Scheduler}

if __name__ == "__main__":
    sys.exit(main())
