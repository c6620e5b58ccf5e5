"""Sweeps into a URL of which processes are killed, and whose store errs, for `chaos.py`."""

from __future__ import annotations

import os
from pathlib import Path

from campaigns.trials import BATCHES, Trial, fork, kill, lines
from support.faulty_store import ERRORS, FREE, KILLS, LEASES, OTHERS, Fault, FaultyStore
from support.s3_server import SECRET
from support.workers import hashes

from runner.cli.app import app
from runner.study.objects import object_store, url_copy
from runner.study.objects.copy import pull
from runner.study.objects.damage import find
from runner.study.objects.object_store import ObjectStore
from runner.study.objects.url_copy import copy_of, readable

TRIES = 5
"""How often a request is made before it is given up: what is shorter, a sweep has to get over."""

PLACES = ("here", "there")
"""Machines that a study is worked on, each with a copy of its own."""


def prepare(folder: Path) -> None:
    """Have what is forked from this process push often, and wait for a silent store not for long.

    Parameters
    ----------
    folder : Path
        Where copies are.
    """
    url_copy.INTERVAL_S = 0.1
    object_store.TIMEOUT_S = 5.0
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": SECRET}
    be_at(folder, PLACES[0])


def be_at(folder: Path, place: str) -> None:
    os.environ["RUNNER_CACHE_DIR"] = str(folder / place)


class UrlTrial(Trial):
    """One sweep into a URL, whose store is in a process of its own."""

    victims = (*Trial.victims, "request", "store", "token")
    requests = 80
    """About as many a sweep makes of its store."""

    def begin(self) -> None:
        self.url = f"s3://studies/{self.out.name}"
        self.told = self.out.with_suffix(".requests")
        self.faults = self._faults()
        server = FaultyStore(self.faults, self.told)
        os.environ["AWS_ENDPOINT_URL"] = server.url
        be_at(self.out.parent, PLACES[0])
        self.server = fork(self.log, server.serve_forever)
        server.server_close()  # it is that process's

    def _faults(self) -> list[Fault]:
        asked = {"request": KILLS, "store": ERRORS, "token": LEASES, "written": ("kill after",)}
        faults = []
        for of in self.kinds:
            if of not in asked:
                continue
            kind, written = self.rng.choice(asked[of]), of == "written"
            times = self.rng.choice((1, 3, 40)) if kind in ("500", "503", "reset") else 1
            at = self.rng.randint(1, BATCHES if written else self.requests)
            faults.append(Fault(kind, at, times, shards=written))
        return faults

    def close(self) -> None:
        kill(self.server)
        self.server.wait()

    @property
    def command(self) -> list[str]:
        return [*super().command[:-1], self.url]

    @property
    def folder(self) -> Path:
        return copy_of(self.url)

    @property
    def made(self) -> int:
        """Commits so far, also those whose shards are in the store only."""
        return super().made + lines(self.folder / ".objects.waiting.jsonl")

    @property
    def struck(self) -> list[str]:
        told = self.told.read_text().splitlines() if self.told.exists() else []
        return [line for line in told if line.startswith("!")]

    def died(self) -> None:
        """Go on in the same copy, or on another machine, which never sees that copy."""
        if self.rng.random() < 0.5:
            self._release()
            be_at(self.out.parent, self.rng.choice(PLACES))

    def _release(self) -> None:
        for _ in range(30):  # it may be killed, or the store refuse
            if fork(self.log, app, ["release", self.url]).wait() == 0:
                return
        raise SystemExit(f"{self.log.read_text()}\nthe lease could not be released")

    def excuses(self) -> bool:
        if "token" in self.kinds:
            self._release()
        lasting = sum(f.times for f in self.faults if f.kind in ERRORS) >= TRIES
        return (lasting or "token" in self.kinds) and self.refusals <= len(self.struck)

    def problem(self) -> str:
        self.hits += len(self.struck)
        FaultyStore.well(self.told).touch()
        code = fork(self.log, whole, self.url, self.out).wait()
        if code:
            return "what is in the store is not whole"
        if hashes(self.folder) != hashes(self.out):
            return "the copy is not what is in the store"
        return super().problem()


class SharedUrlTrial(UrlTrial):
    """One sweep whose workers write into the store."""

    victims = (*UrlTrial.victims, "written")
    requests = 140
    flags = ("--shared",)


def whole(url: str, out: Path) -> None:
    """Bring the copy up to date, pull into a folder, and see that this client has no lease."""
    readable(url)
    pull(url, out)
    objects = ObjectStore(url)
    lease = objects.get(".lock", 2**16)[0]
    if (found := find(objects)) or (lease != FREE and OTHERS.encode() not in lease):
        raise SystemExit(f"{found}, lease {lease!r}")
