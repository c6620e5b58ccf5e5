"""`runner map`: what its options change, and what it says before it begins."""

from __future__ import annotations

import pytest
from support.maps import XOR
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.mapping.options import MapOptions
from runner.mapping.sentences import opening

QUICK = ["--unchanged", "200", "--searches", "400", "--round-searches", "200"]


@pytest.fixture(scope="module")
def folder(client, tmp_path_factory):
    sizes = {"network.hidden": [[2], [4]]}
    out = tmp_path_factory.mktemp("map") / "s"
    return runner.sweep({**XOR, "grid": sizes}, out, client).path


@pytest.fixture
def said(folder, scheduler, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler)

    def run(*options):
        done = CliRunner().invoke(app, ["map", str(folder), *QUICK, *options])
        return done.exit_code, " ".join(done.stderr.split())

    return run


def test_basins_that_are_replaced_are_named_and_nothing_is_searched_anew(folder, said) -> None:
    code, text = said("--basin-side", "5")
    assert (code, "replaced" in text) == (0, False)
    first = runner.open_study(folder)
    assert first.basins.groupby("configuration").size().eq(25).all()
    code, text = said("--basin-side", "0")
    assert code == 0
    assert (
        "The map there has basins of 5 × 5 starts. They are replaced by those of no starts" in text
    )
    second = runner.open_study(folder)
    assert second.basins.empty
    assert second.critical_points.equals(first.critical_points)
    code, text = said("--basin-side", "4")
    assert "The map there has basins of no starts. They are replaced by those of 4 × 4" in text
    code, text = said("--basin-side", "4")
    assert (code, text) == (0, "")  # it is the map that is there


def test_too_many_starts_for_a_network_are_named(folder) -> None:
    """Starts times cubes of parameters are at most 33² × 50³: with 17 parameters 166² starts."""
    study = runner.open_study(folder)
    text = " ".join(opening(study, MapOptions(basin_side=200)))
    assert (
        "In place of 200 × 200 starts, basins are looked at from 166 × 166 starts with 17" in text
    )
    assert "In place of" not in " ".join(opening(study, MapOptions(basin_side=166)))


def test_another_number_of_searches_in_a_round_is_another_map(said) -> None:
    assert said("--basin-side", "4")[0] == 0
    code, text = said("--basin-side", "4", "--round-searches", "100")
    assert code == 3
    assert "round_searches (--round-searches) was 200, now 100" in text


def test_a_network_that_is_too_large_is_told_of_options_that_are_there(said) -> None:
    code, text = said("--max-parameters", "16")
    assert code == 2
    named = {word.strip("().,") for word in text.split() if "--" in word}
    assert named == {"--max-parameters", "--round-searches"}
