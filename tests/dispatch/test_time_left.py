"""How well the time left is foretold: for recorded sweeps, and for any costs of groups."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.surveys import surveys
from runner.dispatch.time_left import Answer, TimeLeft, each_group_first
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan

ROOT = Path(__file__).parents[2]
RECORDINGS = json.loads((Path(__file__).parent / "recorded_sweeps.json").read_text())
LEAST = {"gates": 0.9, "width": 0.875, "gates16": 0.5}
WIDTHS = Plan(
    load_experiment(
        {
            "name": "t",
            "restarts": 64,
            "problem": {"gate": "XOR"},
            "grid": {"network.hidden": [[1], [2], [3], [4], [5]]},
        }
    ),
    batch_size=4,
)
BATCHES = list(WIDTHS.batches())


def name_of(recording: dict[str, Any]) -> str:
    return f"{recording['experiment']}-{recording['restarts']}"


def simulated(
    batches: list[Batch], costs: Callable[[Batch], tuple[float, float]], n_workers: int
) -> list[tuple[float, str, Batch, float]]:
    """Return when which worker answers, if whoever is free takes the next batch.

    ``costs`` are seconds of training a batch, and of compiling what no worker has compiled yet.
    """
    free = [(0.0, f"w{n}") for n in range(n_workers)]
    answers, compiled = [], set()
    for batch in batches:
        begun_s, worker = heapq.heappop(free)
        train_s, compile_s = costs(batch)
        compile_s = 0.0 if batch.group in compiled else compile_s
        compiled.add(batch.group)
        answers.append((begun_s + train_s + compile_s, worker, batch, compile_s))
        heapq.heappush(free, answers[-1][:2])
    return sorted(answers, key=lambda answer: answer[:2])


class Recorded:
    """A sweep of which it was noted what each batch has cost, and restarts their steps."""

    def __init__(self, recording: dict[str, Any]) -> None:
        file = ROOT / "experiments" / f"{recording['experiment']}.toml"
        self.plan = Plan(load_experiment(file, changes={"restarts": recording["restarts"]}))
        self.recording = recording

    def place(self, batch: Batch) -> int:
        return batch.start // self.plan.round_group(batch).batch_size

    def costs(self, batch: Batch) -> tuple[float, float]:
        train_s = self.recording["train_s"][batch.group][self.place(batch)]
        return train_s, self.recording["compile_s"][batch.group]

    def steps(self, batch: Batch) -> dict[int, tuple[int, int]]:
        segments = self.plan.stored_segments(batch)
        if "steps" not in self.recording:  # of one configuration, or all that they may have
            every = [(s.configuration, s.stop - s.start) for s in segments]
            return {c.index: (n, n * c.settings.training.max_steps) for c, n in every}
        (segment,) = segments  # gates16: a batch for each configuration
        (steps,) = self.recording["steps"][batch.group][self.place(batch)].values()
        return {segment.configuration.index: (len(batch), steps)}

    def begun(self) -> tuple[list[Batch], TimeLeft]:
        """Return the batches as they are sent, and what surveys have told already."""
        batches = each_group_first(self.plan.batches())
        time_left, dispatcher = TimeLeft(self.plan, batches), Dispatcher(batches)
        for task in surveys(self.plan, batches):
            found = self.recording["surveys"][task.batch.group]
            each = len(task.batch) // len(task.segments)
            steps = {int(number): (each, n) for number, n in found["steps"].items()}
            answer = Answer("w0", found["train_s"], 0.0, 0.0, steps)
            dearest = time_left.surveyed(task.batch, answer)
            assert dearest is not None
            dispatcher.hasten(dearest)
        return [piece.batch for _ in batches if (piece := dispatcher.next())], time_left


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_from_a_third_on_the_time_left_is_mostly_within_a_quarter(recording, n_workers) -> None:
    """Costs are the telemetry of real sweeps, on a machine that did something else as well.

    How often at least is in `LEAST`. In gates16 two gates of sixteen take half the time, each in a
    batch of its own: a survey tells which.
    """
    good = within_a_quarter(Recorded(recording), n_workers)
    assert sum(good) >= LEAST[recording["experiment"]] * len(good), sum(good) / len(good)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_where_times_follow_the_steps_a_survey_tells_all_that_is_to_come(n_workers) -> None:
    """The steps of gates16 are the real ones; a second of it is as long as the next, up to 10%."""
    recording = next(deepcopy(r) for r in RECORDINGS if r["experiment"] == "gates16")
    noise = np.random.default_rng(3)

    def seconds(group: int, restarts: int, steps: dict[str, int]) -> float:
        restart_s, step_s = ((10e-6, 25e-9), (20e-6, 75e-9))[group]
        exact = restart_s * restarts + step_s * sum(steps.values())
        return float(exact * np.exp(0.1 * noise.normal()))

    for group in (0, 1):
        steps = recording["steps"][group]
        recording["train_s"][group] = [seconds(group, recording["restarts"], s) for s in steps]
        survey = recording["surveys"][group]
        survey["train_s"] = 5e-3 + seconds(group, 16 * 256, survey["steps"])
    good = within_a_quarter(Recorded(recording), n_workers)
    assert sum(good) >= 0.95 * len(good)


def within_a_quarter(recorded: Recorded, n_workers: int) -> list[bool]:
    """Of each percent of a sweep, from a third on, whether the time left was told so well."""
    batches, time_left = recorded.begun()
    answers = simulated(batches, recorded.costs, n_workers)
    end_s, good = answers[-1][0], []
    for percent in range(34, 100):
        now_s = end_s * percent / 100
        while answers[0][0] <= now_s:
            at_s, worker, batch, compile_s = answers.pop(0)
            train_s = recorded.costs(batch)[0]
            answer = Answer(worker, train_s, compile_s, at_s, recorded.steps(batch))
            time_left.trained(batch, answer)
        # or within a second: what is shown has no parts of one
        left_s = time_left.seconds(now_s, n_workers)
        good.append(left_s == pytest.approx(end_s - now_s, rel=0.25, abs=1.0))
    return good


@settings(deadline=None, max_examples=60)
@given(
    costs=st.lists(st.floats(0.01, 10), min_size=5, max_size=5),
    n_workers=st.integers(1, 6),
)
def test_once_every_group_is_known_only_a_batch_per_worker_is_uncertain(costs, n_workers) -> None:
    by_group = dict(enumerate(costs))
    batches = each_group_first(BATCHES)
    answers = simulated(batches, lambda batch: (by_group[batch.group] * len(batch), 0.0), n_workers)
    end_s, dearest_s = answers[-1][0], 4 * max(costs)
    time_left, known = TimeLeft(WIDTHS, batches), set()
    for now_s, worker, batch, _ in answers:
        train_s = by_group[batch.group] * len(batch)
        time_left.trained(batch, Answer(worker, train_s, 0.0, now_s, every_step(batch)))
        known.add(batch.group)
        left_s = time_left.seconds(now_s, n_workers)
        assert (left_s is None) == (len(known) < 3)
        if len(known) == 5:
            assert left_s == pytest.approx(end_s - now_s, abs=dearest_s)
    assert time_left.seconds(end_s, n_workers) == 0


def every_step(batch: Batch) -> dict[int, tuple[int, int]]:
    """What restarts of `WIDTHS` take that nothing stops."""
    return {batch.group: (len(batch), len(batch) * 10_000)}


def noted(*groups: int, left: list[Batch] = BATCHES, compile_s: float = 0.0) -> TimeLeft:
    """The first batches of groups, one second each, answered for by one worker."""
    time_left = TimeLeft(WIDTHS, left)
    for second, group in enumerate(groups, start=1):
        batch = next(batch for batch in left if batch.group == group)
        time_left.trained(batch, Answer("w", 1.0, compile_s, second, every_step(batch)))
    return time_left


def test_nothing_is_said_while_nothing_is_known() -> None:
    assert noted().seconds(5, 1) is None
    assert noted(0, 1).seconds(5, 1) is None
    assert noted(0, 1, 2).seconds(3, 0) is None
    assert noted(0, 1, 2, 3, 4).seconds(5, 1) == pytest.approx(5 * 15)


def test_what_is_not_known_is_estimated_by_what_it_is_to_the_plan() -> None:
    first = [c.step_s for c in WIDTHS.configurations]
    rate = 3 / sum(first[:3])  # seconds per batch, by the plan's measure
    unknown = 16 * rate * sum(first[3:])
    assert noted(0, 1, 2).seconds(3, 1) == pytest.approx(3 * 15 + unknown)
    assert noted(0, 1, 2, compile_s=0.5).seconds(3, 1) > 3 * 15 + unknown + 1


def test_a_resumed_run_has_only_what_is_left_to_do() -> None:
    left = [batch for batch in BATCHES if batch.group == 3][:7]
    time_left = noted(3, left=left)
    assert time_left.seconds(1, 1) == pytest.approx(6)
    time_left.failed(left[1], 4)
    time_left.failed(left[2], 4)
    assert time_left.seconds(1, 1) == pytest.approx(4)


def test_the_end_counts_whole_batches() -> None:
    left = [batch for batch in BATCHES if batch.group == 0][:4]
    # three batches of a second: two workers take the first two, and one of them the third
    assert noted(0, left=left).seconds(1, 2) == pytest.approx(2)
    assert noted(0, left=left).seconds(1, 3) == pytest.approx(1)
    # half of the one that is under way is done
    assert noted(0, left=left).seconds(1.5, 1) == pytest.approx(2.5)


def test_each_group_comes_first_once() -> None:
    ordered = each_group_first(BATCHES)
    assert ordered[:5] == [Batch(group, 4, 8) for group in range(5)]
    assert ordered[5:] == [batch for batch in BATCHES if batch.start != 4]
    assert each_group_first(BATCHES[:1]) == BATCHES[:1]
    assert each_group_first([]) == []
