"""Dask's own configuration: where it is read from, the scheduler it names, and faults in it."""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.errors import ClusterError
from runner.errors.messages import printable, shown

_SCHEDULER = "scheduler-address"
_SUFFIXES = (".yaml", ".yml", ".json")
# what Dask raises, with whatever message, for a file of another form than it expects
_FAULTS = (AttributeError, KeyError, TypeError, ValueError)
_NEXT_STEP = "Correct it, or set DASK_CONFIG to a file or folder without it."


def configured_address() -> str | None:
    """Return the address of the scheduler that one of Dask's configuration files names.

    Raises
    ------
    ClusterError
        If Dask cannot read one of them.
    """
    # Loading Dask takes as long as all of a short command, so it has to be worth it.
    if "dask.config" not in sys.modules and not any(configuration_files()):
        return None
    check_configuration()
    import dask.config

    found = dask.config.get(_SCHEDULER, None) or dask.config.get(_SCHEDULER.replace("-", "_"), None)
    return str(found) if found else None


def configuration_files() -> Iterator[Path]:
    """Yield the files that Dask reads when it is loaded, but for those of comments alone."""
    system = os.environ.get("DASK_ROOT_CONFIG", "/etc/dask")
    places = [system, *(f"{prefix}/etc/dask" for prefix in (sys.prefix, *site.PREFIXES))]
    places += ["~/.config/dask", os.environ.get("DASK_CONFIG", "")]
    for place in dict.fromkeys(filter(None, places)):
        path = Path(place).expanduser()
        inside = (file for file in path.glob("*") if file.suffix.lower() in _SUFFIXES)
        yield from filter(_says_something, sorted(inside) if path.is_dir() else [path])


def _says_something(path: Path) -> bool:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:  # which Dask passes over, too
        return False
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in lines)


def check_configuration() -> None:
    """Read Dask's files and variables, as each of its processes does when it starts.

    Raises
    ------
    ClusterError
        If Dask cannot.
    """
    try:
        import dask.config

        dask.config.collect()
    except _FAULTS as error:
        text = str(error)
    else:
        return
    if " is malformed" in text:
        raise ClusterError(_malformed(text))
    raise ClusterError(_misplaced(text))


@contextmanager
def faults_of_configuration() -> Iterator[None]:
    """Blame Dask's configuration, where there is one, if Dask does not start.

    Raises
    ------
    ClusterError
    """
    try:
        yield
    except (*_FAULTS, RuntimeError) as error:
        files = _all_files()
        if not files:
            raise
        reason = printable(" ".join(str(error.args[0] if error.args else error).split()))
        message = (
            f"{files}: Dask does not start its cluster with this configuration ({reason}). Correct "
            "it, or set DASK_CONFIG to another; --verbose says where Dask stopped."
        )
        raise ClusterError(message) from error


def _malformed(text: str) -> str:
    """Return the message for a file that is not YAML, or no mapping, of what Dask says of it."""
    where, _, reason = text.partition(" is malformed")
    named = (printable(str(path)) for path in configuration_files() if repr(str(path)) in where)
    # PyYAML quotes the lines in question, further to the right
    lines = [line for line in reason.splitlines() if not line.startswith("    ")]
    reason = " ".join(" ".join(lines).replace('"<unicode string>", ', "").split())
    reason = reason.lstrip(" ,-").removeprefix("original error message:").strip(" :")
    return f"{next(named, where)}: Dask cannot read its configuration: {reason}. {_NEXT_STEP}"


def _misplaced(text: str) -> str:
    """Return the message for a value in place of a section."""
    try:
        import dask.config
    except _FAULTS:  # at one of the few sections that are read while Dask is loaded
        reason = printable(text)
        return f"{_all_files()}: Dask cannot read its configuration ({reason}). {_NEXT_STEP}"
    known = dask.config.merge(*dask.config.defaults)
    for path in configuration_files():
        for loaded in dask.config.collect_yaml([str(path)]):
            # some sections may be empty
            found = sorted(_not_sections(loaded, known), key=lambda named: named[1] is None)
            for name, value in found:
                field = f"{printable(name)} is {'empty' if value is None else shown(value)}"
                rule = "expected settings below it, further to the right"
                return f"{printable(str(path))}: {field}; {rule}. {_NEXT_STEP}"
    names = ", ".join(sorted(name for name in os.environ if name.startswith("DASK_")))
    return f"{names}: Dask cannot read its variables ({printable(text)}). Unset what is wrong."


def _all_files() -> str:
    return ", ".join(printable(str(path)) for path in configuration_files())


def _not_sections(
    given: Mapping[str, Any], known: Mapping[str, Any], above: str = ""
) -> Iterator[tuple[str, object]]:
    """Yield what is no section, but should be: dotted names and values."""
    for key, value in given.items():
        default = known.get(key)
        if isinstance(default, Mapping):
            if isinstance(value, Mapping):
                yield from _not_sections(value, default, f"{above}{key}.")
            else:
                yield f"{above}{key}", value
