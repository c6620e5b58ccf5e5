"""Studies that grow until they are precise, on real workers."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.errors import ExperimentError, StudyError
from runner.study.statistics.anytime import anytime
from runner.study.statistics.paired import outcome
from runner.study.statistics.sample_sizes import first_pairs, first_restarts, next_restarts

EXPERIMENT: dict[str, Any] = {
    "name": "precise",
    "restarts": 1000,
    "problem": {"gate": "XOR"},
    "training": {"max_steps": 40, "learning_rate": 4, "dtype": "float32"},
    "grid": {"problem.gate": ["AND", "XOR"], "init.scale": [0.5, 4]},
}
TENTH = runner.Until(success_rate=0.1)


@pytest.fixture(scope="module")
def precise(client, tmp_path_factory) -> runner.Study:
    return runner.sweep(EXPERIMENT, tmp_path_factory.mktemp("p") / "s", client, until=TENTH)


def bytes_of(path: Path) -> dict[str, str]:
    """Hash of every file that the same command must give again."""
    folders = (path / "shards", path / "rounds")
    found = [path / "plan.json", *itertools.chain(*(f.rglob("*.*") for f in folders))]
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def test_every_round_follows_from_the_restarts_before_it(precise) -> None:
    """The rule, written down once more, from the restarts alone."""
    solved = precise.restarts["solved"]
    counts = np.full(4, first_restarts(0.1))
    rounds = [counts.sum()]
    while True:
        k = [int(solved.xs(c)[:n].sum()) for c, n in enumerate(counts)]
        wanted = np.minimum(next_restarts(k, counts, 0.1), 1000)
        if (wanted == counts).all():
            break
        rounds.append((wanted - counts).sum())
        counts = wanted
    assert [each.n_restarts for each in precise.plan.rounds] == rounds
    assert len(rounds) >= 3
    assert precise.plan.counts.tolist() == counts.tolist()
    assert len(set(counts)) > 1  # each has what it needs
    assert precise.complete


def test_every_interval_is_as_narrow_as_was_asked_for(precise) -> None:
    table = precise.precision
    assert (table["half_width"] <= 0.1).all()
    low, high = anytime(table["solved"], table["n"], 0.1)
    np.testing.assert_array_equal(table["anytime_low"], low)
    np.testing.assert_array_equal(table["anytime_high"], high)
    assert precise.plan.until == {"success_rate": 0.1}


def test_restarts_are_those_of_a_study_that_was_asked_for_at_once(
    precise, client, tmp_path
) -> None:
    most = int(precise.plan.counts.max())
    whole = runner.sweep(EXPERIMENT | {"restarts": most}, tmp_path / "whole", client)
    ours = precise.restarts.reset_index()
    theirs = whole.restarts.loc[precise.restarts.index].reset_index()
    assert ours.astype(str).equals(theirs.astype(str))


def test_one_interrupted_at_every_batch_ends_in_the_same_bytes(precise, client, tmp_path) -> None:
    path, stops = tmp_path / "s", 0

    def stop(progress) -> None:
        if progress.done > progress.before:
            raise KeyboardInterrupt

    while True:
        before = runner.open_study(path).n_done if path.exists() else 0
        try:
            study = runner.sweep(EXPERIMENT, path, client, until=TENTH, report=stop)
        except KeyboardInterrupt:
            stops += 1
            assert runner.open_study(path).n_done > before
        else:
            break
    assert stops >= len(precise.plan.rounds)
    assert bytes_of(study.path) == bytes_of(precise.path)
    # and once more nothing is to be done
    runner.sweep(EXPERIMENT, path, client, until=TENTH)
    assert bytes_of(path) == bytes_of(precise.path)


def test_the_experiments_restarts_are_the_most(precise, client, tmp_path) -> None:
    path = tmp_path / "s"
    least = runner.sweep(EXPERIMENT | {"restarts": 40}, path, client, until=TENTH)
    assert least.plan.counts.max() == 40
    assert (least.precision["half_width"] > 0.1).any()
    done = CliRunner().invoke(app, ["status", str(path)])
    assert "Asked for: share solved within 10 points; reached by 2 of 4" in done.output
    assert "all 40 restarts (more with --restarts)" in done.output
    # with more of them it goes on from there, and others are the same
    more = runner.sweep(EXPERIMENT, path, client, until=TENTH)
    assert (more.precision["half_width"] <= 0.1).all()
    with pytest.raises(StudyError, match="nothing is thrown away"):
        runner.sweep(EXPERIMENT | {"restarts": 40}, path, client, until=TENTH)
    done = CliRunner().invoke(app, ["summary", str(path)])
    assert "reached by all configurations" in done.output
    assert "whenever one looks" in done.output


def test_intervals_stay_those_of_the_first_half_width(client, tmp_path) -> None:
    path, experiment = tmp_path / "s", EXPERIMENT | {"grid": {}}
    runner.sweep(experiment, path, client, until=TENTH)
    study = runner.sweep(experiment, path, client, success_rate=0.08)
    assert study.plan.until == {"success_rate": 0.08}
    table = study.precision
    assert table["half_width"].item() <= 0.08
    assert table["anytime_low"].item() == anytime(table["solved"], table["n"], 0.1).low[0]


def test_new_configurations_begin_with_a_first_round(precise, client, tmp_path) -> None:
    path = tmp_path / "s"
    runner.sweep(EXPERIMENT | {"grid": {"problem.gate": ["XOR"]}}, path, client, until=TENTH)
    grid = {"problem.gate": ["OR", "XOR"]}
    study = runner.sweep(EXPERIMENT | {"grid": grid}, path, client, until=TENTH)
    assert (study.precision["half_width"] <= 0.1).all()
    assert len(study.precision) == 2


def test_a_time_that_is_over_begins_no_round(client, tmp_path) -> None:
    study = runner.sweep(EXPERIMENT, tmp_path / "s", client, for_s=0.001)
    assert study.plan.counts.tolist() == [256] * 4
    assert study.complete
    longer = runner.sweep(EXPERIMENT, tmp_path / "s", client, for_s=600)
    assert longer.plan.counts.tolist() == [1000] * 4
    done = CliRunner().invoke(app, ["status", str(tmp_path / "s")])
    assert "how many restarts that gave is chance" in done.output


def test_until_no_new_class_is_to_be_expected(client, tmp_path) -> None:
    experiment = EXPERIMENT | {"grid": {"problem.gate": ["AND", "XOR"]}}
    study = runner.sweep(experiment, tmp_path / "s", client, until=runner.Until(classes=0.05))
    bounds = study.unseen["chance_bound"].to_numpy()
    counts = study.plan.counts
    assert ((bounds < 0.05) | (counts == 1000)).all()
    assert (bounds < 0.05).any()
    done = CliRunner().invoke(app, ["status", str(tmp_path / "s")])
    assert "chance of a new class below 5%; reached by" in done.output


def test_until_pairs_are_told_apart_or_known_to_be_alike(client, tmp_path) -> None:
    """Rates far apart differ, XOR and XNOR do not; the counts are taken once more from restarts."""
    content = EXPERIMENT | {
        "restarts": 5000,
        "training": {"max_steps": 300, "dtype": "float32"},
        "grid": {"problem.gate": ["XOR", "XNOR"], "training.learning_rate": [0.01, 4]},
    }
    asked = runner.Until(difference=0.1)
    study = runner.sweep(content, tmp_path / "s", client, until=asked)
    solved = study.restarts["solved"]
    outcomes = {}
    for _, row in study.comparisons.iterrows():
        a, b = (solved.xs(row[name]) for name in ("a", "b"))
        n = min(len(a), len(b))
        first, second = a[:n].to_numpy(), b[:n].to_numpy()
        only = int((first & ~second).sum()), int((second & ~first).sum())
        assert only == (row["only_a"], row["only_b"])
        outcomes[row["axis"], row["a"], row["b"]] = outcome(*only, n, 0.1).value
    assert outcomes == {
        ("problem.gate", 0, 2): "alike",
        ("problem.gate", 1, 3): "alike",
        ("training.learning_rate", 0, 1): "differ",
        ("training.learning_rate", 2, 3): "differ",
    }
    assert first_pairs(0.1) < study.plan.counts.max() < 5000
    done = CliRunner().invoke(app, ["status", str(tmp_path / "s")])
    text = " ".join(done.output.split())
    assert "by less than 10 points (of 4 pairs 2 differ, 2 do not by that much); reached" in text


def test_a_difference_takes_two_configurations_of_the_same_starts(client, tmp_path) -> None:
    scales = EXPERIMENT | {"grid": {"init.scale": [0.5, 4]}}
    with pytest.raises(ExperimentError, match="have the same starts; expected such a pair"):
        runner.sweep(scales, tmp_path / "s", client, difference=0.1)
    assert not (tmp_path / "s").exists()


def test_starts_on_a_grid_are_refused(client, tmp_path) -> None:
    start = {"distribution": "slice", "x": "W1[0,0]=-1:1:3", "y": "b1[0]=-1:1:3"}
    start["at"] = ["W1[0,1]=1"]
    content = {"name": "grid", "restarts": 9, "network": {"hidden": []}, "init": start}
    content |= {"problem": {"gate": "XOR"}}
    with pytest.raises(ExperimentError, match="expected random starts"):
        runner.sweep(content, tmp_path / "s", client, until=TENTH)
    assert not (tmp_path / "s").exists()


def test_a_dry_run_says_what_would_follow(precise, tmp_path) -> None:
    file = tmp_path / "e.toml"
    file.write_text(
        'name = "precise"\nrestarts = 1000\nproblem.gate = "XOR"\n'
        "training = { max_steps = 40, learning_rate = 4, dtype = 'float32' }\n"
        '[grid]\n"problem.gate" = ["AND", "XOR"]\n"init.scale" = [0.5, 4]\n'
    )
    command = ["sweep", str(file), "--until", "success_rate=0.1", "--dry-run"]
    fresh = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "new")])
    assert f"4 configurations × {first_restarts(0.1)} restarts" in fresh.output
    assert not (tmp_path / "new").exists()
    before = bytes_of(precise.path)
    again = CliRunner().invoke(app, [*command, "--out", str(precise.path)])
    assert "No round would follow." in again.output
    command[3] = "success_rate=0.09"
    closer = CliRunner().invoke(app, [*command, "--out", str(precise.path)])
    assert "adds" in closer.output, closer.output
    other = CliRunner().invoke(app, [*command, "--seed", "3", "--out", str(precise.path)])
    assert other.exit_code == 3
    assert "seed was 1990, now 3" in other.output
    assert "compiled function" not in other.output
    assert bytes_of(precise.path) == before


def test_the_report_says_what_is_reached_and_how_to_get_the_same(precise, tmp_path) -> None:
    page = runner.write_report(precise, tmp_path / "report.html").read_text()
    assert "Asked for: share solved within 10 points; reached by all configurations." in page
    assert "--until success_rate=0.1" in page
    least, most = precise.plan.counts.min(), precise.plan.counts.max()
    assert f"4 configurations, {least} to {most} restarts of each" in page
    assert "anytime_low" in page
