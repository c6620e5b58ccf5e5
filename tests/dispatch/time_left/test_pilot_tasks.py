"""Pilot tasks: what is trained before all else to know how long it takes, and how little."""

from __future__ import annotations

from support.workers import hashes

import runner
from runner.dispatch import training_run
from runner.dispatch.time_left import pilot_tasks as module
from runner.dispatch.time_left.estimate import TimeLeft
from runner.dispatch.time_left.pilot_tasks import pilot_tasks
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan

EXPERIMENT = {
    "name": "s",
    "restarts": 96,
    "training": {"max_steps": 300, "stop_solved": True},
    "grid": {"problem.gate": ["AND", "XOR"], "network.hidden": [[], [2]]},
}


def planned(restarts: int, **changes: object) -> list[module.PilotTask]:
    plan = Plan(load_experiment({**EXPERIMENT, "restarts": restarts, **changes}))
    return list(pilot_tasks(plan, plan.batches()))


def test_only_what_may_stop_early_and_takes_long_is_surveyed() -> None:
    assert planned(1_000) == []
    found = planned(10_000_000)
    assert [len(task.segments) for task in found] == [2, 2]
    assert {(s.start, s.stop) for task in found for s in task.segments} == {(0, 256)}
    assert planned(10_000_000, training={"max_steps": 300}) == []
    of_each_network_one = {"network.hidden": [[], [2]]}
    assert planned(10_000_000, problem={"gate": "XOR"}, grid=of_each_network_one) == []


def test_a_survey_is_a_small_part_of_what_it_foretells() -> None:
    for restarts in (20_000, 100_000, 10_000_000):
        for task in planned(restarts):
            assert len(task.batch) <= 2 * restarts / 64


def test_a_surveyed_sweep_has_the_bytes_of_any_other(client, tmp_path, monkeypatch) -> None:
    runner.sweep(EXPERIMENT, tmp_path / "plain", client, batch_size=16)
    monkeypatch.setattr(module, "_LONG_S", 0.0)
    monkeypatch.setattr(module, "_SHARE", 8)
    seen = []

    class Told(TimeLeft):
        def piloted(self, part, cost):
            seen.append(cost)
            return super().piloted(part, cost)

    monkeypatch.setattr(training_run, "TimeLeft", Told)
    runner.sweep(EXPERIMENT, tmp_path / "piloted", client, batch_size=16)
    assert hashes(tmp_path / "piloted") == hashes(tmp_path / "plain")
    assert [sum(n for n, _ in cost.steps.values()) for cost in seen] == [24, 24]
    summary = runner.open_study(tmp_path / "piloted").restarts.groupby("configuration")
    for cost in seen:
        for number, (n, steps) in cost.steps.items():
            of_all = summary.get_group(number)["steps"].iloc[:n]
            assert steps == of_all.sum()
