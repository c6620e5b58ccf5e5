from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from runner.cluster.addresses import check_address, is_embedded, scheduler_address
from runner.cluster.certificates import make_certificates
from runner.cluster.client import open_client
from runner.cluster.handshake import require_handshake
from runner.cluster.options import ClusterOptions
from runner.errors import ClusterError

ROOT = Path(__file__).parents[2]


def cluster_over_tcp(**options) -> LocalCluster:
    """One worker, a thread of this process, reached as one elsewhere is."""
    return LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        **options,
    )


@pytest.mark.parametrize(
    "address",
    [
        *("tls://10.0.0.5:8786", "wss://host:1", "inproc://10.0.0.5/1/2"),
        *("tcp://127.0.0.1:8786", "tcp://127.1.2.3:8786", "127.0.0.1:8786", "localhost:8786"),
        *("tcp://[::1]:8786", "tcp://localhost:8786", "ws://localhost:8786"),
    ],
)
def test_addresses_that_nobody_else_can_listen_to(address) -> None:
    check_address(address, insecure=False)


@pytest.mark.parametrize(
    "address",
    [
        *("tcp://10.0.0.5:8786", "10.0.0.5:8786", "scheduler:8786", "tcp://scheduler:8786"),
        *("tcp://0.0.0.0:8786", "ws://host:1", "ucx://10.0.0.5:1", "tcp://[2001:db8::1]:8786"),
        *("localhost.example.org:8786", "tcp://127.0.0.1.example.org:1", "tcp://x@10.0.0.5:1"),
    ],
)
def test_other_machines_need_tls_or_a_word(address) -> None:
    with pytest.raises(ClusterError, match=r"without TLS; expected tls://.*--insecure"):
        check_address(address, insecure=False)
    check_address(address, insecure=True)


def test_a_plain_address_is_refused_before_anything_is_sent() -> None:
    # nothing listens there: a connection would fail otherwise, and later
    with (
        pytest.raises(ClusterError, match="expected tls://"),
        open_client(ClusterOptions("tcp://192.0.2.1:8786", wait_s=60)),
    ):
        pass


@pytest.mark.parametrize("threads", [0, 1])  # with one the fork server is no fork itself
def test_workers_are_forked_from_a_process_that_has_their_modules(tmp_path, threads) -> None:
    code = """if __name__ == "__main__":
    import os, signal, sys, threading
    from runner.cluster.client import open_client
    from runner.cluster.fork_server import start_fork_server
    from runner.cluster.options import ClusterOptions
    for _ in range(int(sys.argv[2])):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    mine = sys.argv[1]
    opened = open(mine, "w")
    print("once", end="")
    start_fork_server()
    start_fork_server()  # changes nothing
    def seen():
        names = ("runner.training.worker", "pandas", "jax")
        loaded = [name for name in names if name in sys.modules]
        masked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        parent = os.getppid()
        files = [os.readlink(f"/proc/{parent}/fd/{n}") for n in os.listdir(f"/proc/{parent}/fd")]
        return loaded, os.environ["OMP_NUM_THREADS"], masked, parent, mine in files
    with open_client(ClusterOptions(workers=2)) as client:
        first, second = client.run(seen).values()
        assert first == second
        assert first[:3] == (["runner.training.worker"], "1", True)
        assert first[3] != os.getpid()
        assert not first[4]
        theirs, ours = (open(f"/proc/{n}/cmdline").read() for n in (first[3], os.getpid()))
        assert (theirs == ours) == (sys.argv[2] == "0")
        assert len(os.listdir(f"/proc/{first[3]}/task")) == 1  # to fork more would not be safe
        victim = client.submit(os.getpid).result()
        os.kill(victim, signal.SIGKILL)
        while len(pids := client.run(os.getpid, on_error="ignore")) < 2 or victim in pids.values():
            pass
        assert list(client.run(seen).values()) == [first, first]
"""
    words = [sys.executable, "-c", code, str(tmp_path / "mine"), str(threads)]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"once"  # and the pipe is closed: nothing that was started lives on


