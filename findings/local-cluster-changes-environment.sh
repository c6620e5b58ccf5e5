#!/bin/sh
# distributed: a LocalCluster of processes changes the environment of the process that starts it.
#
# Expected: variables for the workers are set in the workers.
# Seen: after the cluster is closed the parent's os.environ still has OMP_NUM_THREADS,
# MKL_NUM_THREADS and OPENBLAS_NUM_THREADS = 1, MALLOC_TRIM_THRESHOLD_, PYTHONHASHSEED and
# __DASK_PARENT_PID, so that every later child process, and every library that is loaded later,
# computes with one thread.
# Versions: distributed 2026.8.0, Python 3.11.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check "distributed==2026.8.0"
cat > "$folder/show.py" <<'PYTHON'
import os

import distributed

if __name__ == "__main__":
    before = dict(os.environ)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None):
        pass
    left = {name: value for name, value in os.environ.items() if before.get(name) != value}
    print("distributed", distributed.__version__)
    for name, value in sorted(left.items()):
        print(f"  {name}={value}")
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    raise SystemExit(0 if all(left.get(name) == "1" for name in threads) else 1)
PYTHON
cd "$folder"
env -u OMP_NUM_THREADS -u MKL_NUM_THREADS -u OPENBLAS_NUM_THREADS -u MALLOC_TRIM_THRESHOLD_ \
    "$folder/env/bin/python" show.py
