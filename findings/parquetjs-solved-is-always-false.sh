#!/bin/sh
# @dsnp/parquetjs: booleans of pages of version 2 are all read as false, and unsigned integers as signed ones.
#
# Expected: a table reads as pyarrow, pandas and hyparquet read it, whichever of its page versions a writer has chosen, or the reader says that it cannot.
# Seen: in pages of version 2 booleans are run-length encoded, and come back as false, every one, with nulls in their places; in pages of
# version 1 they are right. A `uint32` of 4,000,000,000 is -294967296, a `uint64` of 2^64 - 1 is -1, in both. Numbers, text and lists are right.
# Versions: @dsnp/parquetjs 1.8.9 (1.9.3 came without its code), hyparquet 1.33.0, Node.js 20.20.2; pyarrow 26.0.1, Python 3.11.
# Cost: of a table of restarts none is solved, and nothing says so; seeds and hashes do not match those of other programs. Write pages of version 1
# (`data_page_version="1.0"`, pyarrow's default) and signed integers, or read with hyparquet.
# Needs: node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund @dsnp/parquetjs@1.8.9 hyparquet@1.33.0 >/dev/null
"${PYTHON:-python3}" -m venv env
env/bin/pip install -q --disable-pip-version-check pyarrow==26.0.1
env/bin/python - <<'PYTHON'
import pyarrow as pa
import pyarrow.parquet as pq

print("  pyarrow", pa.__version__)
table = pa.table({
    "solved": pa.array([True, True, None, False, True, True]),
    "seed": pa.array([1, 4_000_000_000, None, 2**32 - 1, 0, 7], pa.uint32()),
    "hash": pa.array([1, 2**63, None, 2**64 - 1, 0, 7], pa.uint64()),
    "steps": pa.array([1, -1, None, 2**53 + 1, 0, 7], pa.int64()),
    "loss": pa.array([0.5, float("nan"), None, 1e-300, 0.0, 7.0]),
})
for page in ("1.0", "2.0"):
    pq.write_table(table, f"pages-{page}.parquet", data_page_version=page, compression="snappy")
    assert pq.read_table(f"pages-{page}.parquet")["solved"].to_pylist() == table["solved"].to_pylist()
PYTHON
cat > read.mjs <<'JS'
import { createRequire } from "node:module";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { readFileSync } from "node:fs";

const parquetjs = createRequire(import.meta.url)("@dsnp/parquetjs");

const text = (values) => values.map((value) => (Object.is(value, -0) ? "-0" : String(value))).join(", ");
const column = (rows, name) => text(rows.map((row) => row[name]));
for (const name of ["@dsnp/parquetjs", "hyparquet"]) console.log(" ", name, JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version);

const differ = {};
for (const page of ["1.0", "2.0"]) {
  const right = await parquetReadObjects({ file: await asyncBufferFromFile(`pages-${page}.parquet`) });
  const reader = await parquetjs.ParquetReader.openFile(`pages-${page}.parquet`);
  const cursor = reader.getCursor();
  const rows = [];
  for (let row = await cursor.next(); row; row = await cursor.next()) rows.push(row);
  await reader.close();
  differ[page] = Object.keys(right[0]).filter((name) => column(rows, name) !== column(right, name));
  for (const name of Object.keys(right[0]))
    console.log(`  pages ${page}, ${name}: parquetjs ${column(rows, name)}${differ[page].includes(name) ? `; hyparquet ${column(right, name)}` : " (and hyparquet)"}`);
  if (page === "2.0" && rows.some((row) => row.solved === true)) process.exit(1);
}
process.exit(differ["1.0"].join() === "seed,hash" && differ["2.0"].join() === "solved,seed,hash" ? 0 : 1);
JS
node read.mjs
