"""What the documentation takes from the code when it is built: columns, command line, public names.

A page has a comment such as `<!-- from the code: columns -->` where `columns()` is put in.
`python docs/reference.py columns` prints it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

sys.path.insert(0, "")  # the folder that it is started in, as for `python -m`

import typer

import runner
from runner.cli.app import app
from runner.study.study import Study
from runner.study.tables.table_names import TABLES

MARK = re.compile(r"<!-- from the code: (\w+) -->")
SECTION = re.compile(r"^Columns\n-+\n(.+?)(?:\n\n|\Z)", flags=re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r": see `(?:runner\.study\.)?([\w.]+\.\w+)`")


class Column(NamedTuple):
    """A column, or several with one meaning."""

    names: str
    dtype: str
    unit: str
    meaning: str


def fill(source: list[str]) -> None:
    """Put what comes from the code in the places of a page that are marked."""
    source[0] = MARK.sub(lambda found: PARTS[found[1]](), source[0])


def columns_of(docstring: str) -> Iterator[Column]:
    """Read the section of a docstring that names a table's columns.

    A line is `names : dtype (unit), meaning`, all behind the names optional.
    """
    section = SECTION.search(inspect.cleandoc(docstring))
    if section is None:
        return
    lines = re.sub(r"\n\s+", " ", section[1].strip()).splitlines()
    for line in lines:
        names, _, rest = line.partition(" : ")
        dtype, unit, meaning = re.fullmatch(
            r"(?:((?:list of (?:\d+ )?)?[A-Za-z]+\d*)(?: \(([^)]*)\))?(?:[,;] |$))?(.*)", rest
        ).groups("")
        yield Column(names, dtype, unit, meaning)


def docstring_of(table: str) -> str:
    """What the property of `Study` for a table says, or the function that it names."""
    found = inspect.getdoc(getattr(Study, table)) or ""
    if elsewhere := ELSEWHERE.search(found):
        file, _, name = elsewhere[1].rpartition(".")
        if file == "statistics":
            file = f"{file}.{name}"
        function = getattr(import_module(f"runner.study.{file}"), name)
        found = inspect.getdoc(function) or ""
    return found


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def sentence(summary: str) -> str:
    """The first sentence of a docstring, which names what a function returns."""
    text = as_markdown(" ".join(summary.split())).removeprefix("Return ")
    return text[0].upper() + text[1:]


def as_markdown(text: str) -> str:
    """A docstring's words, whose marks of code are reStructuredText's."""
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def columns() -> str:
    """Every table of a study, and that of two, and what its columns are."""
    tables = {f"study.{name}": docstring_of(name) for name in TABLES}
    tables["compare(a, b).configurations"] = inspect.getdoc(runner.compare) or ""
    parts = []
    for name, docstring in tables.items():
        summary, _, _ = docstring.partition("\n\n")
        rows = [
            (f"`{c.names}`", c.dtype, c.unit, as_markdown(c.meaning)) for c in columns_of(docstring)
        ]
        parts += [f"### {name}", sentence(summary)]
        if rows:
            parts.append(table(("column", "dtype", "unit", "meaning"), rows))
    return "\n\n".join(parts)


def command_line() -> str:
    """Every command with its arguments, its options by panel and its examples."""
    group: Any = typer.main.get_command(app)
    parts = []
    for name, command in group.commands.items():
        called = f"```text\n{usage(name, command)}\n```"
        parts += [f"### {name}", called, " ".join(command.help.split())]
        rows = [option_row(p) for p in command.params if p.name != "help"]
        if rows:
            parts.append(table(("argument or option", "default", "meaning"), rows))
        examples = command.epilog.partition("Examples:\n")[2]
        parts.append(f"```text\n{examples.strip()}\n```")
    return "\n\n".join(parts)


def usage(name: str, command: Any) -> str:
    """How a command is written."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    words = [p.metavar if p.required else f"[{p.metavar}]" for p in arguments]
    return " ".join(["python -m runner", name, "[OPTIONS]", *words])


def option_row(parameter: Any) -> tuple[str, str, str]:
    """The row of an argument or option."""
    metavar = parameter.metavar or ""
    spellings = [metavar]
    if parameter.param_type_name == "option":
        spellings = [f"{name} {metavar}".strip() for name in parameter.opts]
    names = ", ".join(f"`{spelling}`" for spelling in spellings)
    shown = parameter.show_default
    default = shown if isinstance(shown, str) else ""
    value = getattr(parameter.default, "value", parameter.default)
    if shown is True and value is not None and value is not False:
        default = f"`{value}`"
    return names, default, parameter.help or ""


def api() -> str:
    """Directives for every public name of the package: functions, classes, errors."""
    found = {name: getattr(runner, name) for name in runner.__all__}
    errors = [n for n, o in found.items() if isinstance(o, type) and issubclass(o, Exception)]
    classes = [n for n, o in found.items() if isinstance(o, type) and n not in errors]
    functions = [n for n in found if n not in errors and n not in classes]
    lines = [".. currentmodule:: runner", ""]
    for title, names, directive, options in (
        ("Functions", functions, "autofunction", ()),
        ("Classes", classes, "autoclass", (":members:", ":inherited-members: BaseModel")),
        ("Errors", errors, "autoexception", ()),
    ):
        lines += [f".. rubric:: {title}", ""]
        for name in names:
            lines += [f".. {directive}:: {name}", *(f"   {option}" for option in options), ""]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def refer_to_columns(*event: Any) -> None:
    """Put a link in the place of a docstring's columns, which numpydoc would drop."""
    lines: list[str] = event[-1]
    text = "\n".join(lines)
    before, _, after = text.partition("\nColumns\n-------\n")
    if after:
        rest = SECTION.sub("", f"Columns\n-------\n{after}")
        lines[:] = f"{before}\nIts :doc:`columns </docs/columns>`.\n\n{rest}".splitlines()


PARTS = {"api": api, "columns": columns, "command_line": command_line}

if __name__ == "__main__":
    print(PARTS[sys.argv[1]]())
