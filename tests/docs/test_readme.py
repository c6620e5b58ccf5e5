"""The README's targets of make are there, and its Python block runs on what they give."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

import runner

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^    make (\w+)$", TEXT, flags=re.MULTILINE)
    assert targets == ["sweep", "test"]
    for target in targets:
        assert re.search(rf"^{target}:.*##", makefile, flags=re.MULTILINE)


def test_the_python_block_reads_the_study_of_the_gates(client, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    changes = {"restarts": 20, "training.max_steps": 50}
    experiment = runner.load_experiment(ROOT / "experiments" / "gates.toml", changes=changes)
    runner.sweep(experiment, "results/gates", client)
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102  the page's own code
    study = names["study"]
    assert isinstance(study, runner.Study)
    rows = TEXT.split("prints:\n\n")[1].split("\n\n")[0].splitlines()[1:]
    assert len(study.summary) == len(rows)
    assert isinstance(study.weights, pd.DataFrame)
    said = re.search(r"study\.restarts  # one row per restart: (.*), \.\.\.", TEXT)
    assert said is not None
    assert set(said[1].split(", ")) <= set(study.restarts)
