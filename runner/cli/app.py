"""The command line as a whole: ``python -m runner``."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli import verbosity
from runner.cli.completion import answer_shell, install_completion, show_completion
from runner.cli.console import print_message, print_result
from runner.cli.deferred_command import group_of
from runner.errors import RunnerError

COMMANDS = {
    "init": "Write an experiment file to begin with: every field, what it means and its default.",
    "sweep": "Train every restart of an experiment; continue where an earlier run stopped.",
    "slice": "Sweep from a grid of starts over two weights, all others fixed; draw which lead "
    "where.",
    "report": "Write a study's report, one HTML file with figures and tables.",
    "analyze": "Add curvature, minima, barriers and verdicts to a study; continue where a run "
    "stopped.",
    "map": "Search for all minima and saddles of a study's loss, and for what joins them.",
    "list": "List the studies below a folder, as their plans and logs tell.",
    "status": "Print how far a study is.",
    "summary": "Print a study's summary, a row per configuration.",
    "compare": "Compare two studies: start by start where they have the same starts.",
    "verify": "Compare a study's files with its log, byte by byte.",
    "export": "Write a table to one file: by default every restart, with its final weights.",
    "push": "Copy what an object store lacks of a study; what is there opens at any moment.",
    "pull": "Copy what a folder lacks of a study in an object store, verified by the log.",
    "release": "Let others write a study in an object store whose client is gone for good.",
    "upgrade": "Rewrite a study of an earlier version in today's format; trains nothing.",
    "certificates": "Make the certificates of a cluster that speaks TLS.",
    "schema": "Print the JSON Schema of an experiment file, for editors.",
}
"""Every command by name, in the order of the help, and the first paragraph of its own help."""


def _with_exit_codes(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command end with a message and an exit code where a user can correct the cause."""

    @functools.wraps(command)
    def ending_well(**values: Any) -> None:
        try:
            command(**values)
        except RunnerError as error:
            verbosity.print_traceback(error)
            print_message(str(error))
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            _discard_stdout()
            raise typer.Exit(0) from None

    return ending_well


app = typer.Typer(
    cls=group_of(COMMANDS, _with_exit_codes),
    add_completion=False,  # `_whole` has these options, and shows their names in narrow terminals
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done; 1 other error; 2 wrong experiment or option; 3 study folder; "
    "4 cluster; 5 done, but some restarts failed, or more than --max-failures; 130 interrupted.",
)


def main() -> None:
    """Run the command line as a program of its own."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        try:
            answer_shell(_run)  # which ends the process
            _run()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise  # not of the output
        _discard_stdout()
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or type(error).__name__
            print_message(f"The output cannot be written: {reason}.")
            raise SystemExit(1) from None


def _run() -> None:
    """Run what was typed, called as it was called."""
    app(prog_name="runner" if Path(sys.argv[0]).stem == "runner" else "python -m runner")


def _print_version(asked: bool) -> None:
    """Print the version, and end."""
    if asked:
        package = sys.modules["runner"]  # of which a file of it knows its rooms only
        print_result(f"runner {package.__version__}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option(
            "--install-completion",
            metavar="",
            rich_help_panel="Completion with Tab",
            callback=install_completion,
            is_eager=True,
            help="Install it for this shell.",
        ),
    ] = False,
    show_completion: Annotated[
        bool,
        typer.Option(
            "--show-completion",
            metavar="",
            rich_help_panel="Completion with Tab",
            callback=show_completion,
            is_eager=True,
            help="Print the script that installs it.",
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            metavar="",
            help="Print what this process and its Dask log too, and where an error was raised.",
        ),
    ] = False,
) -> None:
    """Train small networks from many random starts and see how non-convex the problem is."""
    verbosity.set_verbose(verbose)


def _discard_stdout() -> None:
    """Send what is still in the buffer nowhere: the reader of the pipe has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
