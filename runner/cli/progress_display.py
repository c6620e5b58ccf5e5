"""What a command shows while it works: a live panel in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.cli.text import duration, point_text, quantity
from runner.errors.messages import counted
from runner.experiment.plan import Plan

if TYPE_CHECKING:
    from runner.dispatch.progress import (
        AnalysisProgress,
        AnalysisProgressCallback,
        Progress,
        ProgressCallback,
    )

_SECONDS_BETWEEN_LINES = 10.0
_MOST_ROWS = 12  # configurations in the panel


@contextmanager
def shown_progress(console: Console, plan: Plan, quiet: bool) -> Iterator[ProgressCallback]:
    """Yield the callback to which `runner.sweep` reports its progress."""
    if quiet:
        yield lambda progress: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda progress: live.update(_panel(plan, progress))
    else:
        lines = _SpacedLines(console)
        yield lambda p: lines.print(_line(p), last=p.done == p.restarts)


@contextmanager
def shown_analysis(console: Console, quiet: bool) -> Iterator[AnalysisProgressCallback]:
    """Yield the callback to which `runner.analyze` reports its progress."""
    if quiet:
        yield lambda progress: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda progress: live.update(_analysis_panel(progress))
    else:
        lines = _SpacedLines(console)
        yield lambda p: lines.print(_analysis_line(p), last=p.done == p.total)


class _SpacedLines:
    """Prints at most one line in ten seconds, and the last one always."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = 0.0

    def print(self, line: str, *, last: bool) -> None:
        now = time.monotonic()
        if now >= self._next_s or last:
            self._next_s = now + _SECONDS_BETWEEN_LINES
            self._console.print(line, highlight=False, soft_wrap=True)


def _line(progress: Progress) -> str:
    parts = [f"{progress.done:,} of {counted(progress.restarts, 'restart')}"]
    if progress.elapsed_s > 0:
        parts.append(f"{quantity(progress.restart_steps / progress.elapsed_s)} restart-steps/s")
    parts.append(counted(progress.workers, "worker"))
    parts += _time_left(progress.done, progress.restarts, progress.before, progress.elapsed_s)
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return ", ".join(parts)


def _analysis_line(progress: AnalysisProgress) -> str:
    parts = [f"{progress.done:,} of {progress.total:,} {progress.stage} analysed"]
    parts.append(counted(progress.workers, "worker"))
    parts += _time_left(progress.done, progress.total, progress.before, progress.elapsed_s)
    return ", ".join(parts)


def _time_left(done: int, total: int, before: int, elapsed_s: float) -> list[str]:
    """Estimate the time left from the pace of this run; nothing before its first result."""
    in_this_run = done - before
    if not in_this_run or done >= total:
        return []
    return [f"{duration((total - done) * elapsed_s / in_this_run)} left"]


def _panel(plan: Plan, progress: Progress) -> Group:
    rows: list[RenderableType] = [Text(_line(progress)), _bar(progress.restarts, progress.done)]
    if progress.solved:
        rows.append(_solved(plan, progress))
    if progress.dashboard:
        rows.append(Text(f"dashboard: {progress.dashboard}", style="dim"))
    return Group(*rows)


def _analysis_panel(progress: AnalysisProgress) -> Group:
    return Group(Text(_analysis_line(progress)), _bar(progress.total, progress.done))


def _bar(total: int, done: int) -> Table:
    """Return a bar on a line of its own: rich does not end the line after a bare one."""
    grid = Table.grid()
    grid.add_row(ProgressBar(total=max(total, 1), completed=done, width=40))
    return grid


def _solved(plan: Plan, progress: Progress) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("configuration")
    table.add_column("solved", justify="right")
    table.add_column("restarts", justify="right")
    # The newest keys are the configurations that are in training.
    for index in list(progress.solved)[-_MOST_ROWS:]:
        solved, finished = progress.solved[index]
        share = f"{solved / finished:.1%}" if finished else ""
        table.add_row(point_text(plan.configurations[index].point), share, f"{finished:,}")
    return table
