"""The command line: ``python -m runner``."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from runner.cli import interruption
from runner.errors import RunnerError

if TYPE_CHECKING:
    from runner.dispatch.care import Care
    from runner.experiment.plan import Plan
    from runner.study.tables import Study

DEFAULT_EXPERIMENT = Path("experiments/gates.toml")
FAILURES = 5

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train small networks from many random starts and see how non-convex the problem is.",
    epilog="Exit codes: 0 done; 1 other error; 2 wrong experiment or option; 3 study folder; "
    "4 cluster; 5 done, but some restarts failed, or more than --max-failures; 130 interrupted.",
)


class _Console(Console):
    """A console that leaves it to the command line what to do when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


# a file or a pipe has no width that a table's cells would have to be folded for
_WIDTH = None if os.isatty(1) or "COLUMNS" in os.environ else 160
out_console = _Console(width=_WIDTH)
err_console = Console(stderr=True)


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class Device(StrEnum):
    """Which workers a sweep uses."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True)
class Where:
    """Where a sweep runs, and with whose code; see `runner.sweep`."""

    scheduler: str | None
    scheduler_file: Path | None
    workers: int | None
    device: str
    wait_s: float
    insecure: bool
    trust_model: bool


StudyFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
WorkerCount = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes on this machine.", show_default="one per core"),
]
SchedulerAddress = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Run on this Dask scheduler, as does DASK_SCHEDULER_ADDRESS; without either, on this "
        "machine.",
    ),
]
SchedulerFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Run on the scheduler that wrote this file.")
]
DeviceKind = Annotated[
    Device, typer.Option("--device", help="Workers to use; auto: CPU and GPU, as they are there.")
]
Wait = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for scheduler and worker.")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Allow another machine's scheduler without TLS.")
]
TrustModel = Annotated[
    bool,
    typer.Option("--trust-model", help="Execute the file of network.model, here and on workers."),
]


@app.command()
def sweep(
    experiment: Annotated[
        Path | None,
        typer.Argument(metavar="[EXPERIMENT.toml]", help="Default: experiments/gates.toml."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study.", show_default="results/NAME")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=VALUE", help="Change a field; can be repeated."),
    ] = None,
    axes: Annotated[
        list[str] | None,
        typer.Option("--grid", metavar="a.b=V1,V2", help="Cross over values; can be repeated."),
    ] = None,
    restarts: Annotated[int | None, typer.Option(help="Restarts per configuration.")] = None,
    seed: Annotated[int | None, typer.Option(help="Root seed.")] = None,
    workers: WorkerCount = None,
    scheduler: SchedulerAddress = None,
    scheduler_file: SchedulerFile = None,
    device: DeviceKind = Device.AUTO,
    wait: Wait = 30.0,
    insecure: Insecure = False,
    trust_model: TrustModel = False,
    engine: Annotated[
        str, typer.Option(help="pytensor, pytensor-jax, pytensor-numba or theano.")
    ] = "pytensor",
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Restarts per task and shard.", show_default="by a rule"),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Restart a worker that trains a batch for longer.",
            show_default="ten times what others took, and a minute",
        ),
    ] = None,
    max_failures: Annotated[
        int | None,
        typer.Option(metavar="N", help="Stop when more restarts fail.", show_default="go on"),
    ] = None,
    audit: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Train this share again on other workers; compare."),
    ] = 0.0,
    canary: Annotated[
        bool,
        typer.Option(" /--no-canary", help="Take workers that compute other bits than the first."),
    ] = True,
    report: Annotated[bool, typer.Option("--report", help="Analyse and report too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = (
        False
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the study in the folder.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Train every restart of an experiment; go on where an earlier run stopped."""
    with _errors():
        from runner.engines.registry import check
        from runner.experiment.experiment import load_experiment, parse_axis, parse_change
        from runner.experiment.plan import Plan

        check(engine)
        changed = dict(parse_change(text) for text in changes or [])
        changed |= {} if restarts is None else {"restarts": restarts}
        changed |= {} if seed is None else {"seed": seed}
        loaded = load_experiment(
            experiment or DEFAULT_EXPERIMENT,
            changes=changed,
            grid=dict(parse_axis(text) for text in axes or []),
        )
        plan = Plan(loaded, engine, batch_size)
        folder = out or Path("results") / loaded.name
        if dry_run:
            _tell_plan(plan, folder, workers)
        else:
            from runner.dispatch.care import Care

            where = Where(
                scheduler, scheduler_file, workers, device.value, wait, insecure, trust_model
            )
            care = Care(deadline, max_failures, audit, canary)
            _carry_out(plan, folder, where, care, overwrite, quiet, report)


