#!/bin/sh
# h5netcdf: installed as it is, it can read and write nothing, and xarray counts it as an engine.
#
# Expected: `pip install xarray h5netcdf` is enough for `dataset.to_netcdf(..., engine="h5netcdf")`,
# as 1.7.3, which brings h5py.
# Seen: from 1.8 on h5py is one of two optional libraries. h5netcdf is listed by
# `xarray.backends.list_engines()`, and chosen where no engine is named, but writing is an
# ImportError that asks for h5py.
# Versions: h5netcdf 1.8.2 and 1.7.3, xarray 2026.9.0, Python 3.11.
# Cost: an environment that names h5netcdf alone loses netCDF with its next update; a package that
# writes such files has to name h5py itself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
cat > "$folder/write.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import xarray as xr

dataset = xr.Dataset({"loss": ("restart", np.arange(3.0))})
listed = "h5netcdf" in xr.backends.list_engines()
try:
    dataset.to_netcdf(sys.argv[1], engine="h5netcdf")
    outcome = "written"
except ImportError as error:
    outcome = f"ImportError: {error}"
print("h5netcdf", version("h5netcdf"), "| an engine of xarray:", listed, "|", outcome)
raise SystemExit(0 if listed and outcome.startswith(sys.argv[2]) else 1)
PYTHON
for version in "1.8.2 ImportError" "1.7.3 written"; do
    set -- $version
    "$folder/env/bin/pip" install -q --disable-pip-version-check \
        numpy==2.4.6 xarray==2026.9.0 "h5netcdf==$1"
    "$folder/env/bin/python" "$folder/write.py" "$folder/$1.nc" "$2"
done
