"""What a sweep on this machine needs of the process that calls it, and gives back."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
from multiprocessing import spawn
from pathlib import Path

import pytest

from runner.cluster.caller_process import borrowed_process

ROOT = Path(__file__).parents[2]
SMALL = {
    "name": "small",
    "restarts": 4,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}


def run(script: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script of its own, as a user would."""
    script.write_text(code)
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        cwd=script.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=250,
    )


STATE = """
import logging, multiprocessing, os, random, signal, sys, warnings
import dask, distributed, matplotlib
import numpy as np
import runner

def state():
    loggers = {
        name: (logger.level, logger.propagate, logger.disabled)
        for name, logger in logging.root.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    }
    return {
        "environment": dict(os.environ),
        "loggers": {n: loggers.get(n, (0, True, False)) for n in NAMES or loggers},
        "handlers": list(logging.root.handlers),
        "filters": list(warnings.filters),
        "options": list(sys.warnoptions),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "dask": repr(sorted(dask.config.config.items())),
        "random": (random.getstate(), repr(np.random.get_state())),
        "folder": os.getcwd(),
        "signals": {n: signal.getsignal(n) for n in signal.valid_signals() if n not in (9, 19)},
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "errors of NumPy": np.geterr(),
        "figures": (matplotlib.get_backend(), dict(matplotlib.rcParams)),
        "hooks": (sys.excepthook, sys.stdout, sys.stderr, warnings.showwarning),
    }

def sweep():
    study = runner.sweep(%r, sys.argv[1], workers=1)
    assert study.complete and not len(study.failures)

def analyze():
    runner.analyze(sys.argv[1], workers=1)

def map_landscape():
    runner.map_landscape(sys.argv[1], workers=1, searches=5, basin_side=0)

def read():
    study = runner.open_study(sys.argv[1])
    assert len(study.summary) == 1
    runner.write_report(study)

NAMES = ()
if __name__ == "__main__":
    # modules that are loaded on the way may add filters and loggers: they are loaded before
    import runner.dispatch.sweep, runner.study.study, distributed.nanny, distributed.deploy.local
    matplotlib.use("agg")
    for function in (sweep, analyze, map_landscape, read):
        with warnings.catch_warnings():
            os.environ["OMP_NUM_THREADS"] = "7"
            logging.getLogger("distributed.worker").setLevel(logging.ERROR)
            NAMES = ()
            before = state()
            NAMES = tuple(before["loggers"])
            function()
            after = state()
        if function is not sweep:  # what an analysis loads, SciPy, adds filters of its own
            after["filters"] = [f for f in after["filters"] if f in before["filters"]]
        for name, value in before.items():
            assert after[name] == value, (function, name, value, after[name])
    assert after["start method"] is None
    multiprocessing.set_start_method("spawn")  # raises if somebody has chosen one
    print("as it was")
"""


def test_a_sweep_and_what_follows_leave_the_process_as_it_was(tmp_path) -> None:
    done = run(tmp_path / "script.py", STATE % SMALL, tmp_path / "study")
    assert (done.returncode, done.stdout, done.stderr) == (0, "as it was\n", "")


def test_a_plain_script_needs_no_guard(tmp_path) -> None:
    code = f"""
import os, sys
print("script")
import runner
study = runner.sweep({SMALL!r}, sys.argv[1], workers=2)
print(len(study.restarts))
"""
    done = run(tmp_path / "plain.py", code, tmp_path / "study")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["script", "4"]  # the workers have not run it again


def test_a_script_whose_own_processes_run_it_again_is_told_what_to_add(tmp_path) -> None:
    code = f"""
import multiprocessing, sys
import runner
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()
else:
    try:
        runner.sweep({SMALL!r}, sys.argv[1], workers=1)
    except runner.ClusterError as error:
        print(error)
"""
    done = run(tmp_path / "again.py", code, tmp_path / "study")
    (line,) = done.stdout.splitlines()[:-1]
    assert 'Put what starts them under `if __name__ == "__main__":`.' in line


def state() -> tuple[object, ...]:
    return (
        dict(os.environ),
        logging.getLogger("distributed").level,
        multiprocessing.get_start_method(allow_none=True),
        spawn.get_preparation_data,
    )


@pytest.mark.parametrize("last", ["first to come", "second to come"])
def test_the_last_of_two_borrowers_gives_back_what_the_first_has_found(monkeypatch, last) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("__DASK_PARENT_PID", raising=False)
    before = state()
    first, second = borrowed_process(), borrowed_process()
    first.__enter__()
    os.environ |= {"OMP_NUM_THREADS": "1", "__DASK_PARENT_PID": "5"}
    second.__enter__()
    assert logging.getLogger("distributed").level == logging.CRITICAL
    order = (second, first) if last == "first to come" else (first, second)
    order[0].__exit__(None, None, None)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert logging.getLogger("distributed").level == logging.CRITICAL
    order[1].__exit__(None, None, None)
    assert state() == before


def set_and_fail() -> None:
    os.environ["__DASK_PARENT_PID"] = "5"
    raise ZeroDivisionError


def test_what_ends_with_an_error_is_given_back_too() -> None:
    before = state()
    with pytest.raises(ZeroDivisionError), borrowed_process():
        set_and_fail()
    assert state() == before
