"""A process that has imported what workers need, and forks them; for programs of the runner's own.

It changes the process for good, its environment and its start method, so the command line may
start it and a library call may not.
"""

from __future__ import annotations

import ast
import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing import forkserver, util
from typing import Any

from runner.cluster.caller_process import all_is_logged, sigint_blocked
from runner.cluster.freed_memory import MALLOC_VARIABLES, keep_freed_memory

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Set to 1: one computing thread per worker process, as the processes are the parallelism."""

_SHARED_MODULES = ("distributed.nanny", "runner.training.worker")
"""What this process needs as well."""

_WORKER_MODULES = ("llvmlite.binding", "pyarrow.compute", "numpy.ma", "numpy.random")

_running = False  # a process has at most one fork server, which `multiprocessing` keeps


def stay_forkable() -> None:
    """Have modules that are loaded from now on start no thread: what forks may have one only.

    For a program that is about to start a fork server. What the user has set stays.
    """
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")
    # pyarrow would have a thread for an allocator that it does not use
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")


def start_fork_server(*others: str) -> str | None:
    """Have another process import what workers need, from which an embedded cluster forks them.

    For a program that starts an embedded cluster next. The process is itself a fork of this one,
    with the modules that both need, where this one has a single thread (see `stay_forkable`);
    elsewhere it loads them anew. It sets the start method of `multiprocessing`. Does nothing where
    forking is not safe or there is no room for a socket: workers are then spawned.

    Parameters
    ----------
    *others : str
        Modules that workers will need besides those that train.

    Returns
    -------
    str or None
        Folder of the process' socket. It is removed when the program exits; one that ends by
        `os._exit` has to remove it.
    """
    global _running
    # before 3.11.1 any user of the machine could open the socket (CVE-2022-42919)
    if sys.platform != "linux" or sys.version_info < (3, 11, 1):
        return None
    # as Dask does before it spawns a worker: these are read when NumPy is loaded, or a process is
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    stay_forkable()
    multiprocessing.set_forkserver_preload([*_SHARED_MODULES, *_WORKER_MODULES, *others])
    try:
        with sigint_blocked(), _forked_from_here():
            forkserver.ensure_running()
    except OSError:  # the name of the socket is too long, or the temporary folder is full
        return None
    multiprocessing.set_start_method("forkserver", force=True)
    _running = True
    return str(util.get_temp_dir())


def is_running() -> bool:
    """Whether this process has started its fork server."""
    return _running


@contextmanager
def _forked_from_here() -> Iterator[None]:
    """Have the fork server forked from this process, with its modules, if it has one thread."""
    # what is loaded takes as long here as there, where it would be loaded a second time
    for name in _SHARED_MODULES:
        import_module(name)
    # a worker's log is its own, and not this process' that goes to the terminal
    if len(os.listdir("/proc/self/task")) > 1 or all_is_logged():
        os.environ.update(MALLOC_VARIABLES | os.environ)
        yield
        return
    spawn = util.spawnv_passfds

    def start(path: bytes, args: Sequence[Any], passfds: Sequence[int]) -> int:
        arguments = _arguments(args[-1])
        return spawn(path, args, passfds) if arguments is None else _fork(*arguments, passfds)

    util.spawnv_passfds = start
    try:
        yield
    finally:
        util.spawnv_passfds = spawn


def _fork(positional: Sequence[Any], named: Mapping[str, Any], passfds: Sequence[int]) -> int:
    """Run the fork server in a fork of this process that has no file open but these."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed, as by `>&-`
            stream.flush()  # or a worker would write it once more
    process = os.fork()
    if process:
        return process
    try:
        gc.freeze()  # looking through what is shared would copy it
        keep_freed_memory()
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor not in passfds:
                with suppress(OSError):  # that of the listing itself
                    os.close(descriptor)
        forkserver.main(*positional, **named)
    except SystemExit:  # its end
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _arguments(code: str) -> tuple[list[Any], dict[str, Any]] | None:
    """Return what the code of a process of its own calls the fork server's ``main`` with.

    Which arguments these are depends on the version of Python. None where the code is of another
    form than any version up to 3.14 has given it: then a process of its own runs it.
    """
    try:
        statement = ast.parse(code).body[-1]
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
            return None
        call = statement.value
        if not (isinstance(call.func, ast.Name) and call.func.id == "main"):
            return None
        named: dict[str, Any] = {}
        for keyword in call.keywords:
            value = ast.literal_eval(keyword.value)
            named |= value if keyword.arg is None else {keyword.arg: value}
        return [ast.literal_eval(each) for each in call.args], named
    except (SyntaxError, ValueError, TypeError, IndexError):
        return None
