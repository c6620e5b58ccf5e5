"""`sweep --dry-run` says of a study that is there what is done, what is left and what is added."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.in_process import swept
from typer.testing import CliRunner

from runner.cli.app import app
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.remaining import remaining
from runner.study.store import Store

CONTENT: dict[str, Any] = {
    "name": "p",
    "restarts": 5,
    "problem": {"gate": "AND"},
    "training": {"max_steps": 3},
    "grid": {"network.hidden": [[], [2]], "init.scale": [1.0, 2.0]},
}
TOML = (
    'name = "p"\nrestarts = 5\nproblem.gate = "AND"\ntraining.max_steps = 3\n'
    '[grid]\n"network.hidden" = [[], [2]]\n"init.scale" = [1.0, 2.0]\n'
)


@pytest.fixture(scope="module")
def partly(tmp_path_factory) -> Path:
    """20 restarts of two compiled functions in batches of 4, of which 4 of 6 are done."""
    folder = tmp_path_factory.mktemp("partly")
    (folder / "p.toml").write_text(TOML)
    swept(folder / "s", CONTENT, batch_size=4, most=4)
    return folder


def told(folder: Path, *words: object, study: str = "s") -> str:
    command = ["sweep", folder / "p.toml", "--out", folder / study, "--workers", 1, "--dry-run"]
    done = CliRunner().invoke(app, [str(word) for word in [*command, *words]])
    assert done.exit_code == 0, done.stderr
    return re.sub(r"[ \n]+", " ", done.stdout)


def rows(text: str) -> dict[str, tuple[int, int]]:
    """Done and left, by configuration."""
    found = re.findall(r"(hidden \[\d?\], scale [\d.]+) (\d+) (\d+)", text)
    return {name: (int(done), int(left)) for name, done, left in found}


def test_what_is_done_and_what_is_left_is_told_by_configuration(partly) -> None:
    text = told(partly, "--batch-size", 4)
    study = swept(partly / "s", CONTENT, batch_size=4, most=0)
    done = study.restarts.groupby("configuration").size().to_dict()
    assert sum(done.values()) == study.n_done == 14
    assert "4 configurations × 5 restarts = 20 restarts: 14 are done, 6 restarts in 2 b" in text
    points = [f"hidden {h}, scale {s}" for h in ("[]", "[2]") for s in ("1.0", "2.0")]
    expected = {p: (done.get(i, 0), 5 - done.get(i, 0)) for i, p in enumerate(points)}
    assert rows(text) == {point: both for point, both in expected.items() if both[1]}
    assert "1 compiled function; into" in text
    assert "about 5 s to start and compile" in text


def test_the_time_is_that_of_what_is_left(partly) -> None:
    plan = Plan(load_experiment(CONTENT), batch_size=4)
    left = remaining(Store(partly / "s"), plan)
    assert left is not None
    of_one = [c.step_s * 3 for c in plan.configurations]
    assert left.counts.tolist() == [0, 0, 1, 5]
    assert plan.most_s(2, left.counts) == pytest.approx((of_one[2] + 5 * of_one[3]) / 2)
    assert left.n_done == 14
    assert plan.most_s(1) == pytest.approx(5 * sum(of_one))


def test_growth_tells_what_is_added_and_what_is_left_of_before(partly) -> None:
    text = told(partly, "--batch-size", 4, "--restarts", 7)
    adds = "p: adds 2 restarts to each of 4 configurations: 8 restarts in 2 batches"
    assert f"{adds}; 2 compiled functions; 14 restarts are done, 6 from before are left too" in text
    assert rows(text)["hidden [], scale 1.0"] == (5, 2)
    assert rows(text)["hidden [2], scale 2.0"] == (0, 7)


def test_a_finished_study_has_nothing_left(partly) -> None:
    swept(partly / "w", CONTENT)
    text = told(partly, study="w")
    assert "20 restarts, all of them done; into" in text
    assert "Already finished: nothing is left to do." in text
    assert "compiled function" not in text
    anew = told(partly, "--overwrite", study="w")
    assert "p: 4 configurations × 5 restarts = 20 restarts in 2 batches; 2 compiled" in anew
    more = told(partly, "--grid", "init.scale=1.0,2.0,3.0", study="w")
    assert "p: adds 2 configurations of 5 restarts: 10 restarts in 2 batches" in more
    assert rows(more) == {f"hidden {h}, scale 3.0": (0, 5) for h in ("[]", "[2]")}


def test_a_new_folder_has_no_table_of_what_is_left(partly) -> None:
    text = told(partly, study="new")
    assert "p: 4 configurations × 5 restarts = 20 restarts in 2 batches; 2 compiled" in text
    assert not rows(text)
    assert not (partly / "new").exists()
