"""How well the time left is foretold: for recorded sweeps, and for any costs of groups."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.time_left.estimate import TimeLeft, each_group_first
from runner.dispatch.time_left.pilot_tasks import pilot_tasks
from runner.dispatch.time_left.task_cost import TaskCost
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan

ROOT = Path(__file__).parents[3]
RECORDINGS = json.loads((Path(__file__).parent / "recorded_sweeps.json").read_text())
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
    """A sweep of which it was noted what each batch has cost, and restarts their steps.

    Its seconds of work are made longer, all alike, so that it takes some hundred: what is told has
    no parts of a second.
    """

    def __init__(self, recording: dict[str, Any]) -> None:
        file = ROOT / "experiments" / f"{recording['experiment']}.toml"
        self.plan = Plan(load_experiment(file, changes={"restarts": recording["restarts"]}))
        self.recording = recording
        self.longer = 100 / sum(map(sum, recording["work_s"]))

    def place(self, batch: Batch) -> int:
        return batch.start // self.plan.round_group(batch).batch_size

    def work_s(self, batch: Batch) -> float:
        return self.longer * float(self.recording["work_s"][batch.group][self.place(batch)])

    def steps(self, batch: Batch) -> dict[int, tuple[int, int]]:
        of_all = self.recording["steps"][batch.group][self.place(batch)]
        segments = self.plan.stored_segments(batch)
        restarts = {str(s.configuration.index): s.stop - s.start for s in segments}
        return {int(number): (restarts[number], steps) for number, steps in of_all.items()}

    def begun(self) -> tuple[list[Batch], TimeLeft]:
        """Return the batches as they are sent, and what pilots have told already."""
        batches = each_group_first(self.plan.batches())
        time_left, dispatcher = TimeLeft(self.plan, batches), Dispatcher(batches)
        for task in pilot_tasks(self.plan, batches):
            found = self.recording["pilot_tasks"][task.batch.group]
            each, work_s = len(task.batch) // len(task.segments), self.longer * found["work_s"]
            steps = {int(number): (each, n) for number, n in found["steps"].items()}
            dearest = time_left.piloted(task.batch, TaskCost("w0", work_s, work_s, 0.0, 0.0, steps))
            assert dearest is not None
            dispatcher.hasten(dearest)
        return [piece.batch for _ in batches if (piece := dispatcher.next())], time_left


@pytest.mark.parametrize("n_workers", [1, 2])
@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_from_a_third_on_the_time_left_is_within_a_quarter(recording, n_workers) -> None:
    """Where nothing else runs; work is that of real sweeps, in seconds of processors.

    In gates16 two gates of sixteen take half the time, each in a batch of its own: a pilot tells
    which.
    """
    good = within_a_quarter(Recorded(recording), n_workers, lambda share: 1.0)
    assert sum(good) >= 0.93 * len(good), sum(good) / len(good)


@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_a_load_that_comes_is_counted_in_from_then_on(recording) -> None:
    """From a fifth of the work on everything takes three times as long as before."""
    good = within_a_quarter(Recorded(recording), 2, lambda share: 3.0 if share > 0.2 else 1.0)
    assert sum(good[16:]) >= 0.9 * len(good[16:]), sum(good[16:]) / len(good[16:])


def within_a_quarter(
    recorded: Recorded, n_workers: int, load: Callable[[float], float]
) -> list[bool]:
    """Of each percent of a sweep, from a third on, whether the time left was told so well.

    ``load`` says how much longer a batch takes than its work, at a share of all work.
    """
    batches, time_left = recorded.begun()
    work = np.cumsum([0.0, *map(recorded.work_s, batches)])
    loads = dict(zip(batches, map(load, work / work[-1]), strict=False))

    def costs(batch: Batch) -> tuple[float, float]:
        return loads[batch] * recorded.work_s(batch), recorded.recording["compile_s"][batch.group]

    answers = simulated(batches, costs, n_workers)
    end_s, good = answers[-1][0], []
    for percent in range(34, 100):
        now_s = end_s * percent / 100
        while answers[0][0] <= now_s:
            at_s, worker, batch, compile_s = answers.pop(0)
            train_s, work_s = costs(batch)[0], recorded.work_s(batch)
            cost = TaskCost(worker, train_s, work_s, compile_s, at_s, recorded.steps(batch))
            time_left.trained(batch, cost)
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
        time_left.trained(batch, TaskCost(worker, train_s, train_s, 0.0, now_s, every_step(batch)))
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
        time_left.trained(batch, TaskCost("w", 1.0, 1.0, compile_s, second, every_step(batch)))
    return time_left


def test_nothing_is_said_while_nothing_is_known() -> None:
    assert noted().seconds(5, 1) is None
    assert noted(0, 1).seconds(5, 1) is None
    assert noted(0, 1, 2).seconds(3, 0) is None
    assert noted(0, 1, 2, 3, 4).seconds(5, 1) == pytest.approx(5 * 15)


def test_what_is_not_known_is_estimated_by_what_it_is_to_the_plan() -> None:
    first = [c.step_s for c in WIDTHS.configurations]
    unknown = 16 * sum(first[3:]) / first[2]  # as the nearest of those that are known
    assert noted(0, 1, 2).seconds(3, 1) == pytest.approx(3 * 15 + unknown)
    compiled = noted(0, 1, 2, compile_s=0.5).seconds(3, 1)
    assert compiled == pytest.approx(3 * 15 + unknown + 2 * 0.5)


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
