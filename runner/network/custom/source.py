"""A custom model's file: read and parsed here, never executed.

What the file must hold is in docs/model.md. Its parameters are declared by a literal, so that an
experiment can be planned, and its study read, without running a line of it.
"""

from __future__ import annotations

import ast
import re
from math import prod
from pathlib import Path
from typing import Final

from runner.errors import ExperimentError
from runner.errors.messages import listed, printable, shown
from runner.network.custom.model import CustomModel

MAX_BYTES: Final = 2**16
"""Largest file, bytes: its text travels with every task."""

MAX_PARAMETERS: Final = 1000
"""Largest number of parameters: each is a vector of its own in the graph."""

DECLARATION: Final = "PARAMETERS"
"""The name that declares the parameters."""

_EXAMPLE: Final = f'a literal such as {DECLARATION} = {{"w": 2, "b": 1}} or {{"W1": (2, 3)}}'
_NAME: Final = re.compile(r"[^:]+\.py:[A-Za-z_]\w*", re.ASCII)
_PARAMETER: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)


def check_name(text: str) -> str:
    """Return ``FILE.py:FUNCTION``; ValueError if the text is of another form."""
    if not _NAME.fullmatch(text):
        message = "no file and function"
        raise ValueError(message)
    return text


def read_source(name: str, directory: Path) -> str:
    """Read a model's file.

    Parameters
    ----------
    name : str
        ``FILE.py:FUNCTION``.
    directory : Path
        Where a relative file starts: the experiment file's folder.

    Raises
    ------
    ExperimentError
        If the file is missing, too large or not UTF-8.
    """
    path = directory / name.rpartition(":")[0]
    where = printable(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"{where}: cannot be read: {reason}; expected the file of network.model."
        raise ExperimentError(message) from None
    if len(content) > MAX_BYTES:
        message = f"{where}: the file is too large; expected at most {MAX_BYTES:,} bytes."
        raise ExperimentError(message)
    try:
        # line ends of another system are no other experiment
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"{where}: line {line} is not UTF-8; expected Python in UTF-8."
        raise ExperimentError(message) from None


def make_model(
    name: str, source: str, n_inputs: int, n_outputs: int, *, is_trusted: bool = False
) -> CustomModel:
    """Make a model of its file's text, without executing any of it.

    Parameters
    ----------
    name : str
        ``FILE.py:FUNCTION``.
    source : str
    n_inputs, n_outputs : int
        Columns of the truth table.
    is_trusted : bool
        Whether the client asked for it to be executed.

    Raises
    ------
    ExperimentError
        If it is no Python, or declares no parameters or no such function.
    """
    file, _, function = name.rpartition(":")
    where = printable(file)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        message = f"{where}: {line}{reason}; expected Python. Fix the file."
        raise ExperimentError(message) from None
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if function not in functions:
        has = listed(functions) if functions else "none"
        message = f"{where}: there is no function {function!r}; expected one of its own, has {has}."
        raise ExperimentError(message)
    shapes = _shapes(where, tree)
    return CustomModel(n_inputs, n_outputs, name, source, tuple(shapes), is_trusted)


def _shapes(where: str, tree: ast.Module) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes that the file declares."""
    found = [node for node in tree.body if _declares(node)]
    if not found:
        message = f"{where}: {DECLARATION} is missing; expected {_EXAMPLE}."
        raise ExperimentError(message)
    here = f"{where}: line {found[-1].lineno}: {DECLARATION}"
    try:
        declared = ast.literal_eval(found[-1].value)  # type: ignore[attr-defined]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        message = f"{here} is computed; expected {_EXAMPLE}."
        raise ExperimentError(message) from None
    if not isinstance(declared, dict) or not declared:
        message = f"{here} is {shown(declared)}; expected {_EXAMPLE}."
        raise ExperimentError(message)
    shapes = []
    for name, shape in declared.items():
        axes = shape if isinstance(shape, tuple) else (shape,)
        right = len(axes) in (1, 2) and all(
            type(n) is int and 1 <= n <= MAX_PARAMETERS for n in axes
        )
        if not isinstance(name, str) or not _PARAMETER.fullmatch(name) or not right:
            message = (
                f"{here} has {shown(name)}: {shown(shape)}; expected a name of letters, digits "
                "and _, and a number or two, such as 2 or (2, 3)."
            )
            raise ExperimentError(message)
        shapes.append((name, axes))
    size = sum(prod(axes) for _, axes in shapes)
    if size > MAX_PARAMETERS:
        message = f"{here} has {size:,} parameters; expected at most {MAX_PARAMETERS:,}."
        raise ExperimentError(message)
    return shapes


def _declares(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    else:
        return False
    return any(isinstance(t, ast.Name) and t.id == DECLARATION for t in targets)
