"""A worker that is kept free for work that must be alone, so that its death has one cause."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from runner.cluster.client import connection_errors
from runner.cluster.slots import Slots
from runner.dispatch.watch import Watch

_POLL_S = 0.1  # how often workers are asked what they have to do


class Cell:
    """At most one worker of a run, which gets nothing new until it is idle.

    Parameters
    ----------
    client : distributed.Client
    slots : Slots
        The workers.
    watch : Watch
        Knows which of them are being restarted.
    """

    def __init__(self, client: Any, slots: Slots, watch: Watch) -> None:
        self.address: str | None = None
        self._client = client
        self._slots = slots
        self._watch = watch
        self._polled = float("-inf")

    def release(self) -> None:
        """Let the worker have work like the others again."""
        self.address = None

    def idle(self, avoid: Collection[str]) -> str | None:
        """Return the worker once it has nothing to do; the least busy one is chosen first.

        Parameters
        ----------
        avoid : collection of str
            Addresses of workers that had better not be it.

        Returns
        -------
        str or None
            Its address; None while it is busy, while nobody can be asked, and within a tenth of a
            second of the last call.
        """
        now = time.monotonic()
        if now - self._polled < _POLL_S:
            return None
        self._polled = now
        every = [a for kind in self._slots.kinds for a in self._slots.addresses(kind)]
        present = [a for a in every if a not in self._watch.restarting]
        if not present:
            return None
        fit = [a for a in present if a not in avoid] or present
        asked = [self.address] if self.address in fit else fit
        try:
            busy = self._client.processing(asked)
        except connection_errors():
            return None
        except KeyError:  # a worker has gone in between
            return None
        self.address = min(asked, key=lambda address: len(busy.get(address, ())))
        return None if busy.get(self.address) else self.address
