"""docs/notebooks: every block runs, in order, on fewer restarts; Jupyter reads the same cells."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

import runner

PAGES = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, scheduler, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)
    mpl.use("agg")
    session: dict[str, object] = {}
    shown = []
    for block in BLOCK.findall(path.read_text()):
        code = ast.parse(re.sub(r"^N = \d+$", "N = 40", block, flags=re.MULTILINE))
        last = code.body.pop() if isinstance(code.body[-1], ast.Expr) else None
        exec(compile(code, path.name, "exec"), session)  # noqa: S102  the page's own code
        if last is not None and isinstance(last, ast.Expr):
            value = ast.Expression(last.value)
            shown.append(eval(compile(value, path.name, "eval"), session))  # noqa: S307
    plt.close("all")
    assert shown
    study = session["study"]
    assert isinstance(study, runner.Study)
    assert study.complete
    assert study.n_done == 40 * len(study.plan.configurations)
