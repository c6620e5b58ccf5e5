"""How near a kernel can come to a GPU's arithmetic limit, without a GPU: by counting.

    PYTHONPATH=. python benchmarks/gpu_limit.py [NETWORK ...]

Needs the runner's environment, and on PATH `ptxas` and `cuobjdump` of CUDA 12 or later (on PyPI:
nvidia-cuda-nvcc, nvidia-cuda-cuobjdump with nvidia-cuda-nvdisasm). A step is the loop that holds
most multiply-adds in the machine code (SASS) for an H100. The limit on paper is its instructions at
one for each of four schedulers in each clock: 132 SMs x 4 x 32 lanes x 1.755 GHz. Float64
instructions take two of those turns each, as there are half as many lanes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import gpu_cases

from runner.engines import pytensor

LANES_PER_S = 132 * 4 * 32 * 1.755e9
REGISTERS, THREADS = 65536, 2048  # of one SM
NAMES = ("AND", "XOR", "XOR, 3 hidden", "XOR, 4 hidden", "XOR, 6 hidden")  # each step is one line
COLUMNS = (
    "network",
    "dtype",
    "registers",
    "spilled bytes",
    "threads of an SM",
    "SASS instructions a step",
    "of them multiply-adds",
    "G restart-steps/s on paper",
)


def main() -> None:
    """Print a row for each network and dtype."""
    print("|", " | ".join(COLUMNS), "|\n" + "|---" * len(COLUMNS) + "|")
    for name in sys.argv[1:] or NAMES:
        for dtype in ("float32", "float64"):
            kernel = pytensor.kernel(gpu_cases.signature(gpu_cases.SETTINGS[name], dtype))
            print(row(name, dtype, kernel.code.decode()), flush=True)


def row(name: str, dtype: str, code: str) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "run.ptx").write_text(code)
        command = ["ptxas", "-arch=sm_90", "-v", "-o", "run.cubin", "run.ptx"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        command = ["cuobjdump", "-sass", "run.cubin"]
        listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    registers = int(re.search(r"Used (\d+) registers", done.stderr)[1])
    spilled = int(re.search(r"(\d+) bytes spill stores", done.stderr)[1])
    threads = min(THREADS, REGISTERS // (-(-registers // 8) * 8) // 32 * 32)
    step = step_of(listed.stdout)
    wide = sum(each.startswith(("DFMA", "DMUL", "DADD", "DSETP")) for each in step)
    fused = sum(each.startswith(("FFMA", "DFMA")) for each in step)
    limit = LANES_PER_S / (len(step) + wide) / 1e9
    return (
        f"| {name} | {dtype} | {registers} | {spilled} | {threads:,} | {len(step):,} | {fused:,} "
        f"| {limit:.0f} |"
    )


def step_of(listed: str) -> list[str]:
    """The instructions of the innermost loop that holds half of all multiply-adds."""
    found = re.findall(r"/\*([0-9a-f]{4,})\*/ +(?:@!?U?P\w+ )?([A-Z][\w.]*) ?([^;]*);", listed)
    places = [(int(place, 16), name, rest) for place, name, rest in found]
    total = sum(name.startswith(("FFMA", "DFMA")) for _, name, _ in places)
    loops = []
    for place, name, rest in places:
        target = re.search(r"0x([0-9a-f]+)", rest)
        if name.startswith("BRA") and target and int(target[1], 16) < place:
            inside = [n for p, n, _ in places if int(target[1], 16) <= p <= place]
            if 2 * sum(n.startswith(("FFMA", "DFMA")) for n in inside) >= total:
                loops.append(inside)
    return min(loops, key=len)


if __name__ == "__main__":
    main()
