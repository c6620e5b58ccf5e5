"""What a sweep shows in a terminal: live progress, or plain lines where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.experiment.plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from runner.dispatch.progress import AnalysisProgress, AnalysisReport, Progress, Report
    from runner.study.tables import Study

_PLAIN_S = 10.0  # seconds between plain lines
_MOST_ROWS = 12  # configurations shown live


@contextmanager
def shown_progress(console: Console, plan: Plan, quiet: bool) -> Iterator[Report]:
    """Yield what `runner.sweep` may report its progress to."""
    if quiet:
        yield lambda progress: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda progress: live.update(_panel(plan, progress))
    else:
        yield _Lines(console)


class _Lines:
    """Prints one line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        self.tell(_line(progress), last=progress.done == progress.restarts)

    def tell(self, line: str, *, last: bool) -> None:
        """Print a line if it is the last, or if none was printed for a while."""
        now = time.monotonic()
        if now >= self._next or last:
            self._next = now + _PLAIN_S
            self._console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def shown_analysis(console: Console, quiet: bool) -> Iterator[AnalysisReport]:
    """Yield what `runner.landscape.analysis.analyze` may report its progress to."""
    if quiet:
        yield lambda progress: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield lambda progress: live.update(_analysis_panel(progress))
    else:
        lines = _Lines(console)
        yield lambda p: lines.tell(_analysis_line(p), last=p.done == p.total)


def _analysis_panel(progress: AnalysisProgress) -> Group:
    bar = _bar(progress.total, progress.done)
    return Group(Text(_analysis_line(progress)), bar)


def _analysis_line(progress: AnalysisProgress) -> str:
    parts = [f"{progress.done:,} of {progress.total:,} {progress.stage} looked at"]
    parts.append(f"{progress.workers} workers")
    fresh = progress.done - progress.before
    if fresh and progress.done < progress.total:
        left_s = (progress.total - progress.done) * progress.elapsed_s / fresh
        parts.append(f"{duration(left_s)} left")
    return ", ".join(parts)


def verdict_table(study: Study) -> Table:
    """Return what an analysis found, a row per configuration."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    names = ("configuration", "analysed", "classes", "pairs that rise", "highest rise", "verdict")
    for name in names:
        right = name not in ("configuration", "verdict")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    analysed = study.curvature.groupby(level="configuration").size()
    n_classes = study.unseen.set_index("configuration")["classes"]
    verdicts = study.verdicts.set_index("configuration")
    for configuration in study.plan.configurations:
        row = verdicts.loc[configuration.index]
        rise = row["worst_violation"]
        table.add_row(
            point_text(configuration.point),
            f"{analysed.get(configuration.index, 0):,}",
            f"{n_classes[configuration.index]:,}",
            f"{row['violations']:,} of {row['pairs']:,}",
            f"{rise:.3g}" if row["violations"] else "",
            str(row["verdict"]),
        )
    return table


def _line(progress: Progress) -> str:
    parts = [f"{progress.done:,} of {progress.restarts:,} restarts"]
    if progress.elapsed_s > 0:
        parts.append(f"{quantity(progress.restart_steps / progress.elapsed_s)} restart-steps/s")
    parts.append(f"{progress.workers} workers")
    left = _left_s(progress)
    if left is not None and progress.done < progress.restarts:
        parts.append(f"{duration(left)} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return ", ".join(parts)


def _left_s(progress: Progress) -> float | None:
    """Estimate the seconds left from the pace of this run."""
    fresh = progress.done - progress.before
    if not fresh:
        return None
    return (progress.restarts - progress.done) * progress.elapsed_s / fresh


def _panel(plan: Plan, progress: Progress) -> Group:
    bar = _bar(progress.restarts, progress.done)
    lines: list[Any] = [Text(_line(progress)), bar]
    if progress.solved:
        lines.append(_solved(plan, progress))
    if progress.dashboard:
        lines.append(Text(f"dashboard: {progress.dashboard}", style="dim"))
    return Group(*lines)


def _bar(total: int, done: int) -> Table:
    """Return a bar on a line of its own, which a bare one does not end."""
    grid = Table.grid()
    grid.add_row(ProgressBar(total=max(total, 1), completed=done, width=40))
    return grid


def _solved(plan: Plan, progress: Progress) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("configuration")
    table.add_column("solved", justify="right")
    table.add_column("restarts", justify="right")
    # the ones that are being worked on, as they are the newest keys
    for index in list(progress.solved)[-_MOST_ROWS:]:
        solved, seen = progress.solved[index]
        share = f"{solved / seen:.1%}" if seen else ""
        table.add_row(point_text(plan.configurations[index].point), share, f"{seen:,}")
    return table


def point_text(point: Any) -> str:
    """Return a grid's point as text: last parts of the paths, and values."""
    parts = []
    for path, value in point.items():
        shown = list(value) if isinstance(value, tuple) else value
        parts.append(f"{path.rpartition('.')[2]} {shown}")
    return ", ".join(parts) or "the only one"


def plan_table(plan: Plan) -> Table:
    """Return what a sweep would do, a row per group of configurations."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("compiled function", "configurations", "restarts", "restarts per batch"):
        table.add_column(name, justify="left" if name == "compiled function" else "right")
    for group in plan.groups:
        first = group.configurations[0]
        net, training = first.architecture, first.settings.training
        shape = net.title
        if first.model is None:
            shape = f"{shape} {net.activation}/{net.output}, {first.settings.loss.kind}"
        table.add_row(
            f"{shape}, {training.optimizer}, {training.dtype}",
            f"{len(group.configurations):,}",
            f"{len(group.configurations) * plan.experiment.restarts:,}",
            f"{group.batch_size:,}",
        )
    return table


def summary_table(summary: pd.DataFrame, axes: Sequence[str]) -> Table:
    """Return the summary as a terminal shows it; labels that nobody has are left out."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    from runner.training.labels import LABELS

    labels = [label for label in LABELS[1:] if summary[label].any()]
    for name in axes:
        table.add_column(name.rpartition(".")[2], overflow="fold")
    for name in ["restarts", "solved", "95% interval", *labels, "median loss"]:
        table.add_column(name, justify="right", overflow="fold")
    for row in summary.to_dict("records"):
        table.add_row(
            *(str(row[name]) for name in axes),
            f"{row['n']:,}",
            f"{100 * row['success_rate']:.2f}%",
            f"{100 * row['ci_low']:.2f}-{100 * row['ci_high']:.2f}",
            *(f"{row[label]:,}" for label in labels),
            f"{row['loss_median']:.4g}",
        )
    return table


def quantity(number: float) -> str:
    """Return a number with a thousand's letter: 1.2 k, 3.4 M, 5.6 G."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.1f} {letter}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """Return a duration for people: 12 s, 3 min 20 s, 5 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
