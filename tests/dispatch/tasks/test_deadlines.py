"""How long a task may take: never less than others have taken, whatever they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.tasks.deadlines import FLOOR_S, UNKNOWN_S, Deadlines

KIND = ("cpu", 0)
positive = st.floats(1e-6, 1e6)


@given(st.lists(st.tuples(positive, positive, positive), min_size=1, max_size=9), positive)
def test_nothing_that_was_seen_would_have_been_late(tasks, guess_s) -> None:
    deadlines = Deadlines()
    for work, train_s, compile_s in tasks:
        deadlines.note(KIND, "w", work=work, train_s=train_s, compile_s=compile_s)
    for work, train_s, compile_s in tasks:
        warm = deadlines.allowed_s(KIND, work, guess_s, "w")
        cold = deadlines.allowed_s(KIND, work, guess_s, "new")
        assert warm >= FLOOR_S + train_s
        assert cold >= FLOOR_S + train_s + compile_s
        assert deadlines.allowed_s(KIND, work, guess_s) <= warm


def test_a_kind_of_task_of_which_nothing_is_known_gets_long() -> None:
    deadlines = Deadlines()
    deadlines.note(("cpu", 1), "w", work=1, train_s=1, compile_s=1)
    assert deadlines.allowed_s(KIND, 1e9, 3.0, "w") > 2 * UNKNOWN_S


def test_the_users_deadline_leaves_time_to_compile() -> None:
    deadlines = Deadlines(5.0)
    assert deadlines.allowed_s(KIND, 1e9, 1e9) == 5
    assert deadlines.allowed_s(KIND, 1e9, 1e9, "w") == 5 + UNKNOWN_S
    deadlines.note(KIND, "w", work=1, train_s=1e6, compile_s=7)
    assert deadlines.allowed_s(KIND, 1e9, 1e9, "w") == 5
    assert deadlines.allowed_s(KIND, 1e9, 1e9, "new") == 5 + FLOOR_S + 70


def test_the_slowest_seen_counts() -> None:
    deadlines = Deadlines()
    for train_s in (1.0, 9.0, 2.0):
        deadlines.note(KIND, "w", work=3.0, train_s=train_s, compile_s=0)
    assert deadlines.allowed_s(KIND, 6.0, 0, "w") == FLOOR_S + 10 * 18
    deadlines.note(KIND, "w", work=0, train_s=5, compile_s=0)  # says nothing of a rate
    assert deadlines.allowed_s(KIND, 6.0, 0, "w") == FLOOR_S + 10 * 18
