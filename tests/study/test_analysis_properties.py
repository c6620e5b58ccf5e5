"""Every column of an analysis and of a map is explained where Python users look for it."""

from __future__ import annotations

import inspect
import re

import pytest

from runner.study.analysis_tables import ALL_TABLES, INDEX
from runner.study.study import Study


@pytest.mark.parametrize("name", ALL_TABLES)
def test_a_property_explains_every_column(name) -> None:
    text = inspect.getdoc(inspect.getattr_static(Study, name))
    words = set(re.findall(r"\w+", text))
    assert set(ALL_TABLES[name]) - words == set()
    # a list is an object to pandas
    dtypes = {d for column, d in ALL_TABLES[name].items() if column not in INDEX}
    assert {"list" if dtype == "object" else dtype for dtype in dtypes} <= words
