#!/bin/sh
# R, data.table: of 100,000 numbers with the digits that are enough for the same bits, some ten come back one bit off.
#
# Expected: the shortest decimal that stands for one float64 (Python's `repr`, JavaScript, Polars, DuckDB and pandas write it) is that float64 again
# in `read.csv`, `scan`, `as.numeric` and `fread`.
# Seen: R adds up the digits in a long double and then scales it: `4.174434019557704e-05` is not the number it stands for. Of 100,000 numbers about
# 10 are the next float64, in all four; with 17 digits (`%.17g`), and read by jsonlite, none.
# Versions: R 4.2.2, data.table 1.14.8, jsonlite 1.8.4 of Debian 12, on x86-64.
# Cost: restarts whose losses are the same bits elsewhere differ here, a join on a number loses rows, and a check that two files hold
# the same results says that they do not. Write 17 digits, or hand over JSON or Parquet.
# Needs: R 4, apt-get, dpkg.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -q -o APT::Sandbox::User=root r-cran-data.table=1.14.8+dfsg-1 r-cran-jsonlite=1.8.4+dfsg-1 >/dev/null
for package in *.deb; do dpkg -x "$package" unpacked; done
"${PYTHON:-python3}" - <<'PYTHON'
import random
import struct

random.seed(1)
numbers = [random.gauss(0, 1) * 10 ** random.uniform(-6, 0) for _ in range(100_000)]
with open("numbers.bin", "wb") as bits, open("short.csv", "w") as short, open("long.csv", "w") as long:
    bits.write(struct.pack(f"<{len(numbers)}d", *numbers))
    short.write("".join(["x\n", *(f"{x!r}\n" for x in numbers)]))
    long.write("".join(["x\n", *(f"{x:.17g}\n" for x in numbers)]))
assert [float(line) for line in open("short.csv").read().split()[1:]] == numbers
PYTHON
cat > bits.R <<'R'
true <- readBin("numbers.bin", "double", 1e5)
cat(R.version.string, "data.table", as.character(packageVersion("data.table")),
    "jsonlite", as.character(packageVersion("jsonlite")), "\n")
readers <- list(read.csv = function(file) read.csv(file)$x,
                scan = function(file) scan(file, skip = 1, quiet = TRUE),
                as.numeric = function(file) as.numeric(readLines(file)[-1]),
                fread = function(file) data.table::fread(file)$x,
                jsonlite = function(file) jsonlite::fromJSON(paste0("[", paste(readLines(file)[-1], collapse = ","), "]")))
off <- sapply(readers, function(read) sapply(c("short.csv", "long.csv"), function(file) sum(read(file) != true)))
print(off)
apart <- max(abs(readers$read.csv("short.csv") / true - 1))
cat("largest relative difference", apart, "\n")
shortest <- off["short.csv", ]
seen <- all(shortest[c("read.csv", "scan", "as.numeric")] > 0) && shortest["fread"] > 0 && shortest["jsonlite"] == 0 &&
    all(off["long.csv", c("read.csv", "scan", "as.numeric", "jsonlite")] == 0) && apart < 3e-16
quit(status = as.integer(!seen))
R
R_LIBS="$(echo "$folder"/unpacked/usr/lib/R/*library*)" Rscript --vanilla bits.R
