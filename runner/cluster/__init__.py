"""Who computes: open a Dask client, check its workers, and count what they offer.

Comes in: an address, or nothing for this machine. Goes out: a client and the `WorkerPool` of its
workers by kind of device. It never knows what they are asked to compute.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "ClusterOptions": "runner.cluster.options",
        "WorkerPool": "runner.cluster.worker_pool",
        "make_certificates": "runner.cluster.certificates",
        "open_client": "runner.cluster.client",
    },
)
