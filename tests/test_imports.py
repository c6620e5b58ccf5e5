"""The direction of imports, and how little `import runner` loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "runner").rglob("*.py"))

# From the ground up: a module imports from lines above its own, or from its own line.
LAYERS = [
    {"errors", "messages", "gates", "files", "slices", "luby", "versions", "certificates"},
    {"care", "progress"},
    {"csvtable", "overrides", "tomlfile", "network"},
    {"model", "layouts", "optimizers"},
    {"problems", "sections", "trusted"},
    {"settings", "grid", "step", "starts"},
    {"experiment", "engines", "engines.vectors", "engines.kept"},
    {"engines.line"},
    {"engines.memory"},
    {"engines.fusion"},
    {"engines.nests"},
    {"engines.loops"},
    {"engines.simd"},
    {"engines.graphs"},
    {"engines.pytensor", "engines.theano"},
    {"plan", "training", "labels", "shards", "tally", "symmetry", "terrain", "clusters", "codes"},
    {"newton"},
    {"curvature", "barriers", "minima"},
    {"convexity"},
    {"device", "preload", "preflight"},
    {"answers", "deadlines", "standing"},
    {"worker", "dispatcher", "inspection", "errands"},
    {"canaries", "commits"},
    {"dashboard"},
    {"store", "cluster", "slots", "watch"},
    {"damage", "audits", "cell"},
    {"findings", "window"},
    {"trainer"},
    {"tables", "variance"},
    {"references"},
    {"run", "display", "slicer", "analysis"},
    {"report.names", "report.words", "report.surface", "report.landscape_tables"},
    {"report.style", "report.findings", "report.report_tables"},
    {"report.restart_figures", "report.landscape_figures", "report.page"},
    {"report"},
    {"__init__"},
    {"__main__"},
]
ONLY_IN = {
    "pytensor": {
        f"engines.{name}" for name in ("pytensor", "loops", "line", "fusion", "nests", "graphs")
    },
    "theano": {"engines.theano"},
    "distributed": {"answers", "cluster", "dashboard"},
    "jax": {"engines.pytensor"},
    "llvmlite": {f"engines.{name}" for name in ("loops", "memory", "simd", "vectors")},
}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "runner").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path) -> None:
    rank = {name: k for k, layer in enumerate(LAYERS) for name in layer}
    module = module_of(path)
    assert module in rank, f"{module} is in no layer: add it to LAYERS"
    for name in imports(path):
        head, _, tail = name.partition(".")
        if head == "runner" and tail in rank:
            assert rank[tail] <= rank[module], f"{module} imports {tail}, which lies above it"
        if head in ONLY_IN:
            assert module in ONLY_IN[head], f"{module} imports {head}"


@pytest.mark.parametrize("module", ["runner", "runner.__main__"])
def test_importing_the_package_and_the_command_line_loads_nothing_heavy(module) -> None:
    code = f"import {module}, sys; print([m for m in sys.modules if '.' not in m])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("numpy", "pandas", "pyarrow", "dask", "pytensor", "jax", "pydantic"):
        assert f"'{heavy}'" not in loaded


def test_a_sweep_starts_without_pandas() -> None:
    code = "import runner.run, sys; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
