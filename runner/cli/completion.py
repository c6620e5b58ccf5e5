"""What a shell is offered when Tab is pressed: experiments, fields and their values."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import typer
from typer.completion import (  # type: ignore[attr-defined]
    completion_init,
    install_callback,
    show_callback,
)

from runner.cli.console import print_message, print_result

_INSTRUCTION: Final = "_RUNNER_COMPLETE"
_BASH: Final = "complete_bash"
_ZSH_FUNCTION: Final = Path(".zfunc") / "_runner"  # in the home folder, where Typer writes it
_ZSH_ANSWER: Final = '[[ $zsh_eval_context[-1] != loadautofunc ]] || _runner_completion "$@"'


def complete_experiment(incomplete: str) -> list[str]:
    """Return experiment files, and folders on the way to one."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    found = [f"{path}/" for path in entries if path.is_dir() and not path.name.startswith(".")]
    found += [str(path) for path in entries if path.suffix == ".toml"]
    return [path for path in found if path.startswith(incomplete)]


def complete_change(incomplete: str) -> list[str]:
    """Return ``path=`` for each field that may be set; of a whole path, its values."""
    from runner.experiment.grid.changes import SCALARS

    return _assignments(incomplete, SCALARS)


def complete_axis(incomplete: str) -> list[str]:
    """Return ``path=`` for each axis; of a whole path, its values, also behind a comma."""
    return _assignments(incomplete, ())


def _assignments(incomplete: str, scalars: tuple[str, ...]) -> list[str]:
    from runner.experiment.fields.sections import PATHS

    path, sign, written = incomplete.partition("=")
    if not sign:
        names = [name for name in (*scalars, *PATHS) if name.startswith(path)]
        # Of a single one the values too: a shell would put a space behind a single `path=`.
        values = _values(names[0]) if len(names) == 1 else []
        return [f"{names[0]}={value}" for value in values] or [f"{name}=" for name in names]
    before, comma, part = written.rpartition(",")
    values = [value for value in _values(path) if value.startswith(part)]
    return [f"{path}={before}{comma}{value}" for value in values]


def _values(path: str) -> list[str]:
    """Return values of a field: its names, true and false, or else its default."""
    from runner.experiment.fields.library_defaults import LIKES
    from runner.experiment.fields.meanings import default_of
    from runner.experiment.fields.rules import choices_of, rule_of
    from runner.experiment.fields.sections import SECTIONS

    section, _, field = path.partition(".")
    if path == "like":
        return list(LIKES)
    if section not in SECTIONS or field not in SECTIONS[section].model_fields:
        return []
    kind = SECTIONS[section]
    values = list(choices_of(kind, field))
    if "true or false" in rule_of(kind, field):
        values += ["true", "false"]
    default = default_of(kind, field)
    return values or ([] if default is None else [str(default).replace(" ", "")])


def answer_shell(answer: Callable[[], None]) -> None:
    """Have a program answer a shell that asks for completions, if one does.

    Bash splits words at equal signs, so it is asked and told of ``b`` where `answer` knows ``a=b``.
    """
    if os.environ.get(_INSTRUCTION) != _BASH:
        if _INSTRUCTION in os.environ:
            completion_init()
            answer()
        return
    completion_init()
    known = rejoin_words(os.environ).rpartition("=")
    written = io.StringIO()
    try:
        with contextlib.redirect_stdout(written):
            answer()
    finally:
        for line in written.getvalue().splitlines():
            print_result(line.removeprefix("".join(known[:2])))


def rejoin_words(environment: MutableMapping[str, str]) -> str:
    """Put words together again that bash has split: ``a``, ``=``, ``b`` is ``a=b``.

    Returns
    -------
    str
        The word that is to be completed.
    """
    words = environment.get("COMP_WORDS", "").split("\n")
    current = int(environment.get("COMP_CWORD", "0"))
    joined = words[:1]
    for before, word in itertools.pairwise(words[: current + 1]):
        if len(joined) > 1 and "=" in (before, word):
            joined[-1] += word
        else:
            joined.append(word)
    environment["COMP_WORDS"] = "\n".join(joined)
    environment["COMP_CWORD"] = str(len(joined) - 1)
    return joined[-1]


def install_completion(context: typer.Context, parameter: Any, asked: bool) -> None:
    """Write the script of this shell, and a line that loads it, into the home folder."""
    if asked:
        _require_command(context, "--install-completion")
        completion_init()
        try:
            install_callback(context, parameter, asked)
        finally:
            _answer_first_tab()


def _answer_first_tab() -> None:
    """Have zsh's script answer the Tab that loads it: Typer's only gets ready for the next."""
    path = Path.home() / _ZSH_FUNCTION
    script = path.read_text() if path.is_file() else ""
    if "_runner_completion" in script and _ZSH_ANSWER not in script:
        path.write_text(f"{script.rstrip()}\n{_ZSH_ANSWER}\n")


def show_completion(context: typer.Context, parameter: Any, asked: bool) -> None:
    """Print the script of this shell."""
    if asked:
        _require_command(context, "--show-completion")
        completion_init()
        show_callback(context, parameter, asked)


def _require_command(context: typer.Context, option: str) -> None:
    """Refuse what no shell could complete: it knows programs, not modules."""
    if context.find_root().info_name != "runner":
        print_message(
            f"{option}: completion is for the command `runner`; expected it in place of "
            "`python -m runner`. Install the package: `pip install .`."
        )
        raise typer.Exit(2)
