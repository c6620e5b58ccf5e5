#!/bin/sh
# Dask: the standard deviation by groups of losses that are nearly equal is 0, or missing.
#
# Expected: `frame.groupby("configuration")["loss"].std()` is what pandas gives, as `frame["loss"].std()` is.
# Seen: by groups the squares are summed and the square of the mean taken off, which leaves no digit where the deviation is 1e-8
# of the mean. Of 20 groups of losses 0.25 +- 1e-9 `std` is 0 for 15 and up to four times too large for others; `agg("std")` is missing
# for 9. At 1e-8 it is up to 11% off. Without groups it is right. ClickHouse's `stddevSamp` is no better, as its documentation says,
# which has `stddevSampStable`.
# Versions: dask 2026.8.0, pandas 3.1.1, chdb 4.4.0, numpy 2.4.6, Python 3.11.
# Cost: restarts on one plateau, or at one minimum, look as if all ended at the same number; a spread is divided by 0. Compute
# it of the differences from a number close to the mean, or with pandas.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check 'dask[dataframe]==2026.8.0' pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6 chdb==4.4.0
cat > "$folder/spread.py" <<'PYTHON'
import sys
from importlib.metadata import version

import chdb
import dask.dataframe as dd
import numpy as np
import pandas as pd

GROUPS = 20
print(*(f"{name} {version(name)}" for name in ("dask", "pandas", "chdb")))
off = {}
for spread in (1e-4, 1e-8, 1e-9):
    noise = np.random.default_rng(1).standard_normal((GROUPS, 500))
    frame = pd.DataFrame({"configuration": np.repeat(range(GROUPS), 500), "loss": 0.25 + spread * noise.ravel()})
    frame.to_parquet(sys.argv[1])
    exact = frame["loss"].to_numpy().reshape(GROUPS, -1).std(axis=1, ddof=1)
    tables = dd.from_pandas(frame, npartitions=4)
    groups = tables.groupby("configuration")["loss"]
    asked = "select configuration, {}(loss) s from file('{}') group by configuration order by configuration"
    found = {
        "pandas": frame.groupby("configuration")["loss"].std(),
        "dask std": groups.std().compute(),
        "dask agg": groups.agg(["std"]).compute()["std"],
        "dask of differences": tables.assign(loss=tables["loss"] - 0.25).groupby("configuration")["loss"].std().compute(),
        "stddevSamp": chdb.query(asked.format("stddevSamp", sys.argv[1]), "DataFrame")["s"],
        "stddevSampStable": chdb.query(asked.format("stddevSampStable", sys.argv[1]), "DataFrame")["s"],
    }
    whole = tables["loss"].std().compute() / frame["loss"].std()
    print(f"  0.25 +- {spread}: dask without groups, over pandas: {whole:.6f}")
    for name, values in found.items():
        values = values.sort_index().to_numpy(float)
        apart = np.abs(values / exact - 1)
        off[name, spread] = np.nanmax(apart) if np.isfinite(apart).any() else np.inf
        print(f"    {name}: {np.sum(values == 0)} of {GROUPS} are 0, {np.isnan(values).sum()} missing, "
              f"others up to {off[name, spread]:.1e} off")
right = all(off[name, 1e-9] < 1e-4 for name in ("pandas", "dask of differences", "stddevSampStable"))
wrong = all(off[name, 1e-9] > 0.5 and off[name, 1e-8] > 0.005 for name in ("dask std", "dask agg", "stddevSamp"))
raise SystemExit(0 if right and wrong and off["dask std", 1e-4] < 1e-4 else 1)
PYTHON
"$folder/env/bin/python" -W ignore "$folder/spread.py" "$folder/losses.parquet"
