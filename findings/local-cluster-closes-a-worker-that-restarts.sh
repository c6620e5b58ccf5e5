#!/bin/sh
# distributed: a LocalCluster closes a worker for good that its nanny is restarting.
#
# Expected: a worker process that dies is started again by its nanny, however often. The setting
# distributed.deploy.lost-worker-timeout, 15 s, is how long a worker may be away.
# Seen: the timeout runs from each death and is not ended by the worker's return. When it has
# passed, the cluster looks whether a worker of that name is there. A process that died a second
# time 13 s later, and is being started again, is not: its nanny is closed and dropped. No worker
# ever comes back, nothing is said at the usual level of messages, and what is submitted waits for
# ever. Here the timeout is 4 s and the second death comes 3.8 s after the first: so it takes less
# time. Whoever has tasks that now and then kill their process loses workers one by one.
# Versions: distributed 2026.8.0, Python 3.11.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check "distributed==2026.8.0"
cat > "$folder/show.py" <<'PYTHON'
import os
import time

import dask
import distributed

TIMEOUT_S = 4.0


def pid_of_worker(client, timeout_s):
    """The worker's process, or None if none answers in time."""
    try:
        return client.submit(os.getpid, pure=False).result(timeout=timeout_s)
    except TimeoutError:
        return None


def end_process(client):
    """End the worker's process, and wait until the scheduler knows."""
    os.kill(pid_of_worker(client, 60), 9)
    while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.workers)):
        time.sleep(0.01)
    return time.monotonic()


def comes_back(second_death_s):
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        first = end_process(client)
        pid_of_worker(client, 60)
        while time.monotonic() < first + second_death_s:
            time.sleep(0.01)
        end_process(client)
        time.sleep(10)  # the process that was being started may answer until it is closed
        return pid_of_worker(client, 20) is not None


if __name__ == "__main__":
    print("distributed", distributed.__version__)
    with dask.config.set({"distributed.deploy.lost-worker-timeout": TIMEOUT_S}):
        late = comes_back(TIMEOUT_S - 0.2)
        later = comes_back(TIMEOUT_S + 1)
    print(f"  dies {TIMEOUT_S - 0.2} s after its first death: a worker is there 10 s later: {late}")
    print(f"  dies {TIMEOUT_S + 1} s after it: {later}")
    raise SystemExit(0 if (late, later) == (False, True) else 1)
PYTHON
cd "$folder"
"$folder/env/bin/python" show.py
