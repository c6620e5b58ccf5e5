"""A study's arrays in one file or folder, for other programs: netCDF and Zarr."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.study import files

if TYPE_CHECKING:
    import xarray as xr

    from runner.study.study import Study

FORMATS: Final = {"netcdf": ".nc", "zarr": ".zarr"}
"""Formats, with the ending of their names; a ``.zarr`` is a folder."""


def export_arrays(
    study: Study, to: Path | IO[bytes], form: str, configurations: Collection[int] | None = None
) -> int:
    """Write the dataset of `Study.to_xarray` as netCDF-4, or as Zarr of format 3.

    Parameters
    ----------
    study : Study
    to : Path or binary file
        A netCDF file at this path is replaced, whole or not at all; a Zarr folder must not exist.
    form : str
        One of `FORMATS`.
    configurations : collection of int, optional
        The only ones to write; by default all.

    Returns
    -------
    int
        Number of restarts.

    Raises
    ------
    StudyError
        As by `Study.to_xarray`, or if nothing can be written there.
    """
    if form == "zarr":
        _check_new(to)
    dataset = study.to_xarray(configurations)
    if not isinstance(to, Path):
        to.write(bytes(dataset.to_netcdf(engine="h5netcdf")))
    else:
        try:
            _write(dataset, to, form)
        except OSError as error:
            raise not_written(to, error) from error
    return int((dataset["label"] != "").sum())


def not_written(path: Path, error: OSError) -> StudyError:
    """Return the error of a file or folder that cannot be written."""
    why = os.strerror(error.errno) if error.errno else error  # HDF5 words its own
    return StudyError(f"{printable(str(path))}: cannot be written: {why}.")


def _write(dataset: xr.Dataset, path: Path, form: str) -> None:
    if form == "netcdf":
        with files.replacing(path) as temporary:
            dataset.to_netcdf(temporary, engine="h5netcdf")
    else:
        with _new_folder(path) as temporary:
            _write_zarr(dataset, temporary)


def _write_zarr(dataset: xr.Dataset, folder: Path) -> None:
    with warnings.catch_warnings():
        # Consolidated metadata is no part of format 3, of which zarr warns. Others pass it over;
        # without it xarray is slower, and warns of that.
        warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
        dataset.to_zarr(folder, zarr_format=3, consolidated=True)


def _check_new(to: Path | IO[bytes]) -> None:
    if not isinstance(to, Path):
        message = "--to is -; expected the name of a folder, since Zarr's arrays are many files."
        raise StudyError(message)
    if to.exists():
        message = (
            f"{printable(str(to))}: is there; expected a new folder. Remove it, or name another."
        )
        raise StudyError(message)


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary path; the folder that is made there gets the name ``path``."""
    if not path.parent.is_dir():  # which Zarr would make
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    temporary = path.with_name(path.name + files.TEMPORARY)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        yield temporary
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    files.sync_folder(path.parent)
