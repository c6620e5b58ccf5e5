"""What a library says while it compiles is in our log, and on no screen; nothing else changes."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

import pytest

from runner.engines.library_output import diverted_output


def speak() -> None:
    logging.getLogger("pytensor.graph.rewriting.basic").error("Rewrite failure due to: %s", "it")
    print("<<!! BUG IN FGRAPH.REPLACE OR A LISTENER !!>>", file=sys.stderr)
    warnings.warn("Loop fusion failed", UserWarning, stacklevel=1)


@pytest.mark.filterwarnings("always:Loop fusion failed")
def test_log_print_and_warnings_are_in_our_log_at_debug(capfd, caplog) -> None:
    with caplog.at_level(logging.DEBUG, "runner.engines"), diverted_output("pytensor"):
        speak()
    assert capfd.readouterr() == ("", "")
    said = [r.getMessage() for r in caplog.records if r.name == "runner.engines"]
    assert said == [
        "pytensor.graph.rewriting.basic: Rewrite failure due to: it",
        "pytensor: UserWarning: Loop fusion failed",
        "pytensor: <<!! BUG IN FGRAPH.REPLACE OR A LISTENER !!>>",
    ]
    assert {r.levelno for r in caplog.records} == {logging.DEBUG}


def state() -> tuple[object, ...]:
    logger = logging.getLogger("pytensor")
    return sys.stderr, warnings.showwarning, list(logger.handlers), logger.propagate, logger.level


def test_all_is_as_before_after_an_exception_too() -> None:
    before = state()
    with pytest.raises(KeyError), diverted_output("pytensor"), diverted_output("theano"):
        raise KeyError
    assert state() == before


def test_other_threads_still_write_to_the_screen(capsys) -> None:
    def shout() -> None:
        print("from elsewhere", file=sys.stderr)

    with diverted_output("pytensor"):
        thread = threading.Thread(target=shout)
        thread.start()
        thread.join()
        print("from here", file=sys.stderr)
    assert capsys.readouterr().err == "from elsewhere\n"


def test_two_threads_leave_no_diversion_behind() -> None:
    before, inside = state(), threading.Barrier(2)

    def divert() -> None:
        inside.wait()
        for _ in range(200):
            with diverted_output("pytensor"):
                pass

    threads = [threading.Thread(target=divert) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state() == before
