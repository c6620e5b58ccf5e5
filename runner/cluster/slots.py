"""The workers that can take batches, by kind of device, watched as they come and go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runner.cluster.client import start_command, wait_for_workers
from runner.cluster.preflight import ask_workers, mismatches, own, version_table, without_device
from runner.engines.devices import KINDS
from runner.errors import ClusterError

_LOOK_S = 0.5  # how often workers are counted, at most
_GONE_S = 10.0  # after which tasks for a kind of device that has left go to the other kind

_log = logging.getLogger("runner")


class Slots:
    """The workers of a cluster that may be given batches.

    A worker process is one slot. It offers the resource CPU or GPU; where no worker offers
    either, all are taken for CPU workers, so that any Dask cluster will do.

    Parameters
    ----------
    client : distributed.Client
    device : str
        One of `runner.cluster.options.DEVICES`.
    wait_s : float, seconds
        How long to wait for a worker: for the first one, and later where all have left.
    cpus_need_jax : callable
        Tells whether JAX may compute on CPU workers, so that they must have the client's version;
        asked only where one has not.
    """

    def __init__(
        self,
        client: Any,
        device: str = "auto",
        wait_s: float = 30.0,
        cpus_need_jax: Callable[[], bool] = lambda: True,
    ) -> None:
        self.client = client
        self._cpus_need_jax = cpus_need_jax
        self.device = device
        self.wait_s = wait_s
        self.counts: dict[str, int] = dict.fromkeys(self.kinds, 0)
        self._offers: dict[str, str] = {}
        self._two_faced: list[str] = []
        self._tagged = False
        self._checked: set[str] = set()
        self._sent_away: set[str] = set()
        self._dismissed: set[str] = set()
        self._farewell: Future[Any] | None = None
        self._addresses: dict[str, list[str]] = {}
        self._inspection: Future[_Verdict] | None = None
        self._inspector = ThreadPoolExecutor(1, "preflight")
        self._looked = float("-inf")
        self._seen = dict.fromkeys(self.kinds, time.monotonic())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that may be given batches."""
        return KINDS if self.device == "auto" else (self.device,)

    @property
    def total(self) -> int:
        """Workers that may be given batches now."""
        return sum(self.counts.values())

    @property
    def present(self) -> Set[str]:
        """Addresses of all workers that are there, as far as is known."""
        return self._offers.keys()

    def addresses(self, kind: str) -> list[str]:
        """Return the addresses of the workers of a kind that may be given batches now."""
        return self._addresses.get(kind, [])

    def fit(self, kind: str) -> list[str]:
        """Return the addresses of those that have been checked, too."""
        return [address for address in self.addresses(kind) if address in self._checked]

    def kind_of(self, address: str) -> str:
        """Return the kind of device that a worker offers."""
        return self._offers[address]

    @property
    def leaving(self) -> bool:
        """Whether a worker that was sent away is still there, and would take what it can get."""
        return not self._dismissed.isdisjoint(self._offers)

    def send_away(self, address: str, reason: str) -> None:
        """Give a worker no more work, and have it closed."""
        if address not in self._dismissed:
            _log.warning("%s: sent away: %s.", address, reason)
        self._dismissed.add(address)
        for kind, held in self._addresses.items():
            if address in held:
                held.remove(address)
                self.counts[kind] -= 1

    def resources(self, kind: str) -> Mapping[str, float] | None:
        """Return what a task for a kind of device asks of its worker."""
        return {kind.upper(): 1} if self._tagged else None

    def check(self) -> None:
        """Wait for a first worker, and check all that are there before they get work.

        Raises
        ------
        ClusterError
            If none comes in time, one runs other versions, or none offers what is asked for.
        """
        until = time.monotonic() + self.wait_s
        while True:
            if not self._look():
                wait_for_workers(self.client, self.wait_s)
                self._look()
            try:
                verdict = _inspect(self.client, dict(self._offers), self._cpus_need_jax)
                break
            except OSError as error:  # the scheduler has gone, and may come back
                if time.monotonic() > until or self.client.status == "closed":
                    reason = str(error) or type(error).__name__
                    message = (
                        f"{self._where}: the scheduler was lost ({reason}). Run the same command "
                        "again."
                    )
                    raise ClusterError(message) from None
                time.sleep(0.1)
        if verdict.misfits:
            message = (
                f"{self._where}: workers that are not fit for this client's work:\n{verdict.text}\n"
                "Start workers and client from the same environment and checkout, or from one "
                "image; then the same command goes on."
            )
            raise ClusterError(message)
        self._checked |= verdict.asked
        if self._two_faced:
            message = (
                f"{self._where}: {self._two_faced[0]} offers both CPU and GPU; expected one of "
                "them per worker process. Start one worker for each."
            )
            raise ClusterError(message)
        if not self.total:
            raise self._missing()

    def refresh(self) -> None:
        """Count the workers anew, at most every half second, and check those that have joined.

        Raises
        ------
        ClusterError
            If the scheduler is lost for good, or no worker has been there for ``wait_s``.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        connected = self.client.status == "running"
        if connected:
            self._look()
            self._check_joined()
            self._see_off()
        else:
            self._nobody()  # Dask tries to connect again by itself
        self._looked = time.monotonic()
        waited = not self.total and self._looked - max(self._seen.values()) > self.wait_s
        if self.client.status == "closed" or (waited and not connected):
            message = (
                f"{self._where}: the scheduler was lost. What is committed stays; run the same "
                "command again to go on."
            )
            raise ClusterError(message)
        if waited:
            message = (
                f"{self._missing()} There has been none for {self.wait_s:g} s; what is committed "
                "stays; run the same command again to go on."
            )
            raise ClusterError(message)

    def look_again(self) -> None:
        """Have the next refresh count the workers, however soon it comes."""
        self._looked = float("-inf")

    def has_left(self, kind: str) -> bool:
        """Return whether a kind's tasks had better go to another kind, which is there."""
        gone_s = time.monotonic() - self._seen[kind]
        return not self.counts[kind] and self.total > 0 and gone_s > _GONE_S

    def close(self) -> None:
        """End the thread that inspects workers."""
        self._inspector.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> int:
        """Count the workers of each kind; return how many there are of any."""
        try:
            # Not `client.scheduler_info`: a timer of the client's fills it anew every two seconds,
            # with no workers, so that now and then there would seem to be none.
            identity = self.client.sync(self.client.scheduler.identity, n_workers=-1)
        except (OSError, AttributeError):
            # the connection is gone, which the client's own status will tell a moment later
            self._nobody()
            return 0
        workers = identity["workers"]
        offers = {address: _offer(w.get("resources") or {}) for address, w in workers.items()}
        self._two_faced = [a for a, offer in offers.items() if offer == "both"]
        if workers:
            self._tagged = any(offers.values())
        self._offers = {a: o if self._tagged else "cpu" for a, o in offers.items()}
        self._addresses = {kind: [] for kind in self.kinds}
        for address, kind in self._offers.items():
            if kind in self._addresses and address not in self._dismissed:
                self._addresses[kind].append(address)
        self.counts = {kind: len(held) for kind, held in self._addresses.items()}
        self._seen |= {kind: time.monotonic() for kind, n in self.counts.items() if n}
        return len(workers)

    def _nobody(self) -> None:
        self.counts = dict.fromkeys(self.kinds, 0)
        self._addresses = {}

    def _check_joined(self) -> None:
        """Inspect workers that have joined, in the background; send misfits away."""
        if self._inspection is None:
            joined = {a: kind for a, kind in self._offers.items() if a not in self._checked}
            if joined:
                self._inspection = self._inspector.submit(
                    _inspect, self.client, joined, self._cpus_need_jax
                )
            return
        if not self._inspection.done():
            return
        inspection, self._inspection = self._inspection, None
        try:
            verdict = inspection.result()
        except OSError:
            return  # the scheduler went away in between; they are asked again
        # a misfit that still holds a result stays a little longer, and is asked again
        self._checked |= verdict.asked - verdict.misfits
        if verdict.misfits:
            with suppress(OSError):  # with the scheduler; they are asked again
                self.client.retire_workers(sorted(verdict.misfits), close_workers=True, remove=True)
            if verdict.misfits - self._sent_away:
                _log.warning("%s: sent workers away:\n%s", self._where, verdict.text)
            self._sent_away |= verdict.misfits

    def _see_off(self) -> None:
        """Have those closed, in the background, that were sent away and are still there."""
        left = sorted(self._dismissed & self._offers.keys())
        if left and (self._farewell is None or self._farewell.done()):
            self._farewell = self._inspector.submit(
                self.client.retire_workers, left, close_workers=True, remove=True
            )

    @property
    def _where(self) -> str:
        return str(getattr(self.client.scheduler, "address", "the cluster"))

    def _missing(self) -> ClusterError:
        held = list(self._offers.values())
        names = {"cpu": "with CPU", "gpu": "with GPU", "both": "with both", "": "with neither"}
        there = [f"{held.count(o)} {text}" for o, text in names.items() if o in held]
        wanted = " or ".join(kind.upper() for kind in reversed(self.kinds))
        tag = self.kinds[-1].upper()
        drop = "" if self.device == "auto" else f", or drop --device {self.device}"
        return ClusterError(
            f"{self._where}: no worker offers {wanted}. Workers: {', '.join(there) or 'none'}. "
            f"Start one with {start_command(self._where, tag)}{drop}."
        )


