#!/bin/sh
# DuckDB, pyarrow, Polars: of the seeds in a CSV file those beyond 2^63 make doubles of all, and no seed is what it was.
#
# Expected: seeds are unsigned integers of 64 bits, as NumPy's `entropy` or a hash gives them; a CSV file of them is read as integers, as by pandas
# (`uint64`), or refused.
# Seen: half of such seeds do not fit a signed integer of 64 bits. pyarrow's reader of CSV, and of JSON, then takes the column for doubles, the type that its list of
# types has next. DuckDB reads it as integers of 128 bits, but `df()`, `fetchnumpy()` and a Parquet file that it writes have doubles: of 200 seeds one is itself. One
# large seed is enough: the small ones beside it lose their last bits too. Polars has integers of 128 bits as well; what it writes as
# Parquet DuckDB reads as bytes, and pandas not at all.
# Versions: duckdb 2.0.1, pyarrow 26.0.1, polars 2.1.0, pandas 3.1.1, numpy 2.4.6, Python 3.11.
# Cost: a restart is repeated with the seed of the table, rounded to a multiple of 2,048: another start, and nothing says so; joins of two such
# tables by seed find nothing, or wrongly a neighbour. Name the type where a file is read, or keep seeds below 2^53, or as text.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0 pandas==3.1.1 numpy==2.4.6
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.json

seeds = [int(seed) for seed in np.random.default_rng(0).integers(2**64, size=200, dtype=np.uint64)]
small = [int(seed) for seed in np.random.default_rng(1).integers(2**60, size=199)]


def itself(values, written):
    return sum(int(value) == seed for value, seed in zip(values, written))


def write(name, written):
    with open(f"{name}.csv", "w") as file:
        file.write("seed,solved\n" + "".join(f"{seed},1\n" for seed in written))
    with open(f"{name}.json", "w") as file:
        file.write("".join(f'{{"seed": {seed}, "solved": 1}}\n' for seed in written))


print(" ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "polars", "pandas", "numpy")))
counts = {}
for name, written in (("seeds", seeds), ("one", [2**63 + 12345, *small]), ("small", small)):
    write(name, written)
    relation = duckdb.sql(f"from '{name}.csv'")
    relation.write_parquet(f"{name}.parquet")
    arrow = pa.csv.read_csv(f"{name}.csv")["seed"]
    ways = {
        "pandas": pd.read_csv(f"{name}.csv")["seed"],
        "polars": pl.read_csv(f"{name}.csv")["seed"],
        "duckdb fetchall": [row[0] for row in relation.fetchall()],
        "duckdb df": relation.df()["seed"],
        "duckdb fetchnumpy": relation.fetchnumpy()["seed"],
        "duckdb parquet": pd.read_parquet(f"{name}.parquet")["seed"],
        "pyarrow csv": arrow.to_pylist(),
        "pyarrow json": pa.json.read_json(f"{name}.json")["seed"].to_pylist(),
    }
    counts[name] = {way: itself(values, written) for way, values in ways.items()}
    print(f"  {name}, {len(written)} seeds, duckdb {relation.types[0]}, pyarrow {arrow.type}: " + ", ".join(f"{way} {count}" for way, count in counts[name].items()))
pl.read_csv("seeds.csv").write_parquet("polars.parquet")
kind = duckdb.sql("from 'polars.parquet'").types[0]
print(f"  Parquet file of Polars: {pl.read_parquet('polars.parquet')['seed'].dtype}, in DuckDB {kind}")
lost = ("duckdb df", "duckdb fetchnumpy", "duckdb parquet", "pyarrow csv", "pyarrow json")
kept = ("pandas", "polars", "duckdb fetchall")
ok = all(counts["seeds"][way] < 5 and counts["one"][way] < 20 and counts["small"][way] == 199 for way in lost)
raise SystemExit(0 if ok and all(counts[name][way] >= 199 for name in counts for way in kept) and str(kind) == "BLOB" else 1)
PYTHON
