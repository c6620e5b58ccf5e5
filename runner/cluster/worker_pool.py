"""The workers that can take batches, by kind of device, watched as they come and go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from runner.cluster.addresses import start_command
from runner.cluster.client import wait_for_workers
from runner.cluster.preflight import Inspection, inspect
from runner.engines.devices import KINDS
from runner.errors import ClusterError

_COUNT_S = 0.5  # how often workers are counted, at most
_GONE_S = 10.0  # after which tasks for a kind of device that has left go to the other kind

_MOST_INSPECTIONS = 8  # at a time

_log = logging.getLogger("runner")


class WorkerPool:
    """The workers of a cluster that may be given batches.

    A worker process takes one task at a time. It offers the resource CPU or GPU; where no worker
    offers either, all are taken for CPU workers, so that any Dask cluster will do.

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
    requirement : callable, optional
        Called, or awaited, on every worker that is inspected; raises ClusterError there if it does
        not fit.
    excuse : callable, optional
        Called here, in any thread, if one does not: whether that is no worker's fault, so that it
        may be given batches. What it raises ends the run.

    Notes
    -----
    What a worker goes through:

    1. *present*: the scheduler names it. From then on Dask may give it tasks.
    2. *inspected*: a thread asks it for its versions, as that may take long. One that joins late
       may get tasks meanwhile. Where the package is missing it refuses them
       (`TaskResult.refused`); whatever else it returns is believed only after the inspection and
       a canary, unless canaries are switched off.
    3. *dismissed*: a misfit, or one that the run does not believe any more. It gets no more tasks
       and is retired, which takes a while and may fail. So it stays in ``_dismissed`` for as long
       as it is present, and is retired again until it is gone. Meanwhile Dask itself would still
       give it any task that is for all workers of its kind, so as long as `leaving` is true tasks
       are sent to named workers.

    Not safe for threads: all methods are called from the client's main thread.
    """

    def __init__(
        self,
        client: Any,
        device: str = "auto",
        wait_s: float = 30.0,
        cpus_need_jax: Callable[[], bool] = lambda: True,
        requirement: Callable[[], object] | None = None,
        excuse: Callable[[], bool] = lambda: False,
    ) -> None:
        self.client = client
        self.device = device
        self.wait_s = wait_s
        self.counts: dict[str, int] = dict.fromkeys(self.kinds, 0)
        self._demands = (cpus_need_jax, requirement, excuse)
        self._offers: dict[str, str] = {}  # kind of device by address, of all that are present
        self._addresses: dict[str, list[str]] = {}  # of those that may be given batches, by kind
        self._ambiguous: list[str] = []  # those that offer both kinds
        self._tagged = False  # whether workers say which kind they are
        self._checked: set[str] = set()
        self._dismissed: set[str] = set()
        self._reported: set[str] = set()  # misfits that the log has named
        self._counted_at = float("-inf")
        self._last_seen = dict.fromkeys(self.kinds, time.monotonic())
        self._thread = ThreadPoolExecutor(_MOST_INSPECTIONS + 1, "preflight")
        self._inspections: dict[Future[Inspection], frozenset[str]] = {}
        self._retirement: Future[Any] | None = None

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

    def checked(self, kind: str) -> list[str]:
        """Return the addresses of those of a kind that have passed the inspection."""
        return [address for address in self.addresses(kind) if address in self._checked]

    def kind_of(self, address: str) -> str:
        """Return the kind of device that a worker offers."""
        return self._offers[address]

    def resources(self, kind: str) -> Mapping[str, float] | None:
        """Return what a task for a kind of device asks of its worker."""
        return {kind.upper(): 1} if self._tagged else None

    @property
    def leaving(self) -> bool:
        """Whether a dismissed worker is still there, and would take what it can get."""
        return not self._dismissed.isdisjoint(self._offers)

    def dismiss(self, address: str, reason: str) -> None:
        """Give a worker no more work, and have it closed."""
        if address not in self._dismissed:
            _log.warning("%s: sent away: %s.", address, reason)
        self._dismissed.add(address)
        for kind, addresses in self._addresses.items():
            if address in addresses:
                addresses.remove(address)
                self.counts[kind] -= 1

    def check(self) -> None:
        """Wait for a first worker, and inspect all that are there before they get work.

        Raises
        ------
        ClusterError
            If none comes in time, one runs other versions, or none offers what is asked for.
        """
        until = time.monotonic() + self.wait_s
        while True:
            if not self._count():
                wait_for_workers(self.client, self.wait_s)
                self._count()
            try:
                inspection = inspect(self.client, dict(self._offers), *self._demands)
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
        if inspection.misfits:
            message = (
                f"{self._where}: workers that are not fit for this client's work:\n"
                f"{inspection.text}\n"
                "Start workers and client from the same environment and checkout, or from one "
                "image; then run the same command again."
            )
            raise ClusterError(message)
        self._checked |= inspection.answered
        if self._ambiguous:
            message = (
                f"{self._where}: {self._ambiguous[0]} offers both CPU and GPU; expected one of "
                "them per worker process. Start one worker for each."
            )
            raise ClusterError(message)
        if not self.total:
            raise self._missing()

    def restrict(self) -> str:
        """Use workers of one kind alone, CPUs where there are any; return the kind."""
        if self.device == "auto":
            self.device = "cpu" if self.counts["cpu"] else "gpu"
            self._count()
        return self.device

    def refresh(self, *, needed: bool = True) -> None:
        """Count the workers anew, at most every half second, and inspect those that have joined.

        Parameters
        ----------
        needed : bool
            Whether there is anything left for workers to do, so that it is wrong if all have left.

        Raises
        ------
        ClusterError
            If the scheduler is lost for good, or no worker has been there for ``wait_s``.
        """
        now = time.monotonic()
        if now - self._counted_at < _COUNT_S:
            return
        connected = self.client.status == "running"
        if connected:
            self._count()
            self._inspect_joined()
            self._retire_dismissed()
        else:
            self._count_none()  # Dask tries to connect again by itself
        self._counted_at = time.monotonic()
        if not needed:
            self._last_seen = dict.fromkeys(self.kinds, self._counted_at)
        waited = not self.total and self._counted_at - max(self._last_seen.values()) > self.wait_s
        if self.client.status == "closed" or (waited and not connected):
            message = (
                f"{self._where}: the scheduler was lost. What is committed stays; run the same "
                "command again to continue."
            )
            raise ClusterError(message)
        if waited:
            message = (
                f"{self._missing()} There has been none for {self.wait_s:g} s; what is committed "
                "stays; run the same command again to continue."
            )
            raise ClusterError(message)

    def count_soon(self) -> None:
        """Have the next refresh count the workers, however soon it comes."""
        self._counted_at = float("-inf")

    def has_left(self, kind: str) -> bool:
        """Return whether a kind's tasks had better go to another kind, which is there."""
        gone_s = time.monotonic() - self._last_seen[kind]
        return not self.counts[kind] and self.total > 0 and gone_s > _GONE_S

    def close(self) -> None:
        """End the threads that inspect and retires workers."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _count(self) -> int:
        """Count the workers of each kind; return how many there are of any."""
        try:
            # Not `client.scheduler_info`: a timer of the client's fills it anew every two seconds,
            # with no workers, so that now and then there would seem to be none.
            identity = self.client.sync(self.client.scheduler.identity, n_workers=-1)
        except (OSError, AttributeError):
            # the connection is gone, which the client's own status will tell a moment later
            self._count_none()
            return 0
        workers = identity["workers"]
        offers = {address: _offer(w.get("resources") or {}) for address, w in workers.items()}
        self._ambiguous = [a for a, offer in offers.items() if offer == "both"]
        if workers:
            self._tagged = any(offers.values())
        self._offers = {a: o if self._tagged else "cpu" for a, o in offers.items()}
        self._addresses = {kind: [] for kind in self.kinds}
        for address, kind in self._offers.items():
            if kind in self._addresses and address not in self._dismissed:
                self._addresses[kind].append(address)
        self.counts = {kind: len(addresses) for kind, addresses in self._addresses.items()}
        self._last_seen |= {kind: time.monotonic() for kind, n in self.counts.items() if n}
        return len(workers)

    def _count_none(self) -> None:
        """Count no worker, but remember who was there: a scheduler that is back has them again."""
        self.counts = dict.fromkeys(self.kinds, 0)
        self._addresses = {}

    def _inspect_joined(self) -> None:
        """Inspect workers that have joined, in the background; send misfits away.

        Those that join while others are inspected do not wait for them: a worker whose file system
        does not show the client's folder answers after a minute only.
        """
        asked = set[str]().union(*self._inspections.values())
        known = self._checked | asked
        joined = {a: kind for a, kind in self._offers.items() if a not in known}
        if joined and len(self._inspections) < _MOST_INSPECTIONS:
            inspection = self._thread.submit(inspect, self.client, joined, *self._demands)
            self._inspections[inspection] = frozenset(joined)
        for done in [each for each in self._inspections if each.done()]:
            del self._inspections[done]
            self._inspected(done)

    def _inspected(self, done: Future[Inspection]) -> None:
        """Remember who has passed, and send misfits away."""
        try:
            inspection = done.result()
        except OSError:
            return  # the scheduler went away in between; they are asked again
        # a misfit that still holds a result stays a little longer, and is asked again
        self._checked |= inspection.answered - inspection.misfits
        if inspection.misfits:
            with suppress(OSError):  # with the scheduler; they are asked again
                self.client.retire_workers(
                    sorted(inspection.misfits), close_workers=True, remove=True
                )
            if inspection.misfits - self._reported:
                _log.warning("%s: sent workers away:\n%s", self._where, inspection.text)
            self._reported |= inspection.misfits

    def _retire_dismissed(self) -> None:
        """Have those closed, in the background, that were dismissed and are still there."""
        left = sorted(self._dismissed & self._offers.keys())
        if left and (self._retirement is None or self._retirement.done()):
            self._retirement = self._thread.submit(
                self.client.retire_workers, left, close_workers=True, remove=True
            )

    @property
    def _where(self) -> str:
        return str(getattr(self.client.scheduler, "address", "the cluster"))

    def _missing(self) -> ClusterError:
        offers = list(self._offers.values())
        names = {"cpu": "with CPU", "gpu": "with GPU", "both": "with both", "": "with neither"}
        there = [f"{offers.count(o)} {text}" for o, text in names.items() if o in offers]
        wanted = " or ".join(kind.upper() for kind in reversed(self.kinds))
        tag = self.kinds[-1].upper()
        drop = "" if self.device == "auto" else f", or drop device (--device) {self.device!r}"
        return ClusterError(
            f"{self._where}: no worker offers {wanted}. Workers: {', '.join(there) or 'none'}. "
            f"Start one with {start_command(self._where, tag)}{drop}."
        )


def _offer(resources: Mapping[str, float]) -> str:
    """Return the kind of device that a worker offers, ``both``, or an empty string."""
    offered = [kind for kind in KINDS if resources.get(kind.upper(), 0) >= 1]
    return "both" if len(offered) > 1 else "".join(offered)
