"""What docs/reliability.md tells users to type."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import runner

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text()


def test_how_an_older_study_is_compared_with_the_code_here(client, tmp_path) -> None:
    (asks,) = re.findall(r'^ +python -c "(.*)"$', TEXT, flags=re.MULTILINE)
    (compares,) = re.findall(r"^ +(diff .*)$", TEXT, flags=re.MULTILINE)
    small = {"name": "t", "restarts": 40, "problem": {"gate": "XOR"}, "training": {"max_steps": 5}}
    for name in ("gates", "anew"):
        study = runner.sweep(small, tmp_path / "results" / name, client, batch_size=10)
    hashed = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True)
    assert hashed.stdout.strip() == study.versions["source"]

    def compare() -> str:
        words = compares.split()
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True).stdout

    assert compare() == ""
    missing, other, *_ = sorted((tmp_path / "results/gates/shards").rglob("*.parquet"))
    missing.unlink()
    other.write_bytes(b"other")
    only, differ = sorted(compare().splitlines(), reverse=True)
    assert only.startswith("Only in results/anew/shards")
    assert missing.name in only
    assert differ.endswith(" differ")
    assert other.name in differ


def test_every_row_names_tests_that_there_are() -> None:
    names = "".join(
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", file.read_text(), flags=re.MULTILINE)
    )
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    commands = re.findall(r'`make ([\w-]+)(?: ARGS="([^"]*)")?`', TEXT)
    assert len(commands) > 20
    for target, options in commands:
        assert target in targets
        (chosen,) = re.findall(r"^-k '?([\w ]+)", options) or [""]
        for word in chosen.split():
            assert word in ("or", "and") or word in names, options
        if options.startswith("tests/"):
            assert (ROOT / options).is_file()
