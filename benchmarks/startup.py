"""Measure how long a sweep takes until it trains: for the first time, and with machine code kept.

    python benchmarks/startup.py [--rounds 5] [--beside OTHER_CHECKOUT] [SWEEP_OPTION ...]

Each round starts ``python -m runner sweep`` in a process of its own, first with an empty cache and
then with what that has kept, for every checkout in turn. Seconds from the start of the process,
medians of the rounds: until the first batch is trained from (when its answer came, less the time
that training it took), until it is on disk, and until the process ends. Also the import of the
package and ``--help``.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEFAULT = ["experiments/gates.toml", "--restarts", "2000", "--set", "problem.gate=XOR"]
LOOK_S = 0.002


def took(root: Path, *command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], cwd=root, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def sweep(root: Path, options: list[str], cache: Path, out: Path) -> tuple[float, float, float]:
    """Seconds until training starts, until a batch is on disk, and until the end."""
    command = [sys.executable, "-m", "runner", "sweep", *options, "--out", str(out), "--quiet"]
    environment = os.environ | {"RUNNER_CACHE_DIR": str(cache)}
    started = time.time()
    with subprocess.Popen(command, cwd=root, env=environment) as process:
        training = on_disk = None
        while on_disk is None and process.poll() is None:
            time.sleep(LOOK_S)
            if training is None:
                for path in (out / "telemetry").glob("*"):
                    whole, _, _ = path.read_text().rpartition("\n")
                    for took_s in re.findall(r'"train_s": ([\d.e-]+)', whole)[:1]:
                        training = path.stat().st_mtime - float(took_s)
            if next((out / "shards").glob("**/*.parquet"), None):
                on_disk = time.time()
        if process.wait():
            raise SystemExit(process.returncode)
    end = time.time()
    return ((training or end) - started, (on_disk or end) - started, end - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="another checkout of the runner")
    arguments, options = parser.parse_known_args()
    roots = [ROOT] if arguments.beside is None else [arguments.beside, ROOT]
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for _ in range(arguments.rounds):
        for root in roots:
            name = root.resolve().name
            brief = found.setdefault((name, "import, --help"), [])
            brief.append((took(root, "-c", "import runner"), took(root, "-m", "runner", "--help")))
            with tempfile.TemporaryDirectory() as folder:
                for state in ("nothing kept", "kept"):
                    times = sweep(root, options or DEFAULT, Path(folder), Path(folder) / state)
                    found.setdefault((name, state), []).append(times)
    for (name, state), rounds in sorted(found.items()):
        medians = map(statistics.median, zip(*rounds, strict=True))
        print(f"{name:>12}  {state:14}  {'  '.join(f'{median:6.2f}' for median in medians)}")


if __name__ == "__main__":
    main()
