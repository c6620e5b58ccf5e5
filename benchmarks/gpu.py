"""Does a GPU give a CPU's bits, and how fast is it? All of it by one command, in nine minutes.

    make gpu GPU_PYTHON=python3               # on a machine with a GPU
    make gpu ARGS=--plan GPU_PYTHON=python3   # says what it would do, and does nothing

What it prints is kept in benchmarks/results/, in a file that has the GPU's name.

The Python needs numpy, llvmlite, cuda-core and cuda-bindings. What was made on a CPU is read from
benchmarks/gpu-cases.npz; where that is not there, it is made first, which takes the runner's whole
environment (`benchmarks/gpu_cases.py`). JAX, PyTorch, Nsight Compute (`ncu`) and the runner's sweep
are measured where they are installed, and named where not. The exit code is 1 if any bits differ.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import gpu_cases
import gpu_others
import numpy as np

from runner.engines import cuda_device
from runner.engines.simd.gpu_loop import GpuLoop
from runner.engines.vector_code import advancing

RESULTS = ROOT / "benchmarks" / "results"

COPIES = 64
"""Of every restart whose bits are compared, so that many blocks of threads run."""

RATED = (
    "XOR",
    "XOR, 3 hidden",
    "XOR, 8 hidden",
    "XOR, 16 hidden",
    "XOR, 64 hidden",
    "PARITY-8, 64 and 64 hidden",
)
STEPS = 1000
LONG_STEPS = 20_000
LONG = f"""name = "xor"
[problem]
gate = "XOR"
[training]
max_steps = {LONG_STEPS}
dtype = "{{dtype}}"
"""
"""An experiment whose steps take a GPU's time, not its labels and files a CPU's."""

PARTS = {
    "bits": (120, "every case, in 64 copies, against the SHA-256 that a CPU gave"),
    "rates": (150, "restart-steps a second of 10^3 to 10^7 lanes and of larger networks"),
    "others": (
        100,
        "plain JAX vmap, the runner by JAX and PyTorch on XOR 2-2-1, where installed",
    ),
    "peak": (50, "the share of the arithmetic peak by Nsight Compute, where `ncu` is on PATH"),
    "sweep": (
        100,
        "`runner sweep --device gpu`: a CPU's bytes, a worker's rate, where Dask is",
    ),
}
"""What is done, in order: seconds at most, and what."""


class Timed:
    """A device that says how long its last kernel ran."""

    def __init__(self, device: cuda_device.Device) -> None:
        self._device, self.kernel_s = device, 0.0

    def __getattr__(self, name: str):
        return getattr(self._device, name)

    def run(self, *arguments) -> None:
        """Run a kernel."""
        started = time.perf_counter()
        self._device.run(*arguments)
        self.kernel_s = time.perf_counter() - started


def loop_of(case: dict, device) -> GpuLoop:
    """A case's kernel."""
    return GpuLoop(case["code"], gpu_cases.interface(case["interface"]), device)


def bits(cases: dict, device, copies: int) -> Iterator[tuple[str, bool]]:
    """Whether each case's restarts end where a CPU's do, in every copy."""
    for title, case in cases.items():
        given = [np.tile(case[name], copies) for name in gpu_cases.GIVEN]
        ended, n = advancing(loop_of(case, device))(*given), case["limit"].size
        parts = [[a[..., k * n : (k + 1) * n] for a in ended] for k in range(copies)]
        yield title, all(gpu_cases.digest(*part) == case["sha256"] for part in parts)


