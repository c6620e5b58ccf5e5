#!/bin/sh
# DuckDB: lists with a null come to pandas as masked arrays, of which np.stack makes zeros.
#
# Expected: NaN in the place of a null, as pandas and Polars give it of the same file, and as DuckDB
# itself gives it for a column of numbers and by way of Arrow.
# Seen: `df()` has a numpy.ma.MaskedArray in each row whose list holds a null, and an ndarray in all
# other rows. np.stack, np.asarray and np.concatenate drop the mask without a word: the null is 0.
# Versions: duckdb 2.0.1, numpy 2.4.6, pandas 3.1.1, pyarrow 26.0.1, polars 2.1.0, Python 3.11.
# Cost: vectors with a missing component (weights, embeddings, spectra) get a zero that looks measured.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    duckdb==2.0.1 numpy==2.4.6 pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

x = pa.array([[1.0, None], [5.0, 6.0]], pa.list_(pa.float32()))
pq.write_table(pa.table({"x": x}), "x.parquet")
relation = duckdb.sql("select * from 'x.parquet'")
read = {
    "pandas": np.stack(pd.read_parquet("x.parquet")["x"]),
    "polars": pl.read_parquet("x.parquet")["x"].list.to_array(2).to_numpy(),
    "duckdb, by Arrow": np.stack(relation.to_arrow_table().to_pandas()["x"]),
    "duckdb, df()": np.stack(relation.df()["x"]),
}
for name, values in read.items():
    print(f"{name:18} {values.tolist()}")
missing = {name: bool(np.isnan(values[0, 1])) for name, values in read.items()}
zero = read["duckdb, df()"][0, 1] == 0
raise SystemExit(0 if zero and missing.pop("duckdb, df()") is False and all(missing.values()) else 1)
PYTHON
