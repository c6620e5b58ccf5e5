"""Nothing but the runner speaks: a sweep of an encoder's table is silent when it is asked to be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_sweep_and_an_analysis_of_one_hot_rows_are_silent(tmp_path) -> None:
    names = [f"x{i}" for i in range(6)]
    rows = [",".join([*("01"[i == j] for i in range(6)), "01"[j % 2]]) for j in range(6)]
    (tmp_path / "encoder.csv").write_text("\n".join([",".join([*names, "y"]), *rows]) + "\n")
    (tmp_path / "encoder.toml").write_text(
        'name = "encoder"\nrestarts = 20\nproblem.table = "encoder.csv"\nnetwork.hidden = [2]\n'
        "training.max_steps = 20\n"
    )
    # a code cache of its own, so that this compiles
    env = os.environ | {"RUNNER_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    for arguments in (
        ["sweep", "encoder.toml", "--out", "study", "--workers", "1", "--quiet"],
        ["analyze", "study", "--workers", "1", "--quiet"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "runner", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert arguments[0] == "analyze" or done.stdout == ""
        assert "Rewrite" not in done.stdout
