from __future__ import annotations

import pytest
from distributed import Client, LocalCluster

from runner.cluster.preflight import ask_workers, mismatches, own, version_table
from runner.engines.versions import PACKAGES

OURS = {"python": "3.12", "numpy": "2.5.5", "jax": "0.12.0", "runner": "0.1.0 (aaaa1111)"}


def test_own_versions_are_of_python_packages_and_runner() -> None:
    found = own()
    assert list(found) == ["python", *PACKAGES, "runner"]
    assert found["numpy"] == __import__("numpy").__version__
    assert found["jax"] == __import__("jax").__version__


def test_workers_of_this_process_run_what_it_runs() -> None:
    with (
        LocalCluster(n_workers=2, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        addresses = list(client.scheduler_info()["workers"])
        theirs = ask_workers(client, addresses)
    assert sorted(theirs) == sorted(addresses)
    assert all(found == own() for found in theirs.values())
    assert mismatches(own(), theirs) == []


def test_the_table_shows_who_has_what() -> None:
    old = OURS | {"numpy": "2.4.1"}
    theirs = {"tcp://a:1": OURS, "tcp://b:1": old, "tcp://b:2": old, "tcp://c:1": {"python": "3.9"}}
    assert mismatches(OURS, theirs) == ["tcp://b:1", "tcp://b:2", "tcp://c:1"]
    header, *rows = [line.split() for line in version_table(OURS, theirs).splitlines()]
    assert header == ["python", "numpy", "jax", "runner"]
    assert rows[0] == ["client", "3.12", "2.5.5", "0.12.0", "0.1.0", "(aaaa1111)"]
    assert rows[1][0] == "tcp://a:1"
    assert rows[2][:6] == ["tcp://b:1", "and", "1", "more", "3.12", "2.4.1"]
    assert rows[3] == ["tcp://c:1", "3.9", "missing", "missing", "missing"]


def test_the_table_leaves_out_what_is_the_same_everywhere() -> None:
    table = version_table(OURS, {"tcp://b:1": OURS | {"jax": "0.10"}})
    assert table.splitlines()[0].split() == ["jax"]


@pytest.mark.parametrize("name", [*PACKAGES, "python", "runner"])
def test_every_difference_counts(name) -> None:
    assert mismatches(own(), {"w": own() | {name: "0"}}) == ["w"]


@pytest.mark.parametrize("name", [*PACKAGES, "python", "runner"])
def test_jax_alone_may_differ_on_a_worker_that_computes_without_it(name) -> None:
    theirs = {"w": own() | {name: "0"}, "v": own() | {name: "0"}}
    counts = ["w"] if name in ("jax", "jaxlib") else ["w", "v"]
    assert mismatches(own(), theirs, ["v"]) == counts
    assert version_table(own(), theirs, ["v"]).split()[0] == name
