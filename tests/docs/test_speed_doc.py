"""docs/speed.md: its table is that of the results that are kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "speed.md").read_text()
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "xeon-avx512-2-cores.json").read_text())
ROUNDS, BATCHES = RESULTS["rounds"], RESULTS["batches"]
WAYS = {
    "Ray Tune, one trial per restart": "Ray Tune, one trial per restart",
    "scikit-learn `MLPClassifier`, one fit per restart": "scikit-learn MLPClassifier",
    "one restart, one call of a compiled function per step": "one restart, one call per step",
    "PyTorch, restarts batched": "PyTorch, restarts batched",
    "JAX, `vmap(grad)` in a `fori_loop`": "JAX vmap(grad) in fori_loop",
    "`--engine pytensor-jax`": "runner: compiled by JAX",
    "hand-written C, one restart per SIMD lane, `-O3 -march=native -ffast-math`": (
        "C kernel (the limit)"
    ),
    "**the compiled function**": "runner: compiled function",
    "a batch, from starts to its Parquet file": "runner: train_batch",
    "a batch whose restarts stop when solved, useful steps only": (
        "runner: train_batch, early stops"
    ),
    "a sweep on one worker, from the experiment to the study on disk": "runner: sweep, one worker",
}


def test_the_table_has_the_medians_of_the_results() -> None:
    rows = re.findall(r"^\| ([^|]*) \| \**([\d.]+)\** \| \**([\d.]+)\** \|$", TEXT, re.MULTILINE)
    assert [way for way, *_ in rows] == list(WAYS)
    assert set(WAYS.values()) == set(ROUNDS["float32"]) == set(ROUNDS["float64"])
    for way, *told in rows:
        for dtype, text in zip(("float32", "float64"), told, strict=True):
            digits = len(text.partition(".")[2])
            assert text == f"{median(ROUNDS[dtype][WAYS[way]]):.{digits}f}"


def test_the_rows_of_batches_have_the_medians_of_their_rounds() -> None:
    rows = re.findall(r"^\| ((?:float64 |\d+ )?[A-Za-z].*:[\d,]+) \| (.*) \|$", TEXT, re.MULTILINE)
    assert {case for case, _ in rows} == set(BATCHES)
    faster = []
    for case, cells in rows:
        products, function, peak, batch, curves, *peers = cells.split(" | ")
        taken = BATCHES[case]
        assert products == f"{taken['products'][0]:,.0f}"
        for text, way in zip((function, *peers), ("function", "vmap", "PyTorch"), strict=True):
            assert text == f"{median(taken[way]):#.3g}".rstrip(".")
        for text, way in ((batch, "batch"), (curves, "batch, all curves")):
            ratios = zip(taken["function"], taken[way], strict=True)
            assert text == f"{median(alone / whole for alone, whole in ratios):.2f}"
        multiplied = taken["products"][1] / 1e3
        pairs = zip(taken["multiply-adds"], taken["function"], strict=True)
        assert peak == f"{median(multiplied / most / us for most, us in pairs):.2f}"
        better = min(median(taken["vmap"]), median(taken["PyTorch"]))
        faster.append(better / median(taken["function"]))
    assert f"{min(faster):.1f} to {max(faster):.1f} times as fast" in TEXT
