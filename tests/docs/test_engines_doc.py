"""What docs/engines.md says of `rprop` and saturation."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[2] / "docs"


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
