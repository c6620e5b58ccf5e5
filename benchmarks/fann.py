"""Measure every way of training that FANN has beside the runner's, in one run.

    python benchmarks/fann.py [--rounds 5]

XOR on a 2-2-1 logistic network, from random starts, to the same number of epochs; C is the kernel
of updates.py, which knows no quickprop. One computing thread each, CPU time, ways take turns,
medians of the rounds; millions of epochs of a restart per second. Needs FANN's library and a C
compiler (Debian: libfann-dev). What FANN does is not the same arithmetic: it cuts its outputs and
has a rule of its own called RPROP.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import updates

MODES = {
    "incremental": (0, "gradient-descent", True),
    "batch": (1, "gradient-descent", False),
    "RPROP": (2, "rprop", False),
    "quickprop": (3, "quickprop", False),
}
"""FANN's number, the runner's optimizer, and whether it goes pattern by pattern."""
LIBRARIES = {"float32": "floatfann", "float64": "doublefann"}
RESTARTS, EPOCHS = 200, 2000


def built(folder: str, dtype: str) -> str:
    """Compile the timing program against FANN in one precision; its path."""
    name, program = LIBRARIES[dtype], f"{folder}/{dtype}"
    flags = ["-O3", "-march=native", f"-DHEADER=<{name}.h>"]
    source = str(Path(__file__).parent / "fann.c")
    subprocess.run(["cc", *flags, source, f"-l{name}", "-lm", "-o", program], check=True)
    return program


def fann_rate(program: str, mode: int) -> float:
    """Epochs per second of FANN, in millions."""
    command = [program, str(mode), str(RESTARTS), str(EPOCHS)]
    seconds, _ = subprocess.run(command, check=True, capture_output=True).stdout.split()
    return RESTARTS * EPOCHS / float(seconds) / 1e6


def timed(work: Callable[[], object]) -> float:
    """Epochs per second of the runner or of the C kernel, in millions."""
    begun = time.process_time()
    work()
    return updates.N * updates.EPOCHS / (time.process_time() - begun) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print("| way | dtype | runner | C | FANN | runner / FANN | C / FANN |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for dtype in LIBRARIES:
            program = built(folder, dtype)
            for way, (mode, rule, patterns) in MODES.items():
                work, starts = updates.ours(rule, dtype, patterns)
                works = [work]
                if rule in updates.RULES:
                    works.append(updates.kernel(rule, dtype, patterns, starts))
                rounded = [[*map(timed, works), fann_rate(program, mode)] for _ in range(rounds)]
                *own, other = map(statistics.median, zip(*rounded, strict=True))
                rates, times = ([f"{x:.1f}" for x in own], [f"{x / other:.0f}" for x in own])
                for cells in (rates, times):
                    cells += [""] * (2 - len(cells))  # no kernel of quickprop
                print(
                    "|", " | ".join([way, dtype, *rates, f"{other:.2f}", *times]), "|", flush=True
                )


if __name__ == "__main__":
    main()
