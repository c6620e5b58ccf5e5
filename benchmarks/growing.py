"""What many configurations, many studies and many shards cost.

    PYTHONPATH=. python benchmarks/growing.py sweep [CHECKOUT ...]   # 2,000 values of init.scale
    PYTHONPATH=. python benchmarks/growing.py list [STUDIES]         # `runner list` of 1,000
    PYTHONPATH=. python benchmarks/growing.py open [SHARDS]          # `open_study` of 100,000
    PYTHONPATH=. python benchmarks/growing.py analyze [ENDPOINTS]    # 1,000,000 of XOR 2-2-1
    PYTHONPATH=. python benchmarks/growing.py grow [RESTARTS]        # 10,000,000 by 1%

`sweep` takes turns between this checkout and others, three times: a sweep of one restart, which is
the start-up, that of all, its summary in a process that has read another study before, and the
command that prints it. `grow` takes turns between growing by 1% and training that 1% alone. CPU
seconds are of all processes. On Linux.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

import runner
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.commits import Commit
from runner.study.store import Store

ROOT = Path(__file__).parent.parent
TURNS = 3
XOR = {"problem": {"gate": "XOR"}, "training": {"max_steps": 100, "dtype": "float32"}}
SUMMARY = """
import sys, time, runner
runner.open_study(sys.argv[1]).summary
wall, cpu = time.perf_counter(), time.process_time()
runner.open_study(sys.argv[2]).summary
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def took(*command: str, **options: object) -> tuple[float, float]:
    """Wall and CPU seconds of a command and all that it starts, also of what outlives it.

    Other children of this process, such as a server, are neither waited for nor counted.
    """
    others = _children()
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # those are this process's children then
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    wall = time.perf_counter() - started
    while left := _children() - others:
        for pid in left:
            os.waitpid(pid, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def sweep(others: list[str]) -> None:
    scales = [0.002 * (k + 1) for k in range(2000)]
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, restarts, values in (("one", 1, scales[:1]), ("many", 100, scales)):
            text = f'name = "{name}"\nrestarts = {restarts}\nproblem.gate = "XOR"\n'
            text += 'training = { max_steps = 100, dtype = "float32" }\n'
            Path(folder, f"{name}.toml").write_text(f'{text}grid = {{ "init.scale" = {values} }}\n')
        for _ in range(TURNS):
            for root in [*map(Path, others), ROOT]:
                environment = os.environ | {"RUNNER_CACHE_DIR": f"{folder}/cache-{root.name}"}
                for name in ("one", "many"):
                    shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
                    command = ["-m", "runner", "sweep", f"{folder}/{name}.toml", "--quiet"]
                    command += ["--out", f"{folder}/{name}"]
                    times = took(sys.executable, *command, cwd=root, env=environment)
                    found.setdefault((root.name, name), []).append(times)
                command = [sys.executable, "-c", SUMMARY, f"{folder}/one", f"{folder}/many"]
                told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
                wall, cpu = map(float, told.stdout.split())
                found.setdefault((root.name, "summary"), []).append((wall, cpu))
                command = ["-m", "runner", "summary", f"{folder}/many"]
                times = took(sys.executable, *command, cwd=root)
                found.setdefault((root.name, "command"), []).append(times)
    print(f"{'':24}{'least wall s':>14}{'least CPU s':>14}")
    for (root, name), times in found.items():
        wall, cpu = (min(each) for each in zip(*times, strict=True))
        print(f"{root:16}{name:8}{wall:14.2f}{cpu:14.2f}")


def grow(n: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {"grown by 1%": [], "1% alone": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "single.toml")
        path.write_text(
            'name = "single"\nproblem.gate = "AND"\nnetwork.hidden = []\n'
            'training = { max_steps = 100, dtype = "float32" }\n'
        )
        command = [sys.executable, "-m", "runner", "sweep", str(path), "--quiet", "--workers", "1"]
        wall, _ = took(*command, "--restarts", str(n), "--out", f"{folder}/whole", cwd=ROOT)
        print(f"{n:,} restarts: {wall:.2f} s")
        for turn in range(1, TURNS + 1):
            for name, restarts, out in (
                ("grown by 1%", n + turn * (n // 100), "whole"),
                ("1% alone", n // 100, f"alone-{turn}"),
            ):
                asked = ["--restarts", str(restarts), "--out", f"{folder}/{out}"]
                found[name].append(took(*command, *asked, cwd=ROOT))
    for name, times in found.items():
        print(f"{name:12}", *(f"{wall:.2f} s, {cpu:.2f} CPU s;" for wall, cpu in times))


def list_(n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder, "results", "0")
        command = ["-m", "runner", "sweep", "experiments/gates.toml", "--restarts", "10"]
        took(sys.executable, *command, "--quiet", "--out", str(first), cwd=ROOT)
        for k in range(1, n):
            shutil.copytree(first, first.with_name(str(k)))
        command = [sys.executable, "-m", "runner", "list", str(first.parent)]
        for _ in range(TURNS):
            wall, cpu = took(*command, cwd=ROOT)
            print(f"list of {n:,} studies: {wall:.2f} s, {cpu:.2f} CPU s")


def open_(n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(load_experiment(XOR | {"name": "many", "restarts": n}), batch_size=1)
        with Store(folder).writer() as writer:
            writer.create(plan)
        line = Commit(Batch(0, 0, 1), 1, 5000, "0" * 64, ())
        lines = (replace(line, batch=Batch(0, k, k + 1)).line() + "\n" for k in range(n))
        Path(folder, "commits.jsonl").write_text("".join(lines))
        runner.open_study(folder)  # loads modules
        for _ in range(TURNS):
            wall, cpu = time.perf_counter(), time.process_time()
            study = runner.open_study(folder)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            print(f"open_study of {n:,} shards: {wall:.4f} s, {cpu:.4f} CPU s")
        started = time.perf_counter()
        print(f"its log, {study.n_done:,} restarts: {time.perf_counter() - started:.2f} s")


def analyze(n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        training = {"max_steps": 2000, "learning_rate": 1.0, "dtype": "float32"}
        experiment = XOR | {"name": "analyzed", "restarts": n, "training": training}
        runner.sweep(experiment, folder, progress=False)
        command = [sys.executable, "-m", "runner", "analyze", folder, "--endpoints", str(n)]
        started, most = time.perf_counter(), 0
        with psutil.Popen([*command, "--workers", "2", "--quiet"]) as process:
            while process.poll() is None:
                most = max(most, _memory(process))
                time.sleep(0.2)
        print(f"{n:,} endpoints: {time.perf_counter() - started:.1f} s, {most >> 20:,} MiB")


def _memory(process: psutil.Process) -> int:
    """Bytes of a process and all that it has started; what they share counts once."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_full_info().pss
        except psutil.Error:  # it has just ended
            continue
    return total


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sweep", *others]:
            sweep(others)
        case ["list", *n]:
            list_(int((n or ["1000"])[0]))
        case ["open", *n]:
            open_(int((n or ["100000"])[0]))
        case ["grow", *n]:
            grow(int((n or ["10000000"])[0]))
        case ["analyze", *n]:
            analyze(int((n or ["1000000"])[0]))
        case _:
            print(__doc__)
