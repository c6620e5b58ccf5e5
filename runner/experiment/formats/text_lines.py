"""The lines of a table's file: bounded, decoded, and decompressed where it is gzip."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from runner.errors.messages import shown
from runner.errors.paths import why_no_file
from runner.experiment.formats.base import MAX_BYTES, TableProblems
from runner.experiment.formats.csv_hints import is_workbook

__all__ = ["text_lines"]

_MAX_LINE: Final = 2**20  # bytes
_GZIP: Final = b"\x1f\x8b"


def text_lines(source: Path | bytes, problems: TableProblems) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) of every line that is not blank, without its end.

    Parameters
    ----------
    source : Path or bytes
        A file, which may be gzip, or its content.
    problems : TableProblems

    Raises
    ------
    ExperimentError
        If the file cannot be read, has over `MAX_BYTES` or a line of over 1 MiB, or is not UTF-8.
    """
    try:
        with _opened(source, problems) as file:
            n_bytes = 0
            for line, raw in enumerate(iter(lambda: file.readline(_MAX_LINE + 1), b""), start=1):
                n_bytes += len(raw)
                if line == 1 and is_workbook(raw):
                    raise problems.stop("the file is a workbook; expected text. Save it as CSV.")
                if len(raw) > _MAX_LINE:
                    raise problems.stop(f"line {line} is over {_MAX_LINE:,} bytes long.")
                if n_bytes > MAX_BYTES:
                    text = f"the file has more than {MAX_BYTES:,} bytes when decompressed"
                    raise problems.stop(f"{text}; expected at most {MAX_BYTES:,}.")
                text = _decoded(line, raw, problems)
                if text.strip():
                    yield line, text
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise problems.stop(f"the file cannot be read: {_reason(error)}.") from None


def _opened(source: Path | bytes, problems: TableProblems) -> BinaryIO:
    """Open a file for reading; of gzip, what is in it."""
    if isinstance(source, bytes):
        size, file = len(source), cast("BinaryIO", io.BytesIO(source))
    else:
        if state := why_no_file(source):
            raise problems.stop(f"the file {state}; expected a CSV table (problem.table).")
        size, file = source.stat().st_size, cast("BinaryIO", source.open("rb"))
    if size > MAX_BYTES:
        file.close()
        raise problems.stop(f"the file has {size:,} bytes; expected at most {MAX_BYTES:,}.")
    is_gzip = file.read(2) == _GZIP
    file.seek(0)
    if not is_gzip:
        return file
    unpacked = gzip.GzipFile(fileobj=file)
    # Closes the file below with it, as `GzipFile` does of what it has opened itself.
    unpacked.myfileobj = file  # type: ignore[assignment]
    return cast("BinaryIO", unpacked)


def _decoded(line: int, raw: bytes, problems: TableProblems) -> str:
    """Return the text of one line, without its end."""
    try:
        text = raw.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        byte = shown(raw[error.start : error.start + 1])
        text = f"line {line} holds the byte {byte}; expected UTF-8 text. Save it as UTF-8."
        raise problems.stop(text) from None
    if "\0" in text:
        raise problems.stop(f"line {line} holds a NUL character; expected UTF-8 text.")
    if "\r" in text:
        raise problems.stop(f"line {line} holds a bare carriage return; expected LF or CRLF.")
    return text


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error).rstrip(".")
