"""What a study in an object store costs beside one in a folder.

    PYTHONPATH=.:tests python benchmarks/objects.py push [TURNS]    # shards of 32 KiB, 4 MiB
    PYTHONPATH=.:tests python benchmarks/objects.py sweep [TURNS]   # --out URL, --out DIR

The store is the tests' own S3 server, in a process of its own on this machine, which keeps objects
in memory: what is measured is the client's work, not a network's. CPU seconds are of the
client and what it starts, without the server's; wall seconds have the server's hashing in them. On
Linux.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from growing import took

from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.commits import Commit
from runner.study.store import Store

ROOT = Path(__file__).parent.parent
PROGRAM = """
import resource, sys, time
from runner.study.objects.copy import push, pull
from runner.study.objects.object_store import ObjectStore
ObjectStore(sys.argv[1])._store  # loads modules
url, folder, other = sys.argv[1:]
for action, words in ((push, [folder, url]), (push, [folder, url]), (pull, [url, other])):
    wall, cpu = time.perf_counter(), time.process_time()
    action(*words)
    print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def serve(ready: multiprocessing.Queue[str]) -> None:
    from support.s3_server import S3Server

    server = S3Server()
    ready.put(server.url)
    server.serve_forever()


def crafted(folder: str, n: int, size: int) -> None:
    """A study with shards of random bytes, as its log says: what nobody reads."""
    content = {"name": "pushed", "restarts": n, "problem": {"gate": "XOR"}}
    with Store(folder).writer() as writer:
        writer.create(Plan(load_experiment(content), batch_size=1))
    random, lines = np.random.default_rng(0), []
    for k in range(n):
        data, batch = random.bytes(size), Batch(0, k, k + 1)
        path = Store(folder).shard_path(batch)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        commit = Commit(batch, 1, size, hashlib.sha256(data).hexdigest(), ())
        lines.append(commit.line() + "\n")
    Path(folder, "commits.jsonl").write_text("".join(lines))


def push(turns: int) -> None:
    for n, size in ((1000, 2**15), (100, 2**22)):
        with tempfile.TemporaryDirectory() as folder:
            crafted(f"{folder}/study", n, size)
            for turn in range(turns):
                words = [f"s3://studies/{n}-{turn}", f"{folder}/study", f"{folder}/{turn}"]
                command = [sys.executable, "-c", PROGRAM, *words]
                told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
                for name, line in zip(
                    ("push", "again", "pull"), told.stdout.split("\n"), strict=False
                ):
                    wall, cpu = map(float, line.split())
                    print(f"{n:5} of {size >> 10:5} KiB  {name:6}{wall:8.2f} s{cpu:8.2f} CPU s")


def sweep(turns: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RUNNER_CACHE_DIR"] = f"{folder}/cache"
        command = [sys.executable, "-m", "runner", "sweep", "experiments/gates.toml", "--quiet"]
        command += ["--restarts", "20000", "--workers", "2", "--out"]
        took(*command, f"{folder}/first", cwd=ROOT)  # compiles
        for turn in range(turns):
            for name, out in (("DIR", f"{folder}/{turn}"), ("URL", f"s3://studies/sweep-{turn}")):
                wall, cpu = took(*command, out, cwd=ROOT, stderr=subprocess.DEVNULL)
                print(f"sweep --out {name}: {wall:.2f} s, {cpu:.2f} CPU s")


@contextmanager
def serving() -> Iterator[None]:
    """Have the environment name a server of its own, in another process."""
    ready: multiprocessing.Queue[str] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(ready,), daemon=True)
    server.start()
    os.environ |= {"AWS_ENDPOINT_URL": ready.get()}
    os.environ |= {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something"}
    try:
        yield
    finally:
        server.terminate()


if __name__ == "__main__":
    cases = {"push": push, "sweep": sweep}
    if len(sys.argv) < 2 or sys.argv[1] not in cases:
        sys.exit(__doc__)
    started = time.perf_counter()
    with serving():
        cases[sys.argv[1]](int((sys.argv[2:] or ["3"])[0]))
    print(f"all of it: {time.perf_counter() - started:.0f} s")
