"""Luby's schedule, against the paper's sequence, a direct sum and a simulation."""

from __future__ import annotations

import numpy as np
import pytest

from runner.study.statistics.luby import expected_cost, run_lengths


def test_the_sequence_is_that_of_the_paper() -> None:
    assert run_lengths(15) == [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]


def test_the_sequence_follows_the_papers_definition() -> None:
    def term(i: int) -> int:
        k = i.bit_length()
        return 2 ** (k - 1) if i == 2**k - 1 else term(i - 2 ** (k - 1) + 1)

    assert run_lengths(300) == [term(i) for i in range(1, 301)]


def test_the_expected_cost_is_the_sum_over_the_schedule() -> None:
    times = np.array([3, 5, 5, 9, 40])

    def success(length: int) -> float:
        return float((times <= length).mean())

    def cost(length: int) -> float:
        return float(np.minimum(times, length).mean())

    total, alive = 0.0, 1.0
    for length in run_lengths(5_000):
        total += alive * cost(min(length, 40))
        alive *= 1 - success(min(length, 40))
    assert alive < 1e-12
    assert expected_cost(success, cost, 40) == pytest.approx(total, rel=1e-9)


def test_the_expected_cost_is_what_a_simulation_pays() -> None:
    rng = np.random.default_rng(5)
    times = rng.geometric(0.05, 400)
    lengths = run_lengths(20_000)

    def pay() -> int:
        paid = 0
        for length in lengths:
            time = int(rng.choice(times))
            paid += min(time, length)
            if time <= length:
                return paid
        raise AssertionError

    paid = np.array([pay() for _ in range(3_000)])
    expected = expected_cost(
        lambda length: float((times <= length).mean()),
        lambda length: float(np.minimum(times, length).mean()),
        int(times.max()),
    )
    # four standard errors of the mean
    assert abs(paid.mean() - expected) < 4 * paid.std() / np.sqrt(len(paid))


def test_what_never_succeeds_costs_without_end() -> None:
    assert expected_cost(lambda _: 0.0, float, 100) == np.inf
