"""What PyTensor and Theano say while they rewrite and compile: into our log, not onto a screen."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

_log = logging.getLogger("runner.engines")

# What is diverted belongs to the whole process. Two threads that set it and put it back in turns
# would leave one's diversion behind for ever.
_LOCK = threading.RLock()


@contextmanager
def diverted_output(library: str) -> Iterator[None]:
    """Divert a library's log, warnings and what it prints to standard error, for a while.

    All of it goes to the logger ``runner.engines`` at level DEBUG. Nothing else is touched: other
    threads' warnings and output stay theirs, filters of warnings hold, and what was there before
    comes back.

    Parameters
    ----------
    library : str
        The library's package, which is the name of its logger: ``pytensor`` or ``theano``.

    Notes
    -----
    PyTensor tells of a rewrite that has failed, and that it goes on without, as if the program had
    crashed: by its logger, and with ``print`` where a replacement does not fit. Whoever trains
    networks can do nothing about it, and the numbers are right.
    """
    with _LOCK, ExitStack() as diversions:
        diversions.enter_context(_records(library))
        diversions.enter_context(_warnings(library))
        diversions.enter_context(_standard_error(library))
        yield


class _Forwarding(logging.Handler):
    """Writes records into our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        _log.debug("%s: %s", record.name, record.getMessage())


@contextmanager
def _records(library: str) -> Iterator[None]:
    logger = logging.getLogger(library)
    before = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [_Forwarding()], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before


@contextmanager
def _warnings(library: str) -> Iterator[None]:
    thread, show = threading.get_ident(), warnings.showwarning

    def log(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if threading.get_ident() == thread:
            _log.debug("%s: %s: %s", library, category.__name__, message)
        else:
            show(message, category, *place, **more)

    warnings.showwarning = log
    try:
        yield
    finally:
        warnings.showwarning = show


class _StandardError:
    """Standard error that collects what one thread writes."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.collected: list[str] = []
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._thread:
            self.collected.append(text)
        elif self.stream is not None:
            self.stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def _standard_error(library: str) -> Iterator[None]:
    stand_in = _StandardError(sys.stderr)
    sys.stderr = stand_in
    try:
        yield
    finally:
        sys.stderr = stand_in.stream
        text = "".join(stand_in.collected).strip()
        if text:
            _log.debug("%s: %s", library, text)
