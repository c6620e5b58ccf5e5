"""The rooms of the house, and how little `import runner` loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "runner").rglob("*.py"))

# From the ground up. A file imports from its own room and from rooms above it in this list.
ROOMS = [
    "errors",
    "network",
    "experiment",
    "engines",
    "training",
    "study",
    "cluster",
    "dispatch",
    "landscape",
    "mapping",
    "display",
    "precision",
    "report",
    "cli",
]
NUMBERS = {13: "thirteen", 14: "fourteen", 15: "fifteen"}
# Files of no room: what every room may use, and the doors of the house.
GROUND = {"lazy", "version"}
DOORS = {"__init__", "__main__", "preload"}

# Libraries that only these files or rooms import.
ONLY_IN = {
    "pytensor": {"engines.graphs", "engines.pytensor", "engines.simd"},
    "theano": {"engines.theano"},
    "jax": {"engines.jax_backend"},
    "cuda": {"engines.cuda_device"},
    "llvmlite": {"engines.simd"},
    "distributed": {"cluster"},
    "obstore": {"study.objects.object_store"},
    "typer": {"cli"},
    "matplotlib": {"report"},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "runner").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def room_of(module: str) -> str:
    return module.partition(".")[0]


MODULES = {module_of(path): path for path in FILES}


@cache
def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_imports(path: Path) -> set[str]:
    """Modules of the package that a file imports."""
    tails = {name.removeprefix("runner.") for name in imports(path) if name.startswith("runner.")}
    return {tail for tail in tails if tail in MODULES}


def test_the_house_of_contributing_has_these_rooms_in_this_order() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert re.findall(r"^    (\w+)/  ", text, re.MULTILINE) == ROOMS
    assert f"`runner/` has {NUMBERS[len(ROOMS)]} rooms" in text


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_rooms_import_only_towards_the_ground(path) -> None:
    module = module_of(path)
    assert room_of(module) in {*ROOMS, *GROUND, *DOORS}, f"{module} is in no room"
    for name in own_imports(path):
        room = room_of(name)
        if module in DOORS or room in GROUND:
            continue
        assert room in ROOMS, f"{module} imports {name}; expected the room that defines it"
        assert module not in GROUND, f"{module} imports {name}"
        higher = ROOMS.index(room) > ROOMS.index(room_of(module))
        assert not higher, f"{module} imports {name}, which lies above it"
    assert "runner" not in imports(path), "name the room"


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_has_a_circle(room) -> None:
    inside = {m: path for m, path in MODULES.items() if room_of(m) == room}
    graph = {m: own_imports(path) & inside.keys() - {m} for m, path in inside.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(inside)


def test_no_file_is_longer_than_one_reads() -> None:
    lengths = {module_of(path): len(path.read_text().splitlines()) for path in FILES}
    assert not {module: n for module, n in lengths.items() if n > 350}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_library_is_imported_where_it_belongs(path) -> None:
    module = module_of(path)
    for name in imports(path):
        places = ONLY_IN.get(name.partition(".")[0])
        if places is not None:
            inside = any(module == place or module.startswith(f"{place}.") for place in places)
            assert inside, f"{module} imports {name}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_and_hands_out_what_it_names(room) -> None:
    path = ROOT / "runner" / room / "__init__.py"
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    for words in ("Comes in:", "Goes out:"):
        assert words in text, f"{room} does not say what {words.lower()}"
    assert len(text.splitlines()) <= 9, f"{room} says too much"
    handed = import_module(f"runner.{room}")
    for name in getattr(handed, "__all__", ()):
        assert hasattr(handed, name), f"{room} hands out no {name}"


@pytest.mark.parametrize("module", ["runner", "runner.__main__", *(f"runner.{r}" for r in ROOMS)])
def test_importing_the_package_and_its_rooms_loads_nothing_heavy(module) -> None:
    code = f"import {module}, sys; print([m for m in sys.modules if '.' not in m])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("numpy", "pandas", "pyarrow", "dask", "pytensor", "jax", "pydantic", "typer"):
        assert f"'{heavy}'" not in loaded


def test_a_sweep_starts_without_pandas() -> None:
    code = "import runner.precision.sweep, sys; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_command_line_loads_nothing_that_takes_long() -> None:
    """Its help, and the line that completes a word, are of its declarations alone."""
    code = "import runner.cli.app, sys; print([m for m in sys.modules if '.' not in m])"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    slow = {"numpy", "pandas", "pyarrow", "dask", "distributed", "pydantic", "matplotlib", "scipy"}
    assert not slow & set(ast.literal_eval(done.stdout))
