"""The command line as a whole: ``python -m runner``."""

from __future__ import annotations

import functools
import inspect
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli import verbosity
from runner.cli.commands.analyze import analyze
from runner.cli.commands.certificates import certificates
from runner.cli.commands.compare import compare
from runner.cli.commands.export import export
from runner.cli.commands.init import init
from runner.cli.commands.list import list_
from runner.cli.commands.map import map_
from runner.cli.commands.pull import pull
from runner.cli.commands.push import push
from runner.cli.commands.release import release
from runner.cli.commands.report import report
from runner.cli.commands.schema import schema
from runner.cli.commands.slice import slice_
from runner.cli.commands.status import status
from runner.cli.commands.summary import summary
from runner.cli.commands.sweep import sweep
from runner.cli.commands.upgrade import upgrade
from runner.cli.commands.verify import verify
from runner.cli.completion import answer_shell, install_completion, show_completion
from runner.cli.console import print_message, print_result
from runner.cli.option_groups import expand_groups
from runner.cli.usage_errors import Command
from runner.errors import RunnerError

COMMANDS: dict[str, Callable[..., None]] = {
    "init": init,
    "sweep": sweep,
    "slice": slice_,
    "report": report,
    "analyze": analyze,
    "map": map_,
    "list": list_,
    "status": status,
    "summary": summary,
    "compare": compare,
    "verify": verify,
    "export": export,
    "push": push,
    "pull": pull,
    "release": release,
    "upgrade": upgrade,
    "certificates": certificates,
    "schema": schema,
}
"""Every command by name, in the order of the help."""

_EXAMPLES = "\n\nExamples\n--------\n"

app = typer.Typer(
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


def _help_of(command: Callable[..., None]) -> tuple[str, str]:
    """Return what a command's help begins with, and the examples that end it: its docstring."""
    text, _, examples = inspect.cleandoc(command.__doc__ or "").partition(_EXAMPLES)
    return text, f"Examples:\n{examples}"


def _discard_stdout() -> None:
    """Send what is still in the buffer nowhere: the reader of the pipe has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


for _name, _command in COMMANDS.items():
    _help, _epilog = _help_of(_command)
    _register = app.command(_name, cls=Command, help=_help, epilog=_epilog)
    _register(_with_exit_codes(expand_groups(_command)))