def rate(case: dict, device: Timed, lanes: int) -> tuple[float, float]:
    """Restart-steps a second of the kernel alone and of the whole call, the better of two."""
    rng = np.random.default_rng(1)
    state = np.zeros((len(case["state"]), lanes), case["state"].dtype)
    n_weights = case["state"].shape[0]
    state[:n_weights] = rng.uniform(-1, 1, (n_weights, lanes))
    hyper = np.repeat(case["hyper"][:, :1], lanes, axis=1)
    hyper[0] = 0.5
    targets = np.repeat(case["targets"][:, :1], lanes, axis=1)
    limit, steps = np.full(lanes, STEPS, np.int32), np.zeros(lanes, np.int32)
    advance, found = advancing(loop_of(case, device)), []
    for _ in range(2):
        started = time.perf_counter()
        _, taken, _ = advance(state, steps, limit, hyper, targets)
        whole_s, done = time.perf_counter() - started, float(taken.sum(dtype=np.int64))
        found.append((done / device.kernel_s, done / whole_s))
    return max(found)


def rates(cases: dict, device: Timed, until: float) -> Iterator[str]:
    """Lines of rates, while there is time."""
    for dtype in ("float32", "float64"):
        for name in RATED:
            for power in (3, 4, 5, 6, 7) if name == "XOR" else (3,) if "PARITY" in name else (5,):
                if time.monotonic() > until:
                    yield "no time is left for more"
                    return
                kernel, whole = rate(cases[f"{name}, {dtype}"], device, 10**power)
                yield (
                    f"{name}, {dtype}, 10^{power} lanes: {kernel / 1e9:8.2f} G restart-steps/s in "
                    f"the kernel, {whole / 1e9:8.2f} with copies"
                )


def others(until: float) -> Iterator[str]:
    """Lines of what others need for the same."""
    ways = {
        "JAX vmap": gpu_others.jax_vmap,
        "the runner by JAX": gpu_others.runner_by_jax,
        "PyTorch": gpu_others.torch_batched,
    }
    for name, make in ways.items():
        for dtype in ("float32", "float64"):
            for power in (4, 5, 6):
                if time.monotonic() > until:
                    yield "no time is left for more"
                    return
                first = np.random.default_rng(1).uniform(-1, 1, (9, 10**power)).astype(dtype)
                try:
                    work = make(dtype, first)
                    work()
                    started = time.perf_counter()
                    done = work()
                except Exception as error:  # not installed, or it has no GPU
                    yield f"{name}: {type(error).__name__}: {error}".partition("\n")[0]
                    break
                speed = done / (time.perf_counter() - started)
                yield f"{name}, {dtype}, 10^{power} lanes: {speed / 1e9:8.3f} G restart-steps/s"


def peak(path: Path) -> Iterator[str]:
    """Lines of Nsight Compute on one launch for each dtype."""
    if shutil.which("ncu") is None:
        yield "ncu is not on PATH"
        return
    metrics = (
        "sm__throughput,smsp__issue_active,sm__inst_executed_pipe_fma,sm__inst_executed_pipe_fp64"
    )
    wanted = ",".join(f"{m}.avg.pct_of_peak_sustained_active" for m in metrics.split(","))
    for dtype in ("float32", "float64"):
        command = ["ncu", "--launch-count", "1", "--metrics", wanted, sys.executable, __file__]
        command += ["--cases", str(path), "--one", f"XOR, {dtype}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        yield from (
            line
            for line in (done.stdout + done.stderr).splitlines()
            if "pct" in line or "ERR" in line
        )


def sweep(kinds: tuple[str, str] = ("cpu", "gpu"), n: int = 100_000) -> Iterator[str]:
    """Lines of a real sweep on one GPU worker beside one on a CPU."""
    if find_spec("distributed") is None or find_spec("pytensor") is None:
        yield "the runner's environment is not here"
        return
    with tempfile.TemporaryDirectory() as folder:
        shards = []
        for kind in kinds:
            out = Path(folder, str(len(shards)))
            took_s, said = swept(out, kind, n, "experiments/gates.toml")
            yield f"{kind}: {took_s:.1f} s {said}"
            shards.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*.parquet")})
        same = shards[0] == shards[1] and bool(shards[0])
        yield f"the shards have {'the same' if same else 'OTHER'} bytes"
        own = Path(folder, "xor.toml")
        for dtype in ("float32", "float64"):
            own.write_text(LONG.format(dtype=dtype))
            # What is the same in both, the start-up above all, is not counted.
            fewer_s, said = swept(Path(folder, f"{dtype}-1"), kinds[1], n, str(own))
            more_s, said_too = swept(Path(folder, f"{dtype}-3"), kinds[1], 3 * n, str(own))
            speed = 2 * n * LONG_STEPS / max(more_s - fewer_s, 1e-9)
            yield (
                f"a worker on XOR, {dtype}, {LONG_STEPS:,} steps each: {speed / 1e9:.2f} G "
                f"restart-steps/s, to be divided by the kernel's above {said} {said_too}".rstrip()
            )


