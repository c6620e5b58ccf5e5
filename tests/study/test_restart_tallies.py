"""Counts of endpoints that are read shard by shard, against pandas on all of them at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.study import restart_tallies
from runner.study.restart_tallies import step_quantiles, tallies

SCHEMA = pa.schema(
    {
        "configuration": pa.int32(),
        "restart": pa.int64(),
        "label": pa.string(),
        "solved": pa.bool_(),
        "steps": pa.int32(),
        "loss": pa.float64(),
    }
)


def endpoints(n: int, most: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    solved = rng.random(n) < 0.6
    return pd.DataFrame(
        {
            "configuration": rng.integers(0, 3, n),
            "restart": np.arange(n),
            "label": np.where(solved, "solved", rng.choice(["plateau", "diverged"], n)),
            "solved": solved,
            "steps": rng.integers(0, most + 1, n),
            "loss": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )


@given(
    n=st.integers(1, 60), most=st.integers(0, 20), seed=st.integers(0, 9), size=st.integers(1, 25)
)
def test_counts_are_those_of_all_rows_at_once(n, most, seed, size) -> None:
    frame = endpoints(n, most, seed)
    table = pa.Table.from_pandas(frame, SCHEMA, preserve_index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restart_tallies, "_MOST_ROWS", 10)  # adds partial counts up many times
        found = tallies(map(pa.table, table.to_batches(max_chunksize=size)))
    assert sorted(found) == sorted(frame["configuration"].unique())
    for configuration, mine in frame.groupby("configuration"):
        t = found[configuration]
        assert (t.n, t.n_solved) == (len(mine), mine["solved"].sum())
        for parity in (0, 1):
            half = mine[mine["restart"] % 2 == parity]
            for counts, rows in (
                (t.solved, half[half["solved"]]),
                (t.others, half[~half["solved"]]),
            ):
                want = rows["steps"].value_counts().reindex(t.steps, fill_value=0)
                assert counts[:, parity].tolist() == want.tolist()
        losses = mine.groupby("label")["loss"].agg(["size", "min", "max"])
        for label, row in losses.iterrows():
            np.testing.assert_array_equal(t.labels[label], row)
        for share in (0.0, 0.05, 0.5, 0.95, 1.0):
            assert t.quantile(share) == pytest.approx(mine["steps"].quantile(share))
            if t.n_solved:
                times = mine.loc[mine["solved"], "steps"]
                assert t.solved_quantile(share) == pytest.approx(times.quantile(share))


def test_nothing_has_no_counts() -> None:
    assert tallies([]) == {}


@given(n=st.integers(1, 40), most=st.integers(0, 20), seed=st.integers(0, 9), share=st.floats(0, 1))
def test_quantiles_of_all_configurations_are_those_of_each(n, most, seed, share) -> None:
    frame = endpoints(n, most, seed)
    found = tallies([pa.Table.from_pandas(frame, SCHEMA, preserve_index=False)])
    together = step_quantiles(found, [share, 0.5])
    assert list(together) == list(found)
    for configuration, mine in frame.groupby("configuration"):
        expected = mine["steps"].quantile([share, 0.5])
        np.testing.assert_allclose(together[configuration], expected, rtol=1e-12)
        assert together[configuration][0] == found[configuration].quantile(share)


def test_of_no_restart_there_are_no_quantiles() -> None:
    assert step_quantiles({}, [0.5]) == {}
