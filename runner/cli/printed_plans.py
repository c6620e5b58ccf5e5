"""What ``sweep --dry-run`` prints: what is to be done, what is done, how long the rest takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.console import print_result, print_table
from runner.cli.printed_tables import plan_table, remaining_table
from runner.errors.messages import counted

if TYPE_CHECKING:
    from runner.cluster.options import ClusterOptions
    from runner.experiment.plan import Plan
    from runner.study.remaining import Remaining

_MOST_ROWS = 50  # configurations of which a row is printed


def print_plan(plan: Plan, folder: Path, cluster: ClusterOptions, *, overwrite: bool) -> None:
    """Print what a sweep of a plan would do in a folder; with ``overwrite`` as if it were empty.

    Parameters
    ----------
    plan : Plan
        Of all that the study is to have, see `runner.study.growth.planned`.
    folder : Path
    cluster : ClusterOptions
    overwrite : bool
    """
    from runner.experiment.plan_notes import plan_notes
    from runner.study.remaining import remaining
    from runner.study.store import Store

    left = None if overwrite else remaining(Store(folder), plan)
    print_result(f"{plan.experiment.name}: {_size(plan, left)}; into {folder}", wrap=True)
    for note in plan_notes(plan.configurations):
        print_result(note, wrap=True)
    if left is not None and not left.batches:
        print_result("Already finished: nothing is left to do.")
        return
    if cluster.shared:
        print_result(
            f"Workers write the shards themselves (--shared); they must see {folder.resolve()}.",
            wrap=True,
        )
    print_table(plan_table(plan, left))
    if left is not None and left.n_done and len(plan.configurations) > 1:
        places = [int(index) for index in left.counts.nonzero()[0]]
        print_table(remaining_table(left, places[:_MOST_ROWS]))
        if len(places) > _MOST_ROWS:
            print_result(f"And so on: {len(places):,} configurations have restarts left.")
    _print_time(plan, left, cluster)


def _size(plan: Plan, left: Remaining | None) -> str:
    """Return how much a plan is, what of it is done and what is left, in words."""
    size = counted(len(plan.configurations), "configuration")
    if plan.before is None:
        size += f" × {counted(plan.experiment.restarts, 'restart')} = "
    added = plan.rounds[-1]
    functions = counted(len(added.groups), "compiled function")
    these = _amount(added.n_restarts, added.n_batches)
    if left is None:
        return f"{size}{these}; {functions}"
    functions = counted(len(left.groups), "compiled function")
    before = left.n_before
    if plan.before is not None and left.n_restarts - before == added.n_restarts:
        from runner.study.growth import added_text

        text = f"{added_text(plan)}: {these}; {functions}; {counted(left.n_done, 'restart')} "
        text += f"{_are(left.n_done)} done"
        return f"{text}, {before:,} from before {_are(before)} left too" if before else text
    whole = counted(plan.n_restarts, "restart")
    size = f"{size}{whole}" if plan.before is None else f"{size}, {whole}"
    if not left.batches:
        return f"{size}, all of them done"
    rest = f"{_amount(left.n_restarts, len(left.batches))} {_are(left.n_restarts)} left"
    return f"{size}: {left.n_done:,} {_are(left.n_done)} done, {rest}; {functions}"


def _amount(n_restarts: int, n_batches: int) -> str:
    return f"{counted(n_restarts, 'restart')} in {counted(n_batches, 'batch', 'batches')}"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _print_time(plan: Plan, left: Remaining | None, cluster: ClusterOptions) -> None:
    from runner.cluster.embedded import usable_cores
    from runner.display.text import duration, quantity
    from runner.engines.compile_times import compile_note, compile_s

    n_workers = cluster.workers or usable_cores()
    counts = None if left is None else left.counts
    n_functions = len(plan.rounds[-1].groups if left is None else left.groups)
    start_s = 3 + compile_s(plan.engine) * n_functions
    print_result(
        f"About {duration(plan.most_s(n_workers, counts))} on {counted(n_workers, 'worker')} of "
        "this kind if no restart stops early (a rough estimate), and about "
        f"{duration(start_s)} to start and compile.",
        wrap=True,
    )
    if left is not None and (each := left.bytes_per_restart):
        size = quantity(left.n_restarts * each)
        print_result(f"About {size}B of shards, if they are as those that are there.")
    if note := compile_note(plan.engine, n_functions):
        print_result(note, wrap=True)
