"""The rows of whole batches that `make bench` measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def batches():
    """The benchmark's module."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import batches
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return batches


def test_a_row_has_the_ratios_of_its_rounds_and_those_to_an_earlier_run(tmp_path) -> None:
    before, to = tmp_path / "before.json", tmp_path / "to.json"
    command = [sys.executable, "benchmarks/batches.py", "--rounds", "1", "XOR:2"]
    for more in (["--to", before], ["--to", to, "--before", before]):
        environment = os.environ | {"PYTHONPATH": "."}
        done = subprocess.run(
            [*command, *map(str, more)], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    heads, _, row = ([cell.strip() for cell in x.split("|")] for x in done.stdout.splitlines())
    cells = dict(zip(heads, row, strict=True))
    then, now = (json.loads(path.read_text())["batches"]["XOR:2"] for path in (before, to))
    assert cells["case"] == "XOR:2"
    assert cells["products"] == "36"
    for way in ("batch", "batch, all curves"):
        assert cells[way] == f"{median(now['function']) / median(now[way]):.2f}"
    assert cells["before"] == f"{median(then['function']) / median(now['function']):.2f}"
    # first layer: forward and for the update; second one: back, too
    assert now["products"] == [36, 4 * (2 * 4 + 3 * 2)]
    assert cells["of the peak"] == f"{56 / 1e3 / now['multiply-adds'][0] / now['function'][0]:.2f}"


@pytest.mark.parametrize(
    ("case", "multiply_adds"),
    [
        ("XOR:256,256", 4 * (2 * 2 * 256 + 3 * (256 * 256 + 256))),
        ("PARITY-8:64,64", 256 * 3 * (64 * 64 + 64)),  # the first layer is at a cube's corners
        ("128 patterns:256,256", 128 * (2 * 6 * 256 + 3 * (256 * 256 + 256))),
        ("float64 XOR:16", 4 * (2 * 2 * 16 + 3 * 16)),
    ],
)
def test_the_products_of_a_step_are_counted(batches, case, multiply_adds) -> None:
    (configuration,) = batches.plan_of(case).configurations
    assert batches.in_products(configuration) == multiply_adds


def test_the_rows_of_an_earlier_file_without_any_are_none(batches, tmp_path) -> None:
    (tmp_path / "old.json").write_text('{"rounds": {}}')
    assert batches.earlier(tmp_path / "old.json") == {}
    assert batches.earlier(None) == {}
