"""Rows of a shard: a value that is none is null, so that every reader counts alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

import runner


@pytest.fixture(scope="module")
def study(client, tmp_path_factory):
    """Restarts that are solved, stuck at a level, and diverged."""
    content = {
        "name": "missing",
        "restarts": 300,
        "problem": {"gate": "XOR"},
        "network": {"activation": "relu", "output": "linear"},
        "loss": {"kind": "squared-error"},
        "training": {"max_steps": 1000},
        "grid": {"training.learning_rate": [0.05, 30.0]},
    }
    return runner.sweep(content, tmp_path_factory.mktemp("rows") / "s", client)


def test_what_is_missing_is_null_in_every_shard(study) -> None:
    shards = ds.dataset(sorted(map(str, (study.path / "shards").rglob("*.parquet"))))
    table = shards.to_table(columns=["loss", "gradient_norm", "weight_norm", "level", "label"])
    for name in ("loss", "gradient_norm", "weight_norm", "level"):
        assert not pc.any(pc.is_nan(table[name])).as_py()
    assert 0 < table["level"].null_count < len(table)


def test_readers_that_skip_by_the_footer_count_what_pandas_counts(study) -> None:
    paths = sorted(map(str, (study.path / "shards").rglob("*.parquet")))
    frames = pd.concat([pd.read_parquet(path) for path in paths])
    for name in ("level", "loss"):
        for bound in (0.1, 0.2, 0.4):
            expected = int((frames[name] > bound).sum())
            assert ds.dataset(paths).count_rows(filter=ds.field(name) > bound) == expected
            assert int((study.restarts[name] > bound).sum()) == expected


def test_tables_of_such_a_study_have_nan_where_nothing_is_known(study) -> None:
    restarts = study.restarts
    stuck = restarts["label"].isin(["plateau", "saturated"])
    np.testing.assert_array_equal(restarts["level"].notna(), stuck)
    assert (study.summary["n"] == 300).all()
    assert study.losses.xs("diverged", level="label")["n"].sum() > 0
