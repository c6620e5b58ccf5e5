"""What a cluster needs of the process that calls the runner, and gives back afterwards."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker, spawn

# Dask sets these, as its configuration says, before it starts a worker's process.
_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_THRESHOLD_",
    "PYTHONHASHSEED",
    "__DASK_PARENT_PID",
)
_LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.nanny",
    "distributed.worker",
    "distributed.scheduler",
)
_WORKER_PROCESS = "Dask Worker process (from Nanny)"  # as Dask names them

_lock = threading.Lock()
_n_borrowers = 0
_to_give_back = ExitStack()


@contextmanager
def borrowed_process() -> Iterator[None]:
    """Let Dask use this process; leave it in the end as it was.

    Meanwhile

    - Dask's own log is silent: what a user has to know, the sweep says;
    - Dask sets environment variables before it starts workers, also in place of one that has died;
    - it draws from Python's generator of random numbers, `random`;
    - workers start without the caller's main module, so that a script needs no
      ``if __name__ == "__main__"``. By default a process that is spawned runs its parent's main
      module first. Dask sends the functions of that module by value, so its workers can do without.

    Notes
    -----
    Two threads may have a client each, and one of them may end first. So the first that comes
    saves what there is, and the last that goes restores it.
    """
    global _n_borrowers
    with _lock:
        if _n_borrowers == 0:
            for borrow in (
                _environment,
                _random_numbers,
                _start_method,
                _silent_dask,
                _workers_without_main,
            ):
                _to_give_back.enter_context(borrow())
        _n_borrowers += 1
    try:
        yield
    finally:
        with _lock:
            _n_borrowers -= 1
            if _n_borrowers == 0:
                _to_give_back.close()


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _VARIABLES}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _random_numbers() -> Iterator[None]:
    # Dask draws from Python's own generator, as often as connections and events come: a caller who
    # has set its seed would go on with other numbers after every run.
    before = random.getstate()
    yield
    random.setstate(before)


@contextmanager
def _start_method() -> Iterator[None]:
    # Whoever asks for the default start method has it fixed for the whole process.
    before = multiprocessing.get_start_method(allow_none=True)
    yield
    multiprocessing.set_start_method(before, force=True)


def all_is_logged() -> bool:
    """Whether the runner's log is asked for as a whole: then Dask's is too."""
    return logging.getLogger("runner").level == logging.DEBUG


@contextmanager
def _silent_dask() -> Iterator[None]:
    import distributed  # noqa: F401  (which sets levels of its own when it is loaded)

    if all_is_logged():
        yield
        return
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@contextmanager
def _workers_without_main() -> Iterator[None]:
    # There is no other way in: Dask makes the processes, and `multiprocessing` asks this function
    # what each of them needs. Processes of other names, as the caller may start, are not touched.
    complete = spawn.get_preparation_data

    def without_main(name: str) -> dict[str, object]:
        data: dict[str, object] = complete(name)
        if name == _WORKER_PROCESS:
            data.pop("init_main_from_path", None)
            data.pop("init_main_from_name", None)
        return data

    spawn.get_preparation_data = without_main
    yield
    spawn.get_preparation_data = complete


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Start threads and processes that never see Ctrl-C; here it arrives a moment later.

    A terminal sends it to every process of its group. The workers would die of it with a
    traceback each, while it is the client's to decide what happens.
    """
    # Python's tracker of semaphores is started first, as its start would lift the mask again, and
    # without its warning about what a process that is interrupted early leaves behind.
    option = "ignore:resource_tracker"
    sys.warnoptions.append(option)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(option)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
