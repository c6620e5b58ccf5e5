"""CONTRIBUTING.md: the targets, places and checks that it names are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"(?:^    |`)make ([\w-]+)", TEXT, flags=re.MULTILINE)
    assert len(set(targets)) > 10
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE), target


def test_files_and_folders_exist() -> None:
    """Those in backticks with a slash, from the checkout or from a folder of its package."""
    named = set(re.findall(r"`([\w./-]*/[\w./-]*)`", TEXT)) - MADE
    assert len(named) > 30
    within = [f"/{path.relative_to(ROOT)}" for path in (ROOT / "runner").rglob("*")]
    for name in named:
        ending = f"/{name.rstrip('/')}"
        inside = any(
            path.removesuffix(".py").endswith(ending.removesuffix(".py")) for path in within
        )
        assert inside or (ROOT / name).exists(), name


MADE = {
    "tests/<room>/test_<file>.py",
    "staging/",
    "build/docs",
    "dist/",
    "runner/experiments",
    "/dev/shm",
}
"""Of a study, of what `make` makes, of a wheel, and of the machine."""


def test_what_every_change_must_pass_is_what_the_script_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    said = " ".join(TEXT.split()).partition("`.ci/run` runs what every change must pass: ")[2]
    said = said.partition(" `make test` runs files side by side")[0]
    commands = [line for line in script.splitlines() if not re.match(r" *(#|echo )", line)]
    runs = re.findall(
        r"(?<![\"\w])make ([\w-]+)", "\n".join(commands).replace('"SKIPPED: make', "")
    )
    assert runs == ["lint", "test-compose", "test", "test"]
    assert re.findall(r"`make ([\w-]+)`", said) == ["lint", "test-compose", "test"]
    rooms = re.findall(r"`(\w+)`", said.partition("the tests of ")[2])
    assert rooms == ["engines", "network", "training", "experiment", "study", "cli"]
    assert rooms == re.findall(r"tests/(\w+)(?= )(?! /)", script.partition("--ignore")[0])
    assert f"Python {re.findall(r'find_python ([0-9.]+)', script)[-1]}" in said
