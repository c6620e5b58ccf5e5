"""Train every combination that an experiment file accepts, beside plain NumPy: `make every`."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import traceback
from functools import partial

from support.combinations import Combination, accepted, check, sample

from runner.engines.registry import ENGINES


def trained(engine: str, combination: Combination) -> str:
    """Train one; return what is wrong, or nothing."""
    try:
        check(engine, combination)
    except Exception:
        return f"{engine} {combination}\n{traceback.format_exc()}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--engine",
        choices=list(ENGINES),
        action="append",
        help="may be repeated; default: pytensor and pytensor-jax (pytensor-numba takes hours)",
    )
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--sample", action="store_true", help="few of them, which hold each choice")
    options = parser.parse_args()
    failed = 0
    for engine in options.engine or ["pytensor", "pytensor-jax"]:
        combinations, started = sample() if options.sample else accepted(), time.perf_counter()
        # processes are replaced, as they keep what they have compiled
        with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=40) as pool:
            wrong = [text for text in pool.imap(partial(trained, engine), combinations) if text]
        print("\n".join(wrong), end="")
        n, seconds = len(combinations), time.perf_counter() - started
        print(f"{engine}: {n - len(wrong)} of {n} combinations agree, {seconds:.0f} s", flush=True)
        failed += len(wrong)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