def test_workers_are_spawned_where_there_is_no_room_for_a_socket(tmp_path) -> None:
    folder = tmp_path / ("x" * 100)  # longer than a socket's name may be
    folder.mkdir()
    code = """if __name__ == "__main__":
    import os
    from runner.cluster.client import open_client
    from runner.cluster.fork_server import start_fork_server
    from runner.cluster.options import ClusterOptions
    assert start_fork_server() is None
    with open_client(ClusterOptions(workers=1)) as client:
        assert client.submit(os.getppid).result() == os.getpid()
"""
    environment = os.environ | {"TMPDIR": str(folder)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=environment)


def test_a_users_own_way_to_start_processes_stays() -> None:
    code = """if __name__ == "__main__":
    import multiprocessing, os
    multiprocessing.set_start_method("forkserver")
    from runner.cluster.client import open_client
    from runner.cluster.options import ClusterOptions
    with open_client(ClusterOptions(workers=1)) as client:
        assert client.submit(os.getppid).result() == os.getpid()
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_schedulers_file_names_it(tmp_path) -> None:
    path = tmp_path / "scheduler.json"
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        path.write_text(json.dumps({"address": cluster.scheduler_address.replace("inproc", "tcp")}))
        with (
            Client(cluster) as direct,
            pytest.raises(ClusterError, match="given; expected one"),
            open_client(ClusterOptions(direct.scheduler.address, path)),
        ):
            pass
    with cluster_over_tcp() as cluster:
        path.write_text(json.dumps({"address": cluster.scheduler_address}))
        with open_client(ClusterOptions(scheduler_file=path)) as client:
            assert client.submit(sum, [1, 2]).result() == 3


def test_a_scheduler_that_dies_at_the_greeting_may_come_back() -> None:
    def connect(address: str) -> int:
        with open_client(ClusterOptions(address, wait_s=30)) as client:
            return client.submit(sum, [1, 2]).result()

    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", 0)) as dying:
        port = dying.getsockname()[1]
        answer = pool.submit(connect, f"tcp://127.0.0.1:{port}")
        greeted, _ = dying.accept()
        assert greeted.recv(1)
        greeted.close()
        dying.close()
        with cluster_over_tcp(scheduler_port=port):
            assert answer.result() == 3


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), ("{}", "no sched"), ("[]", "no sched")]
)
def test_a_schedulers_file_that_is_none_is_named(tmp_path, content, reason) -> None:
    path = tmp_path / "scheduler.json"
    if content is not None:
        path.write_text(content)
    with (
        pytest.raises(ClusterError, match=f"scheduler.json: {reason}"),
        open_client(ClusterOptions(scheduler_file=path, wait_s=0.2)),
    ):
        pass


def test_a_schedulers_file_that_is_waited_for_is_named_at_once(tmp_path, caplog) -> None:
    options = ClusterOptions(scheduler_file=tmp_path / "late.json", wait_s=0.2)
    with pytest.raises(ClusterError, match=r"late\.json: No such file"):
        scheduler_address(options)
    assert "late.json, which is not there yet: waiting 0.2 s for it (wait_s, --wait)" in caplog.text
    caplog.clear()
    never = ClusterOptions(scheduler_file=tmp_path / "no" / "late.json", wait_s=1e6)
    with pytest.raises(ClusterError, match=r"late\.json: No such file"):
        scheduler_address(never)
    assert not caplog.text


def test_a_scheduler_that_does_not_answer_in_time_names_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with (
        pytest.raises(ClusterError, match=r"Timed out .*wait longer with wait_s"),
        open_client(ClusterOptions(f"tcp://127.0.0.1:{port}", wait_s=0.1)),
    ):
        pass


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", r"Timed out after 1 s without a greeting; .*wait longer with wait_s"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what listens there is no scheduler"),
    ],
)
def test_what_listens_and_is_no_scheduler_is_not_waited_for(answer, reason) -> None:
    def connect(address: str) -> None:
        with open_client(ClusterOptions(address, wait_s=0.5)):
            pass

    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", 0)) as other:
        connected = pool.submit(connect, f"tcp://127.0.0.1:{other.getsockname()[1]}")
        listening, _ = other.accept()
        listening.sendall(answer)
        with listening, pytest.raises(ClusterError, match=reason):
            connected.result()


@pytest.mark.parametrize("role", [None, "client"])
def test_tls_needs_a_certificate_of_the_same_authority(tmp_path, role) -> None:
    certificates = make_certificates(tmp_path / "certificates")
    theirs = make_certificates(tmp_path / "theirs")

    def settings(folder: Path, of: str | None) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DASK")}
        return kept if of is None else kept | {"DASK_CONFIG": str(folder / f"{of}.yaml")}

    scheduler = subprocess.Popen(
        [
            *(sys.executable, "-m", "dask", "scheduler", "--protocol", "tls", "--no-show"),
            *("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"),
            *("--scheduler-file", str(tmp_path / "scheduler.json")),
        ],
        env=settings(certificates, "scheduler"),
        stderr=subprocess.DEVNULL,
    )
    try:
        sweep = subprocess.run(
            [
                *(sys.executable, "-m", "runner", "sweep", "--restarts", "5", "--wait", "10"),
                *("--scheduler-file", str(tmp_path / "scheduler.json")),
                *("--out", str(tmp_path / "study")),
            ],
            cwd=ROOT,
            env=settings(theirs, role),
            capture_output=True,
            text=True,
        )
    finally:
        scheduler.terminate()
        scheduler.wait()
    assert sweep.returncode == ClusterError.exit_code
    expected = "no certificate to show" if role is None else "made together?"
    assert expected in sweep.stderr
    assert "Traceback" not in sweep.stderr


@pytest.mark.parametrize(
    ("options", "address", "embedded"),
    [
        (ClusterOptions(), None, True),
        (ClusterOptions(workers=2), None, True),
        (ClusterOptions(), "tcp://127.0.0.1:1", False),
        (ClusterOptions(scheduler="tcp://127.0.0.1:1"), None, False),
        (ClusterOptions(scheduler_file="scheduler.json"), None, False),
    ],
)
def test_a_cluster_is_embedded_unless_a_scheduler_is_named(
    monkeypatch, options, address, embedded
) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    if address is not None:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    assert is_embedded(options) is embedded


def configured(
    folder: Path, scheduler_lines: str, *options: str
) -> subprocess.CompletedProcess[str]:
    """Train two restarts in a process that reads this configuration of Dask."""
    (folder / "dask.yaml").write_text(scheduler_lines)
    small = ("--restarts", "2", "--set", "problem.gate=AND", "--set", "network.hidden=[]")
    words = [sys.executable, "-m", "runner", "--verbose", "sweep", *small, *options]
    environment = {k: v for k, v in os.environ.items() if k != "DASK_SCHEDULER_ADDRESS"}
    environment |= {"DASK_CONFIG": str(folder / "dask.yaml"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_scheduler_that_dasks_configuration_names_is_used(scheduler, tmp_path) -> None:
    done = configured(tmp_path, f"scheduler-address: {scheduler}\n", "--workers", "3")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 restarts" in done.stderr
    assert "1 worker\n" in done.stderr  # of that cluster; this machine would have had three
    refused = configured(tmp_path, "scheduler-address: tcp://10.0.0.1:1\n", "--out", "other")
    assert refused.returncode == 4
    assert "tcp://10.0.0.1:1, on another machine without TLS" in refused.stderr


def test_workers_of_this_machine_follow_dasks_configuration(tmp_path) -> None:
    lines = f"temporary-directory: {tmp_path / 'scratch'}\n"
    done = configured(tmp_path, lines, "--workers", "1")
    assert done.returncode == 0, done.stderr
    # --verbose prints what Dask says, once
    assert len(re.findall("distributed.scheduler .* Scheduler at:", done.stderr)) == 1
    assert done.stderr.count("Scheduler at:") == 1
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["dask-scratch-space"]


@pytest.fixture
def interruptible():
    """A process that a shell has started in the background ignores interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_does_not_wait_for_a_scheduler_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        accepted = []

        def interrupt() -> None:
            accepted.append(silent.accept()[0])  # what connects waits for a greeting
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            require_handshake(address, 60)
        (greeting,) = [t for t in threading.enumerate() if t.name == "greeting"]
        accepted[0].close()
        greeting.join()
