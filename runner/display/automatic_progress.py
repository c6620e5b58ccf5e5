"""What `runner.sweep` shows by itself, to whoever calls it in a notebook or a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

from rich.console import Console

from runner.display.progress import progress_parts, shown_progress
from runner.experiment.plan import Plan

if TYPE_CHECKING:
    from runner.dispatch.progress import Progress, ProgressCallback


@contextmanager
def automatic_progress(plan: Plan, asked: bool) -> Iterator[ProgressCallback | None]:
    """Yield the callback that shows progress where the caller looks.

    Parameters
    ----------
    plan : Plan
    asked : bool
        Whether it is shown where there is neither notebook nor terminal too: plain lines then.
    """
    console = Console(stderr=True)
    if console.is_jupyter:
        yield _in_notebook()
    elif console.is_terminal or asked:
        with shown_progress(console, plan, quiet=False) as report:
            yield report
    else:
        yield None


def progress_html(progress: Progress) -> str:
    """Return a bar and a line; shown again and again in one place of a notebook."""
    total = max(progress.restarts, 1)
    line = escape(", ".join(progress_parts(progress)))
    return f'<progress max="{total}" value="{progress.done}"></progress> {line}'


def _in_notebook() -> ProgressCallback:
    # a notebook has it; rich's own display there needs ipywidgets besides
    from IPython.display import HTML, display

    place = display(HTML(""), display_id=True)

    def show(progress: Progress) -> None:
        place.update(HTML(progress_html(progress)))

    return show
