"""``python -m runner init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_result
from runner.errors import ExperimentError
from runner.errors.messages import printable
from runner.errors.paths import local_path


def init(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE.toml]", help="Where to; nothing is overwritten.")
    ] = Path("experiment.toml"),
) -> None:
    """Write an experiment file to begin with: every field, what it means and its default.

    Beside it goes its schema, with which an editor completes and checks fields.

    Examples
    --------
    python -m runner init
    python -m runner init parity.toml
    """
    from runner.cli.commands.schema import schema_text
    from runner.experiment.fields.template import SCHEMA_FILE, template

    path = local_path(file, ExperimentError, "file")
    if path.suffix != ".toml":
        where = printable(str(path))
        message = f"{where}: the name ends in {path.suffix!r}; expected '.toml'."
        raise ExperimentError(f"{message} Try {printable(str(path.with_suffix('.toml')))}.")
    _write_new(path, template(path.name))
    beside = path.with_name(SCHEMA_FILE)
    if not beside.exists():
        _write_new(beside, schema_text())
    print_result(f"{path}: written. Train it with\n  python -m runner sweep {path}")


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    where = printable(str(path))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        message = f"{where}: the file is there already; expected a new one. Choose another name."
        raise ExperimentError(message) from None
    except OSError as error:
        raise ExperimentError(f"{where}: the file cannot be written: {error.strerror}.") from None
