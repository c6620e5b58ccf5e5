"""What workers have found of endpoints, part by part, in one frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from runner.landscape.endpoint_sample import gathered


def parts(*, whole: bool) -> list[pd.DataFrame]:
    """Three frames of 5 to 7 rows; the restarts of the last one are whole numbers or not."""
    rng, made = np.random.default_rng(2), []
    for n in (5, 6, 7):
        columns = {f"x{i}": rng.normal(size=n) for i in range(4)}
        columns |= {"restart": np.arange(n) + (0 if whole or n < 7 else 0.5)}
        columns |= {"critical": rng.choice(["minimum", "saddle", "none"], n)}
        made.append(pd.DataFrame(columns))
    return made


@pytest.mark.parametrize("whole", [True, False])
def test_parts_are_joined_as_pandas_joins_them(whole: bool) -> None:
    given = parts(whole=whole)
    found = gathered(iter(given), 100)
    pd.testing.assert_frame_equal(
        found[given[0].columns], pd.concat(given, ignore_index=True), check_exact=True
    )


def test_no_part_is_no_row() -> None:
    assert not len(gathered(iter(()), 100))
