"""What a sweep shows while it runs, on a terminal and without one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from runner.dispatch.progress import Progress
from runner.display.progress import shown_analysis, shown_progress
from runner.display.text import duration, point_text, quantity
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.progress import AnalysisProgress

PLAN = Plan(
    load_experiment({"name": "t", "restarts": 100, "grid": {"problem.gate": ["AND", "XOR"]}})
)
PROGRESS = Progress(
    restarts=200,
    done=60,
    before=10,
    failed=2,
    restart_steps=5_000_000,
    solved={0: [40, 50], 1: [0, 10]},
    workers=3,
    elapsed_s=2.0,
    dashboard="http://127.0.0.1:8787/status",
    time_left_s=6.2,
)


def shown(terminal: bool, quiet: bool = False, width: int = 80) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)
    with shown_progress(console, PLAN, quiet) as report:
        report(PROGRESS)
    text: str = console.file.getvalue()
    return text


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_shows_everything_line_by_line(width) -> None:
    text = shown(True, width=width)
    for part in ("60 of 200 restarts", "2.5 M", "3 workers", "6 s left", "2 failed"):
        assert part in text.replace("\n", " ").replace("  ", " ")
    lines = [line.strip() for line in text.splitlines()]
    bar = next(line for line in lines if "━" in line)
    assert set(bar) <= set("━╸╺ ")
    assert any("gate AND" in line and "80.0%" in line for line in lines)
    assert any("gate XOR" in line and "0.0%" in line for line in lines)


def test_without_a_terminal_there_are_plain_lines_and_quiet_has_none() -> None:
    assert shown(False) == (
        "60 of 200 restarts, 2.5 M restart-steps/s, 3 workers, 6 s left, 2 failed\n"
    )
    assert shown(False, quiet=True) == ""


@pytest.mark.parametrize(
    ("done", "left_s", "shown"), [(3, None, ""), (3, 200.0, ", 3 min 20 s left"), (9, 0.0, "")]
)
def test_an_analysis_says_what_is_left_once_it_is_known(done, left_s, shown) -> None:
    console = Console(file=io.StringIO(), width=100)
    with shown_analysis(console, quiet=False) as report:
        report(AnalysisProgress("pairs", done, 9, 1, workers=2, time_left_s=left_s))
    assert console.file.getvalue() == f"{done} of 9 pairs analysed, 2 workers{shown}\n"


def test_numbers_for_people() -> None:
    assert [quantity(n) for n in (7, 1234, 5.6e6, 7.8e9)] == ["7", "1.2 k", "5.6 M", "7.8 G"]
    assert [duration(s) for s in (12, 200, 18_600)] == ["12 s", "3 min 20 s", "5 h 10 min"]
    assert point_text({"network.hidden": (2,), "problem.gate": "AND"}) == "hidden [2], gate AND"
    assert point_text({"training.order": None, "network.skip": "all"}) == "order nothing, skip all"
    assert point_text({}) == "the only one"
