"""How near the vector code of a small network comes to its processor's limit, by counting.

    python benchmarks/cpu_limit.py

Needs the runner's environment, and on PATH `objdump` and a C compiler. An epoch of XOR on a 2-2-1
logistic network is the loop that is vector instructions nearly throughout, in the machine code for
the processor that it runs on. A core of Zen 2 to 4 has two pipes of 256 bits for products, also
those of a multiply-add: a vector of 512 bits takes both for a cycle. So many cycles at least does
an epoch of all lanes take, if sums, divisions and moves cost nothing. The clock is measured: a
chain of additions of a whole number, each of which takes a cycle.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from bench import Plan, load_experiment

from runner.engines.simd.machine_code import assemble
from runner.engines.vector_programs import loop_program

WAYS = {
    "incremental": ("gradient-descent", True),
    "batch": ("gradient-descent", False),
    "RPROP": ("rprop", False),
    "quickprop": ("quickprop", False),
}
"""As in fann.py: the runner's optimizer, and whether it goes pattern by pattern."""
PRODUCT = re.compile(r"v(mul|fn?m(add|sub)\d+)p[sd]")
CLOCK = r"""
#include <stdio.h>
#include <time.h>
int main(void)
{
    long n = 1000000000, x = 0;
    clock_t begun = clock();
    for (long i = 0; i < n; i += 8)
        __asm__ volatile("add $1,%0;add $1,%0;add $1,%0;add $1,%0;add $1,%0;add $1,%0;add $1,%0;"
                         "add $1,%0" : "+r"(x));
    printf("%.3f\n", n / 1e9 / ((double)(clock() - begun) / CLOCKS_PER_SEC));
    return x != n;
}
"""


def clock_ghz() -> float:
    """The processor's clock under load, the highest of five."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "clock.c").write_text(CLOCK)
        subprocess.run(["cc", "-O1", "clock.c", "-o", "clock"], cwd=folder, check=True)
        runs = [subprocess.run([f"{folder}/clock"], capture_output=True) for _ in range(5)]
    return max(float(run.stdout) for run in runs)


def step_of(code: bytes) -> list[str]:
    """The instructions of an epoch, without addresses."""
    with tempfile.NamedTemporaryFile(suffix=".o") as file:
        Path(file.name).write_bytes(code)
        command = ["objdump", "-d", "--no-show-raw-insn", file.name]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s+([0-9a-f]+):\s+(.*?)\s*$", listed, re.MULTILINE)
    places = {address: i for i, (address, _) in enumerate(found)}
    texts = [text for _, text in found]
    loops = []
    for last, text in enumerate(texts):
        target = re.match(r"j\w+\s+([0-9a-f]+)", text)
        if target and places.get(target[1], last + 1) <= last:
            loops.append(texts[places[target[1]] : last + 1])
    most = max(map(vectors, loops))
    large = [loop for loop in loops if vectors(loop) > most / 2]
    return max(large, key=lambda loop: vectors(loop) / len(loop))


def vectors(texts: list[str]) -> int:
    """How many of some instructions are on vectors."""
    return sum("mm" in text for text in texts)


def main() -> None:
    clock = clock_ghz()
    print(f"{clock:.2f} GHz\n")
    names = ("way", "dtype", "lanes", "instructions", "products", "divisions", "M epochs/s at most")
    print("|", " | ".join(names), "|\n" + "|---" * len(names) + "|")
    for dtype in ("float32", "float64"):
        for way, (rule, by_pattern) in WAYS.items():
            training = {"optimizer": rule, "max_steps": 4000, "dtype": dtype}
            training |= {"patterns_per_update": 1} if by_pattern else {}
            content = {"name": "b", "problem": {"gate": "XOR"}, "training": training}
            (configuration,) = Plan(load_experiment(content)).configurations
            made = assemble(loop_program(configuration.signature()))
            step, lanes = step_of(made.code), made.interface.width
            wide = 2 if any("zmm" in text for text in step) else 1
            products = sum(PRODUCT.match(text) is not None for text in step)
            divisions = sum(text.startswith("vdiv") for text in step)
            most = lanes * clock * 1000 / (products * wide / 2)
            cells = (way, dtype, lanes, len(step), products, divisions, f"{most:.0f}")
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
