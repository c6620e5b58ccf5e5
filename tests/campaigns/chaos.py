"""Kill processes of sweeps at random moments, go on, and compare every byte.

    make chaos ARGS="--victim client --trials 20 --seed 1"
    make chaos ARGS="--shared --trials 60"
    make chaos ARGS="--url --trials 60"
    make chaos ARGS="--url --shared --trials 60"

A trial is one sweep, of many small batches so that much of its time goes into commits: into a
folder, with ``--url`` into the tests' own S3 server; with ``--shared`` workers write shards there.
It is struck one to three times, by default by each of these in turn, ten trials or one for each of
them if these are more:

- ``client``: ``kill -9`` of the sweep's process, its cluster being elsewhere, after a random number
  of commits and a random pause; the same command goes on.
- ``embedded``: of the sweep's process with the scheduler and the nanny that live in it.
- ``worker``, ``nanny``, ``scheduler``: of a process of a cluster of its own, whose processes are
  started anew when they end, as by ``restart: unless-stopped``. The sweep has to go on by itself.
- ``operation``: the sweep's process ends at a random change of its folder or copy: between shard
  and log, in the middle of a line, while it notes what it has pushed; the same command goes on.
- ``written`` (``--shared``): a worker is killed when it has written a shard and told nobody.
- ``token`` (``--shared``, ``--url``): the token in ``staging/`` is removed or another's; the lease
  in the store is let go or another's. The sweep may refuse, and the same command goes on.
- ``request`` (``--url``): whoever makes a random request is killed, client or worker, before it is
  done or before it is answered.
- ``store`` (``--url``): it answers 500 or 503, once, three or forty times in a row; resets the
  connection before or after it has done what it was asked for, or in the middle of the answer; or
  does not answer. If the sweep refuses at all, the same command goes on.
- ``mixed``: two to five strikes, each by any of these but ``embedded``, at random.

Where the client of a URL dies, the same command goes on half of the time on another machine, which
has no copy, or an old one, after ``release``.

A trial fails if the sweep does not end, or refuses for nothing; if the log holds a batch twice, if
a file is not as the log says, if a restart was given up, if a lease or staged files are left, or if
any shard differs from those of an undisturbed sweep into a folder; with ``--url`` all that of the
copy and of what is pulled. The seed of a trial gives its moments again, as far as a machine's
timing can be repeated.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import dask
from campaigns import url_trials
from campaigns.trials import MIXED, SharedTrial, Trial

KINDS = {
    (False, False): Trial,
    (True, False): SharedTrial,
    (False, True): url_trials.UrlTrial,
    (True, True): url_trials.SharedUrlTrial,
}
"""By whether workers write, and whether into a URL."""


Kinds = dict[tuple[bool, bool], type[Trial]]


def asked(plain: type[Trial], kinds: Kinds | None) -> tuple[argparse.Namespace, type[Trial]]:
    """Return the options of the command line, complete, and what is tried by them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    found = [victim for kind in (plain, *(kinds or {}).values()) for victim in kind.victims]
    every = [*dict.fromkeys(found), MIXED]
    parser.add_argument("--victim", choices=every, action="append", help="default: all in turn")
    parser.add_argument("--trials", type=int, help="default: 10, or one for each victim if more")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-s", type=float, default=600.0, help="start no trial after this")
    if kinds:
        parser.add_argument("--shared", action="store_true", help="workers write the shards")
        parser.add_argument("--url", action="store_true", help="into a store, not a folder")
    options = parser.parse_args()
    work = kinds[options.shared, options.url] if kinds else plain
    allowed = sorted({*work.victims, MIXED})
    options.victim = options.victim or [*work.victims, MIXED]
    if others := sorted({*options.victim} - {*allowed}):
        parser.error(f"no victim here: {', '.join(others)}; expected {', '.join(allowed)}")
    if options.trials is None:
        options.trials = max(10, len(options.victim))
    return options, work


def outcome(tally: dict[str, list[int]]) -> tuple[list[str], int]:
    """Say how the trials of each victim ended; and the exit code, 0 if some ended and all well."""
    lines = [
        f"{victim}: {trials} trials, struck {hits}, refused {refused}, {failed} failed"
        if trials
        else f"{victim}: not tried"
        for victim, (trials, hits, refused, failed) in tally.items()
    ]
    tried, *_, failures = map(sum, zip(*tally.values(), strict=True))
    return lines, 0 if tried and not failures else 1


def main(plain: type[Trial], kinds: Kinds | None = None) -> int:
    options, work = asked(plain, kinds)
    victims = options.victim
    dask.config.set({"distributed.worker.multiprocessing-method": "fork"})
    os.environ.pop("DASK_SCHEDULER_ADDRESS", None)
    started, tally = time.monotonic(), {victim: [0, 0, 0, 0] for victim in victims}
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        log = Path(folder) / "log"
        work.compile_once()
        if kinds and options.url:
            url_trials.prepare(Path(folder))
        clean, most = undisturbed(plain, Path(folder) / "clean", log)
        for seed in range(options.seed, options.seed + options.trials):
            if time.monotonic() - started > options.most_s:
                break
            victim = victims[seed % len(victims)]
            trial = work(victim, random.Random(seed), Path(folder) / str(seed), log, most)
            hits, problem = trial.run(clean)
            counts = (1, hits, trial.refusals, bool(problem))
            tally[victim] = [a + b for a, b in zip(tally[victim], counts, strict=True)]
            also = f", refused {trial.refusals} times" if trial.refusals else ""
            print(f"seed {seed}: {victim} struck {hits} times{also}: {problem or 'same bytes'}")
            if problem or trial.refusals:
                print(*(f"{n} × {text}" for text, n in Counter(trial.struck).items()), sep="\n")
            if problem:
                print(log.read_text()[-20000:])
            sys.stdout.flush()
            log.unlink(missing_ok=True)
    lines, code = outcome(tally)
    print(*lines, sep="\n")
    return code


def undisturbed(work: type[Trial], out: Path, log: Path) -> tuple[dict[str, str], int]:
    """Make what all others are compared with; return its hashes, and how much was committed."""
    trial = work(None, random.Random(0), out, log, 1)
    if problem := trial.run({})[1]:
        sys.exit(f"{log.read_text()}\nundisturbed it failed: {problem}")
    return trial.hashes(), trial.made


if __name__ == "__main__":
    sys.exit(main(Trial, KINDS))
