"""Progress that `runner.sweep` shows by itself: in a terminal, and where it is asked for."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from runner.dispatch.progress import Progress
from runner.display.automatic_progress import progress_html

SCRIPT = """
import runner
experiment = {"name": "p", "restarts": 4, "problem": {"gate": "OR"}, "training": {"max_steps": 9}}
runner.sweep(experiment, "study", scheduler=SCHEDULER%s)
"""


def standard_error(scheduler, folder, keyword: str, *, terminal: bool) -> str:
    """Run a sweep in a process of its own, with or without a terminal to show things on."""
    code = SCRIPT.replace("SCHEDULER", repr(scheduler)) % keyword
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": os.getcwd()}
    if not terminal:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stderr
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # as Linux says that the other end is closed
                break
            if not part:
                break
            seen += part
    os.close(ours)
    assert process.returncode == 0, seen.decode()
    return seen.decode()


@pytest.mark.parametrize(
    ("keyword", "terminal", "shown"),
    [
        ("", True, True),
        (", progress=False", True, False),
        ("", False, False),
        (", progress=True", False, True),
        (", report=lambda progress: None", True, False),
    ],
)
def test_progress_is_shown_where_somebody_looks(
    scheduler, tmp_path, keyword: str, terminal: bool, shown: bool
) -> None:
    text = standard_error(scheduler, tmp_path, keyword, terminal=terminal)
    assert ("of 4 restarts" in text) == shown
    assert shown or not text


def test_a_notebook_gets_a_bar_and_a_line() -> None:
    text = progress_html(Progress(restarts=10, done=4, before=0, workers=2))
    assert text.startswith('<progress max="10" value="4"></progress> 4 of 10 restarts')
    assert text.endswith("2 workers")
