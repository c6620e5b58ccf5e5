"""The README's targets of make are there, and its table and Python block are as it says."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import runner

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"(?:^    |`)make (\w+)", TEXT, flags=re.MULTILINE)
    assert set(targets) == {"sweep", "test"}
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE)


def test_the_table_is_that_of_the_gates_and_the_python_block_reads_their_study(
    scheduler, tmp_path, monkeypatch
) -> None:
    """All 30,000 restarts: some four seconds of one core."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    # as wide as the page; a process looks once how wide that is
    environment = os.environ | {"COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "runner", "sweep"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = textwrap.dedent(TEXT.split("prints:\n\n")[1].split("\n\n")[0])
    assert said in "\n".join(line.rstrip() for line in done.stdout.splitlines())
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102  the page's own code
    study = names["study"]
    assert isinstance(study, runner.Study)
    stuck = study.restarts.query("label == 'saturated'")
    assert f"{len(stuck)} are stuck at ln 2 / 2" in TEXT
    assert stuck["level"].to_numpy() == pytest.approx(math.log(2) / 2)
    assert isinstance(study.weights, pd.DataFrame)
    followed_on(study, stuck)
    said = re.search(r"study\.restarts  # one row per restart: (.*), \.\.\.", TEXT)
    assert said is not None
    assert set(said[1].split(", ")) <= set(study.restarts)


def followed_on(study: runner.Study, stuck: pd.DataFrame) -> None:
    """What the page says of XOR's restarts that are not solved, and of ten times the steps."""
    slow = study.restarts.query("label == 'descending'")
    (n_stuck, n_slow, stay, solved, of) = map(
        int,
        re.findall(
            r"(\d+) are stuck .* (\d+) are on a slow way out .*all (\d+) are where they were, "
            r"and (\d+) of the (\d+) are solved",
            " ".join(TEXT.split()),
        )[0],
    )
    assert (len(stuck), len(slow)) == (n_stuck, n_slow) == (stay, of)
    # three patterns with one answer: their mean target, 2/3, is the best that they can have
    shared = 0.75 * (math.log(3) - 2 / 3 * math.log(2))
    assert slow["loss"].median() == pytest.approx(shared, rel=0.01)
    both = pd.concat([stuck, slow])
    starts = study.starts.loc[both.index].dropna(axis="columns")
    experiment = {
        "name": "ten",
        "restarts": len(both),
        "problem": {"gate": "XOR"},
        "init": {"distribution": "given", "table": starts},
        "training": {"max_steps": 10 * int(both["steps"].max())},
    }
    later = runner.sweep(experiment, "results/ten")
    label = later.restarts["label"].to_numpy()
    assert (label[: len(stuck)] == "saturated").all()
    assert (label[len(stuck) :] == "solved").sum() == solved
