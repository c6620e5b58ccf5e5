"""Names that files take from the package are there: rooms hand them out late, so mypy sees none."""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Only where there is a GPU, or in Theano's own environment.
ELSEWHERE = ("theano", "cuda", "jax")


def taken_names(path: Path) -> set[tuple[str, str]]:
    """Every module of the package that a file imports from, with each name."""
    return {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "runner"
        for alias in node.names
    }


@pytest.mark.parametrize("folder", ["runner", "tests", "benchmarks", "docs"])
def test_every_name_taken_from_the_package_is_there(folder) -> None:
    taken = {name for path in (ROOT / folder).rglob("*.py") for name in taken_names(path)}
    assert taken
    assert not [f"{module}.{name}" for module, name in sorted(taken) if not is_there(module, name)]


def is_there(module: str, name: str) -> bool:
    try:
        return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None
    except ModuleNotFoundError as error:
        return (error.name or "").partition(".")[0] in ELSEWHERE
