"""What docs/engines.md says of `rprop` and saturation."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_of_agreement_has_all_networks_but_the_one_beside_it() -> None:
    text = " ".join((DOCS / "engines.md").read_text().split())
    cases = runpy.run_path(str(DOCS / "agreement.py"))["CASES"]
    table = [name for name in cases if f"| {name} | pytensor-jax |" in text]
    for engine in ("pytensor-numba", "theano"):
        assert table == [name for name in cases if f"| {name} | {engine} |" in text]
    assert (len(table), len(cases)) == (4, 5)
    assert "The table, of four of the five networks that these commands print" in text
    (beside,) = cases.keys() - set(table)
    assert f"A network of matrices, {beside.replace(', ', ' on the ', 1)} with" in text


@pytest.fixture
def saturation(monkeypatch):
    """The script that the document names, for a tenth of the steps."""
    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.delitem(sys.modules, "saturation", raising=False)
    import saturation

    monkeypatch.setattr(saturation, "STEPS", 500)
    return saturation


def test_units_that_do_not_saturate_exactly_are_why_more_is_solved(saturation) -> None:
    bound = 1 - 2.0**-52
    exact = saturation.plain(np.tanh)
    kept = saturation.plain(lambda z: np.clip(np.tanh(z), -bound, bound))
    assert kept - exact > 0.05