def _offer(resources: Mapping[str, float]) -> str:
    """Return the kind of device that a worker offers, ``both``, or an empty string."""
    offered = [kind for kind in KINDS if resources.get(kind.upper(), 0) >= 1]
    return "both" if len(offered) > 1 else "".join(offered)


@dataclass(frozen=True)
class _Verdict:
    """What an inspection of workers has found."""

    asked: frozenset[str]
    """Addresses of the workers that answered."""
    misfits: frozenset[str]
    """Addresses of those that must not get work."""
    text: str
    """Why, in lines."""


def _inspect(client: Any, offers: Mapping[str, str], cpus_need_jax: Callable[[], bool]) -> _Verdict:
    """Ask workers, by address with what they offer, for their versions and their GPU."""
    ours, theirs = own(), ask_workers(client, list(offers))
    strange = mismatches(ours, theirs)
    cpus = [a for a in strange if offers[a] in ("", "cpu")]
    not_with_jax = cpus if cpus and not cpus_need_jax() else []
    strange = mismatches(ours, theirs, not_with_jax)
    gpus = [a for a in theirs if offers[a] == "gpu" and a not in strange]
    lacking = without_device(client, gpus)
    lines = [f"  {address}: {reason}" for address, reason in lacking.items()]
    if strange:
        lines.append(version_table(ours, theirs, not_with_jax))
    return _Verdict(frozenset(theirs), frozenset([*strange, *lacking]), "\n".join(lines))