def swept(out: Path, kind: str, restarts: int, experiment: str) -> tuple[float, str]:
    """Seconds of a sweep by one worker, and what it said if it failed."""
    command = [sys.executable, "-m", "runner", "sweep", experiment, "--quiet", "--workers", "1"]
    command += ["--device", kind, "--out", str(out)]
    command += ["--batch-size", str(restarts), "--restarts", str(restarts)]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failed = f"exit code {done.returncode} {done.stderr.strip()[-300:]}" if done.returncode else ""
    return time.perf_counter() - started, failed


def main() -> int:
    """Do all of it; return the exit code."""
    parser = argparse.ArgumentParser(description="Does a GPU give a CPU's bits, and how fast?")
    parser.add_argument("--cases", default=str(ROOT / "benchmarks" / "gpu-cases.npz"))
    parser.add_argument("--plan", action="store_true", help="say what would be done")
    parser.add_argument("--one", help="run one case at 10^6 lanes and end; for ncu")
    given = parser.parse_args()
    path = Path(given.cases)
    if given.plan:
        total = sum(seconds for seconds, _ in PARTS.values())
        print(f"{total} s at most, after {'reading' if path.exists() else 'making'} {path.name}:")
        for name, (seconds, what) in PARTS.items():
            print(f"  {name:7} {seconds:4} s  {what}")
        found = cuda_device.device()
        print(f"GPU: {found.name if found else 'none that cuda-core sees'}")
        return 0
    if not path.exists():
        gpu_cases.write(path, gpu_cases.SETTINGS, ("float32", "float64"))
    cases, gpu = gpu_cases.read(path), cuda_device.device()
    if gpu is None:
        print("no GPU that cuda-core sees; `--plan` says what is done on a machine that has one")
        return 2
    device = Timed(gpu)
    if given.one:
        rate(cases[given.one], device, 10**6)
        return 0
    return measured(cases, device, path)


def measured(cases: dict, device: Timed, path: Path, results: Path = RESULTS) -> int:
    """Do all parts, print what they say and keep it; return 1 if any bits differ."""
    kept = results / (re.sub(r"\W+", "-", device.name).strip("-").lower() + ".txt")
    with kept.open("w") as file:

        def say(line: str) -> None:
            print(line, flush=True)
            print(line, file=file, flush=True)

        return _measured(cases, device, path, say)


def _measured(cases: dict, device: Timed, path: Path, say: Callable[[str], None]) -> int:
    packages = ("numpy", "llvmlite", "cuda-core", "cuda-bindings", "jax", "torch")
    there = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    versions = ", ".join(f"{name} {there[name]}" for name in packages if name in there)
    say(f"{device.name}; {len(cases)} cases of {path.name}; {versions}")
    parts: dict[str, Callable[[float], Iterator[str]]] = {
        "rates": lambda until: rates(cases, device, until),
        "others": others,
        "peak": lambda _: peak(path),
        "sweep": lambda _: sweep(),
    }
    say("bits")
    found = {}
    for title, same in bits(cases, device, COPIES):
        found[title] = same
        say(f"  {title}: {'the same' if same else 'OTHER'} bits")
    for name, part in parts.items():
        say(name)
        for line in part(time.monotonic() + PARTS[name][0]):
            say(f"  {line}")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
