#!/bin/sh
# Parquet with NaN: pandas and pyarrow, DuckDB, and Polars count the rows of `x > 0.4` differently.
#
# Expected: one count, as the file is the same.
# Seen: of nine rows, three of them NaN and three above 0.4, pandas and pyarrow count 3, DuckDB 5 and
# Polars 6. DuckDB and Polars take NaN for the largest number, so Polars counts every NaN row; DuckDB
# skips the row group whose largest value in the footer, which leaves NaN out, is not above 0.4, and
# its NaN row with it. So its count depends on how rows were grouped when the file was written. With
# null in place of NaN all count 3.
# Versions: pyarrow 26.0.1, pandas 3.1.1, duckdb 2.0.1, polars 2.1.0, Python 3.11.
# Cost: whoever stores "no value" as NaN gets other tables from every tool.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    pyarrow==26.0.1 pandas==3.1.1 duckdb==2.0.1 polars==2.1.0
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import math

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

NAN = math.nan
# three row groups: all numbers at most 0.4, some above, all above
ROWS = [0.1, 0.2, NAN, 0.3, 0.6, NAN, 0.5, 0.7, NAN]


def counts(values):
    pq.write_table(pa.table({"x": pa.array(values, pa.float64())}), "x.parquet", row_group_size=3)
    return {
        "pandas": int((pd.read_parquet("x.parquet")["x"] > 0.4).sum()),
        "pyarrow, in memory": ds.dataset(pq.read_table("x.parquet")).count_rows(
            filter=ds.field("x") > 0.4
        ),
        "pyarrow, file": ds.dataset("x.parquet").count_rows(filter=ds.field("x") > 0.4),
        "duckdb": duckdb.sql("select count(*) from 'x.parquet' where x > 0.4").fetchall()[0][0],
        "polars": pl.scan_parquet("x.parquet").filter(pl.col("x") > 0.4).collect().height,
    }


with_nan = counts(ROWS)
with_null = counts([None if math.isnan(value) else value for value in ROWS])
for name in with_nan:
    print(f"{name:20} NaN: {with_nan[name]} rows, null: {with_null[name]} rows")
assert set(with_null.values()) == {3}
seen = {"pandas": 3, "pyarrow, in memory": 3, "pyarrow, file": 3, "duckdb": 5, "polars": 6}
raise SystemExit(0 if with_nan == seen else 1)
PYTHON