@app.command("slice")
def slice_(
    experiment: Annotated[Path, typer.Argument(metavar="EXPERIMENT.toml")],
    x: Annotated[str, typer.Option("--x", metavar="NAME=LOW:HIGH:N", help="Weight to sweep.")],
    y: Annotated[str, typer.Option("--y", metavar="NAME=LOW:HIGH:N", help="The other one.")],
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A fixed weight; can be repeated. The others are those of restart 0.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study.", show_default="results/NAME-slice")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=VALUE", help="Change a field; can be repeated."),
    ] = None,
    workers: WorkerCount = None,
    scheduler: SchedulerAddress = None,
    scheduler_file: SchedulerFile = None,
    device: DeviceKind = Device.AUTO,
    wait: Wait = 30.0,
    insecure: Insecure = False,
    trust_model: TrustModel = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the study in the folder.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Sweep from a grid of starts over two weights, all others fixed; draw which lead where."""
    with _errors():
        from runner.dispatch.care import Care
        from runner.experiment.experiment import parse_change
        from runner.experiment.plan import Plan
        from runner.experiment.slicer import sliced

        changed = dict(parse_change(text) for text in changes or [])
        plan = Plan(sliced(experiment, x, y, at or [], changed))
        folder = out or Path("results") / plan.experiment.name
        where = Where(scheduler, scheduler_file, workers, device.value, wait, insecure, trust_model)
        _carry_out(plan, folder, where, Care(), overwrite, quiet, report=True)


@app.command()
def report(
    folder: StudyFolder,
    out: Annotated[
        Path | None, typer.Option(help="The HTML file.", show_default="DIR/report.html")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for every figure as SVG and PNG.")
    ] = None,
) -> None:
    """Write a study's report, one HTML file with figures and tables."""
    with _errors():
        from runner.report.writer import write_report
        from runner.study.tables import open_study

        path = write_report(open_study(folder), out, figures)
        out_console.print(f"report: {path}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def analyze(
    folder: StudyFolder,
    endpoints: Annotated[
        int | None,
        typer.Option(min=1, help="Most endpoints to look at.", show_default="100000"),
    ] = None,
    workers: WorkerCount = None,
    scheduler: SchedulerAddress = None,
    scheduler_file: SchedulerFile = None,
    device: DeviceKind = Device.AUTO,
    wait: Wait = 30.0,
    insecure: Insecure = False,
    trust_model: TrustModel = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Add curvature, minima, barriers and verdicts to a study; go on where a run stopped."""
    with _errors():
        from runner.cli.display import verdict_table

        where = Where(scheduler, scheduler_file, workers, device.value, wait, insecure, trust_model)
        study = _analyze(folder, where, quiet, endpoints)
        if not quiet:
            out_console.print(verdict_table(study))


@app.command()
def status(folder: StudyFolder) -> None:
    """Tell how far a study is."""
    with _errors():
        from runner.cli.display import point_text
        from runner.study.tables import open_study

        study = open_study(folder)
        done, total = study.n_done, study.plan.n_restarts
        state = "finished" if study.complete else "not finished"
        out_console.print(
            f"{study.experiment.name}: {state}, {done:,} of {total:,} restarts, "
            f"{len(study.commits):,} of {study.plan.n_batches:,} batches, "
            f"{len(study.failures):,} failed",
            highlight=False,
        )
        for configuration in study.plan.configurations:
            n = int(study.trained.iloc[configuration.index])
            out_console.print(
                f"  {point_text(configuration.point)}: {n:,} of {study.experiment.restarts:,}",
                highlight=False,
                markup=False,
            )


@app.command()
def summary(
    folder: StudyFolder,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TABLE,
) -> None:
    """Print a study's summary, a row per configuration."""
    with _errors():
        from runner.study.tables import open_study

        study = open_study(folder)
        frame = study.summary
        if format is Format.CSV:
            typer.echo(frame.to_csv(), nl=False)
        elif format is Format.JSON:
            rows = json.loads(frame.reset_index().to_json(orient="records", double_precision=15))
            typer.echo(json.dumps(rows, indent=1))
        else:
            _print_summary(study)


@app.command()
def verify(
    folder: StudyFolder,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Move what is damaged to quarantine/ and train it again."),
    ] = False,
    scheduler: SchedulerAddress = None,
    workers: WorkerCount = None,
    scheduler_file: SchedulerFile = None,
    wait: Wait = 30.0,
    insecure: Insecure = False,
    trust_model: TrustModel = False,
) -> None:
    """Compare a study's files with its log, byte by byte."""
    with _errors():
        from runner.dispatch.sweep import repair as repair_study
        from runner.errors.messages import printable
        from runner.study import damage
        from runner.study.store import Store

        store = Store(folder)
        damages = damage.find(store, store.read_plan()[0])
        for found in damages:
            text = f"{printable(str(found.path))}: {found.problem}."
            err_console.print(Text(text), soft_wrap=True)
        if not damages:
            out_console.print("Every file is as the log says.", highlight=False)
        elif repair:
            with _resumable(folder):
                where = Where(
                    scheduler, scheduler_file, workers, "auto", wait, insecure, trust_model
                )
                repair_study(folder, **asdict(where))
            out_console.print(
                f"Repaired: {len(damages):,} found; what was damaged is in "
                f"{printable(str(store.quarantine_path))}.",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
        else:
            from runner.errors import StudyError

            message = (
                f"{len(damages):,} problems. `python -m runner verify {printable(str(folder))} "
                "--repair` moves what is damaged to quarantine/ and trains it again."
            )
            raise StudyError(message)


@app.command()
def export(
    folder: StudyFolder,
    to: Annotated[Path, typer.Option("--to", help="A .csv or .parquet file.")],
) -> None:
    """Write every restart, with its final weights, to one file."""
    with _errors():
        from runner.errors import StudyError
        from runner.errors.messages import printable
        from runner.study.tables import open_study

        if to.suffix not in (".csv", ".parquet"):
            message = (
                f"--to is {printable(str(to))}; expected a name that ends in .csv or .parquet."
            )
            raise typer.BadParameter(message)
        study = open_study(folder)
        frame = study.restarts.join(study.weights).reset_index()
        part = to.with_name(f"{to.name}.part")
        try:
            if to.suffix == ".csv":
                frame.to_csv(part, index=False)
            else:
                frame.to_parquet(part, index=False)
            part.replace(to)
        except OSError as error:
            part.unlink(missing_ok=True)
            message = f"{printable(str(to))}: cannot write: {error.strerror or error}."
            raise StudyError(message) from error
        out_console.print(f"{len(frame):,} restarts in {to}", highlight=False, markup=False)


@app.command()
def certificates(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made new, or empty.")],
    days: Annotated[int, typer.Option(min=1, max=36500, help="How long they are valid.")] = 365,
) -> None:
    """Make the certificates of a cluster that speaks TLS."""
    with _errors():
        from runner.cluster.certificates import ROLES, make_certificates

        made = make_certificates(folder, days)
        text = (
            f"{made}: a private authority and certificates for {days} days. Give every machine "
            f"the file of its role ({', '.join(f'{role}.yaml' for role in ROLES)}), name it in "
            "DASK_CONFIG there, and keep authority.key to yourself."
        )
        out_console.print(Text(text), soft_wrap=True)


def _carry_out(
    plan: Plan,
    folder: Path,
    where: Where,
    care: Care,
    overwrite: bool,
    quiet: bool,
    report: bool,
) -> None:
    """Sweep a plan, tell what came of it, and write the report if asked to."""
    if not quiet:
        _tell_start(plan, folder)
    finished = not overwrite and _finished(folder)
    if not finished:
        _start_fork_server(where)
    with _resumable(folder):
        study = _run(plan, folder, where, care, overwrite, quiet)
    if not quiet:
        if finished:
            out_console.print("Finished before: nothing was left to do.\n")
        _tell_end(study)
        if care.audit:
            _tell_audit(study)
    if report:
        from runner.report.writer import write_report

        path = write_report(_analyze(folder, where, quiet))
        if not quiet:
            out_console.print(f"report: {path}", highlight=False, markup=False, soft_wrap=True)
    if len(study.failures):
        err_console.print(
            f"{len(study.failures):,} restarts could not be trained: see study.failures.",
            highlight=False,
        )
        raise typer.Exit(FAILURES)


def _start_fork_server(where: Where) -> None:
    """Have the workers' modules loaded while this process loads its own."""
    from runner.cluster.client import ADDRESS_VARIABLE, start_fork_server

    if not (where.scheduler or where.scheduler_file or os.environ.get(ADDRESS_VARIABLE)):
        interruption.folder_to_remove = start_fork_server()


def _finished(folder: Path) -> bool:
    from runner.study.store import Store

    if not Store(folder).exists:
        return False
    from runner.study.tables import open_study

    return open_study(folder).complete


def _analyze(folder: Path, where: Where, quiet: bool, endpoints: int | None = None) -> Study:
    from runner.cli.display import shown_analysis
    from runner.landscape.analysis import MAX_ENDPOINTS
    from runner.landscape.analysis import analyze as analyzes

    with _resumable(folder), shown_analysis(err_console, quiet) as report:
        return analyzes(
            folder, endpoints=endpoints or MAX_ENDPOINTS, report=report, **asdict(where)
        )


def _run(
    plan: Plan,
    folder: Path,
    where: Where,
    care: Care,
    overwrite: bool,
    quiet: bool,
) -> Study:
    from runner.cli.display import shown_progress
    from runner.dispatch.sweep import sweep as sweeps

    with shown_progress(err_console, plan, quiet) as report:
        return sweeps(
            plan.experiment,
            folder,
            engine=plan.engine,
            batch_size=plan.batch_size,
            overwrite=overwrite,
            report=report,
            **asdict(where),
            **asdict(care),
        )


def _tell_plan(plan: Plan, folder: Path, workers: int | None) -> None:
    from runner.cli.display import duration, plan_table
    from runner.cluster.client import usable_cores

    n = workers or usable_cores()
    out_console.print(
        f"{plan.experiment.name}: {len(plan.configurations):,} configurations × "
        f"{plan.experiment.restarts:,} restarts = {plan.n_restarts:,} restarts in "
        f"{plan.n_batches:,} batches; {len(plan.groups):,} compiled functions; into {folder}",
        highlight=False,
        markup=False,
    )
    out_console.print(plan_table(plan))
    out_console.print(
        f"About {duration(plan.most_s(n))} on {n} workers of this kind if no restart stops early "
        f"(a rough figure), and some {duration(3 + 2 * len(plan.groups))} to start and compile.",
        highlight=False,
    )


def _tell_start(plan: Plan, folder: Path) -> None:
    err_console.print(
        f"{plan.experiment.name}: {len(plan.configurations):,} configurations × "
        f"{plan.experiment.restarts:,} restarts, into {folder}",
        highlight=False,
        markup=False,
    )


def _tell_end(study: Study) -> None:
    _print_summary(study)
    out_console.print("\nIn Python:", highlight=False)
    line = f'import runner; study = runner.open_study("{study.path.as_posix()}")'
    out_console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _tell_audit(study: Study) -> None:
    from runner.study.store import Store

    audits = Store(study.path).audits()
    alike = [found for found in audits if found["alike"]]
    text = f"Audited: {len(alike):,} of {study.plan.n_batches:,} batches have the same bits again"
    same = sum(found["other_worker"] is False for found in alike)
    unknown = sum(found["other_worker"] is None for found in alike)
    text += f", {same:,} of them on the same worker, as there was no other" if same else ""
    text += f", {unknown:,} of them trained by an earlier run, who knows where" if unknown else ""
    skipped = [found for found in audits if found["alike"] is None]
    text += f"; {len(skipped):,} could not be: {skipped[-1]['reason']}" if skipped else ""
    out_console.print(Text(f"\n{text}."), soft_wrap=True)


def _print_summary(study: Study) -> None:
    from runner.cli.display import summary_table

    out_console.print(summary_table(study.summary, list(study.experiment.grid)))


@contextlib.contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Have Ctrl-C say how to go on."""
    from runner.errors.messages import printable

    where = printable(str(folder))
    interruption.how_to_go_on = f" What is committed stays in {where}; the same command goes on."
    yield
    interruption.how_to_go_on = ""


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn what a user can put right into a message and an exit code."""
    try:
        yield
    except RunnerError as error:
        err_console.print(Text(str(error)), soft_wrap=True)
        raise typer.Exit(error.exit_code) from None
    except BrokenPipeError:
        _close_stdout()
        raise typer.Exit(0) from None


def _close_stdout() -> None:
    """Let what is still in the buffer go nowhere: the reader of a pipe has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main() -> None:
    """Run the command line as a program of its own."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal that lacks a character gets a question mark, not a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            app(prog_name="python -m runner")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise  # not of the output
        _close_stdout()
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or type(error).__name__
            err_console.print(f"The output cannot be written: {reason}.", highlight=False)
            raise SystemExit(1) from None
