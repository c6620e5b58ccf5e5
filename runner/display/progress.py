"""What a command shows while it works: a live panel in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.display.text import duration, point_text, quantity
from runner.display.text_table import Column, table_text
from runner.errors.messages import counted
from runner.experiment.plan import Plan

if TYPE_CHECKING:
    from runner.dispatch.progress import Progress, ProgressCallback
    from runner.landscape.progress import AnalysisProgress, AnalysisProgressCallback
    from runner.mapping.progress import MapProgress, MapProgressCallback

_Progress = TypeVar("_Progress")

_SECONDS_BETWEEN_LINES = 10.0
_MOST_ROWS = 12  # configurations in the panel


def shown_progress(
    console: Console, plan: Plan, quiet: bool
) -> AbstractContextManager[ProgressCallback]:
    """Yield the callback to which `runner.sweep` reports its progress."""

    def panel(progress: Progress) -> Group:
        return _panel(plan, progress, console.width)

    def is_last(progress: Progress) -> bool:
        return progress.done == progress.restarts

    return _shown(console, quiet, panel, progress_parts, is_last)


def shown_analysis(
    console: Console, quiet: bool
) -> AbstractContextManager[AnalysisProgressCallback]:
    """Yield the callback to which `runner.analyze` reports its progress."""

    def panel(progress: AnalysisProgress) -> Group:
        return _analysis_panel(progress, console.width)

    def is_last(progress: AnalysisProgress) -> bool:
        return progress.done == progress.total

    return _shown(console, quiet, panel, _analysis_parts, is_last)


def shown_map(console: Console, quiet: bool) -> AbstractContextManager[MapProgressCallback]:
    """Yield the callback to which `runner.map_landscape` reports its progress."""

    def panel(progress: MapProgress) -> Text:
        return _lines(_map_parts(progress), console.width)

    return _shown(console, quiet, panel, _map_parts, lambda progress: False)


@contextmanager
def _shown(
    console: Console,
    quiet: bool,
    panel: Callable[[_Progress], RenderableType],
    parts: Callable[[_Progress], Sequence[str]],
    is_last: Callable[[_Progress], bool],
) -> Iterator[Callable[[_Progress], None]]:
    """Yield what shows progress: as a panel in a terminal, else its parts as a line."""
    if quiet:
        yield lambda progress: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda progress: live.update(panel(progress))
    else:
        lines = _SpacedLines(console)
        yield lambda progress: lines.print(", ".join(parts(progress)), last=is_last(progress))


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


def progress_parts(progress: Progress) -> list[str]:
    """Return what there is to say of a sweep's progress, the most important first."""
    parts = [f"{progress.done:,} of {counted(progress.restarts, 'restart')}"]
    if progress.elapsed_s > 0:
        parts.append(f"{quantity(progress.restart_steps / progress.elapsed_s)} restart-steps/s")
    parts.append(counted(progress.workers, "worker"))
    parts += _time_left(progress.time_left_s, progress.done < progress.restarts)
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return parts


def _analysis_parts(progress: AnalysisProgress) -> list[str]:
    parts = [f"{progress.done:,} of {progress.total:,} {progress.stage} analysed"]
    parts.append(counted(progress.workers, "worker"))
    return parts + _time_left(progress.time_left_s, progress.done < progress.total)


def _time_left(seconds: float | None, unfinished: bool) -> list[str]:
    return [] if seconds is None or not unfinished else [f"{duration(seconds)} left"]


def _map_parts(progress: MapProgress) -> list[str]:
    parts = [
        counted(progress.searches, "search", "searches"),
        counted(progress.minima, "minimum", "minima"),
        counted(progress.transition_states, "transition state"),
        counted(progress.points, "critical point") + " in all",
    ]
    if progress.configurations > 1:
        parts.append(f"{progress.done:,} of {progress.configurations:,} configurations done")
    return [*parts, counted(progress.workers, "worker"), duration(progress.elapsed_s)]


def _panel(plan: Plan, progress: Progress, width: int) -> Group:
    lines: list[RenderableType] = [_lines(progress_parts(progress), width)]
    lines.append(_bar(progress.restarts, progress.done))
    if progress.solved:
        lines.append(table_text(_solved(plan, progress), width))
    dashboard = f"dashboard: {progress.dashboard}"
    if progress.dashboard and len(dashboard) <= width:  # a part of an address is of no use
        lines.append(Text(dashboard, style="dim"))
    return Group(*lines)


def _analysis_panel(progress: AnalysisProgress, width: int) -> Group:
    return Group(_lines(_analysis_parts(progress), width), _bar(progress.total, progress.done))


def _lines(parts: Sequence[str], width: int) -> Text:
    """Return the parts, as many on a line as it has room for; none is broken."""
    lines = [parts[0]]
    for part in parts[1:]:
        lines[-1] += ","
        if len(f"{lines[-1]} {part},") <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return Text("\n".join(lines))


def _bar(total: int, done: int) -> Table:
    """Return a bar on a line of its own: rich does not end the line after a bare one."""
    grid = Table.grid()
    grid.add_row(ProgressBar(total=max(total, 1), completed=done, width=40))
    return grid


def _solved(plan: Plan, progress: Progress) -> list[Column]:
    # The last keys are the configurations that are in training.
    newest = list(progress.solved)[-_MOST_ROWS:]
    counts = [progress.solved[index] for index in newest]
    shares = [f"{solved / finished:.1%}" if finished else "" for solved, finished in counts]
    points = [point_text(plan.configurations[index].point) for index in newest]
    return [
        Column("configuration", points, is_text=True),
        Column("solved", shares),
        Column("restarts", [f"{finished:,}" for _, finished in counts], left_out=1),
    ]
