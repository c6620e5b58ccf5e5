"""Where work runs, as one object that travels from a public function down to the Dask client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from runner.engines.devices import KINDS
from runner.errors import ClusterError
from runner.errors.keywords import is_integer, is_number

DEVICES = ("auto", *reversed(KINDS))
"""What may be asked for: both kinds of device as they are there, or one of them."""


@dataclass(frozen=True)
class ClusterOptions:
    """Where work runs: on a scheduler, or on an embedded cluster of this machine.

    Examples
    --------
    >>> ClusterOptions(workers=4).device
    'auto'
    >>> ClusterOptions(device="tpu")
    Traceback (most recent call last):
    runner.errors.exceptions.ClusterError: device (--device) is 'tpu'; expected \
'auto', 'gpu' or 'cpu'.
    """

    scheduler: str | None = None
    """Address of a Dask scheduler such as ``tls://host:8786``; by default ``scheduler_file``, then
    the environment variable ``DASK_SCHEDULER_ADDRESS``, and without these an embedded cluster,
    which listens on this machine only and ends with the work."""
    scheduler_file: str | Path | None = None
    """A file that `dask scheduler --scheduler-file` has written."""
    workers: int | None = None
    """Worker processes of the embedded cluster; by default one per usable core, or one for a GPU.
    """
    device: str = "auto"
    """Which workers to use: ``"auto"`` for all that there are, ``"cpu"`` or ``"gpu"``. An embedded
    cluster has GPU workers with ``"gpu"``, else CPU workers."""
    wait_s: float = 30.0
    """Seconds to wait for a scheduler and for a worker, later also for a lost one to come back."""
    insecure: bool = False
    """Whether an address on another machine may do without TLS."""
    shared: bool = False
    """Whether the workers of a sweep write their shards themselves: into the study's folder, which
    they must see under the client's path, as a file with a random token tells; or into the object
    store of a study at a URL. It changes nothing of an analysis or a map."""

    def __post_init__(self) -> None:
        """Raise ClusterError for the first value that is out of range."""
        problem = ""
        if self.scheduler is not None and self.scheduler_file is not None:
            problem = (
                "scheduler (--scheduler) and scheduler_file (--scheduler-file) are both given; "
                "expected one of them."
            )
        elif self.workers is not None and not (is_integer(self.workers) and self.workers >= 1):
            problem = f"workers (--workers) is {self.workers!r}; expected an integer >= 1."
        elif self.device not in DEVICES:
            problem = f"device (--device) is {self.device!r}; expected 'auto', 'gpu' or 'cpu'."
        elif not (is_number(self.wait_s) and self.wait_s >= 0):
            problem = f"wait_s (--wait) is {self.wait_s!r}; expected 0 seconds or more."
        if problem:
            raise ClusterError(problem)


class ClusterKeywords(TypedDict, total=False):
    """The fields of `ClusterOptions` as loose keywords of a public function."""

    scheduler: str | None
    scheduler_file: str | Path | None
    workers: int | None
    device: str
    wait_s: float
    insecure: bool
    shared: bool
