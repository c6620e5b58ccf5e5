"""After a growth only what is new is inspected, to the tables of an analysis from scratch."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest

import runner
from runner.landscape.analysis import analyze
from runner.landscape.inspections import marks

FEW = {
    "name": "few",
    "restarts": 40,
    "problem": {"gate": "XOR"},
    "training": {"learning_rate": 2.0, "max_steps": 600},
    "grid": {"problem.gate": ["XOR"], "network.hidden": [[], [2]]},
}
MORE = FEW | {"restarts": 60, "grid": FEW["grid"] | {"problem.gate": ["AND", "XOR"]}}


def bytes_of(study):
    folder = study.path / "tables"
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.parquet")}


class Told:
    """How much work each stage of an analysis had."""

    def __init__(self) -> None:
        self.n = {}

    def __call__(self, progress) -> None:
        self.n[progress.stage] = progress.total


@pytest.fixture(scope="module")
def grown(client, tmp_path_factory):
    """A study that grew after it was analysed."""
    out = tmp_path_factory.mktemp("few") / "s"
    analyze(runner.sweep(FEW, out, client), client)
    return runner.sweep(MORE, out, client)


def test_what_is_new_is_inspected_and_tables_are_those_from_scratch(
    grown, client, tmp_path
) -> None:
    fresh = tmp_path / "fresh"
    shutil.copytree(grown.path, fresh)
    shutil.rmtree(fresh / "tables")
    all_, new = Told(), Told()
    from_scratch = bytes_of(analyze(fresh, client, report=all_))
    assert bytes_of(analyze(grown.path, client, report=new)) == from_scratch
    assert all_.n["endpoints"] == 4 * 60
    assert new.n["endpoints"] == 4 * 60 - 2 * 40
    assert 0 < new.n["pairs"] < all_.n["pairs"]
    # and what was kept of both is the same: nothing is left to do with other choices
    less = Told()
    fewer = bytes_of(analyze(grown.path, client, pairs=5, report=less))
    assert not less.n
    assert fewer != from_scratch
    assert bytes_of(analyze(fresh, client, pairs=5)) == fewer


def test_what_is_damaged_is_inspected_again(grown, client, tmp_path) -> None:
    copy = tmp_path / "s"
    shutil.copytree(grown.path, copy)
    expected = bytes_of(analyze(copy, client, endpoints=80))
    files = sorted((copy / "tables" / "inspected").rglob("*.parquet"))
    assert len(files) == 3  # of two networks, and of pairs
    for file in files:
        file.write_bytes(file.read_bytes()[:-7])
    for table in (copy / "tables").glob("*.parquet"):
        table.unlink()
    told = Told()
    assert bytes_of(analyze(copy, client, endpoints=80, report=told)) == expected
    assert told.n["endpoints"] == 80


def test_a_mark_is_of_all_that_an_inspection_depends_on() -> None:
    weights = np.array([[0.5, 0.5, -0.0], [np.nan, np.nan, 1.0]])
    base = marks(["a", "a", "a"], np.array([1, 2, 3]), weights, np.array([True, True, True]))
    assert len(set(base)) == 3
    again = marks(["a"], np.array([1]), weights[:, :1], np.array([True]))
    assert again == base[:1]
    for ids, restart, value, flag in (
        ("b", 1, 0.5, True),
        ("a", 4, 0.5, True),
        ("a", 1, 0.25, True),
        ("a", 1, 0.5, False),
    ):
        other = marks([ids], np.array([restart]), np.array([[value], [np.nan]]), np.array([flag]))
        assert other != base[:1]
    assert marks([], np.empty(0, int), np.empty((2, 0))).size == 0
