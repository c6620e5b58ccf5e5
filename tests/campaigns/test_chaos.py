"""What campaigns of `chaos.py` and `chaos_maps.py` are asked for, and how they end."""

from __future__ import annotations

import re
import sys

import pytest
from campaigns import chaos, chaos_maps
from campaigns.trials import MIXED, Trial

KINDS = {
    "": Trial,
    "--shared": chaos.KINDS[True, False],
    "--url": chaos.KINDS[False, True],
    "--url --shared": chaos.KINDS[True, True],
}


def asked(monkeypatch, words: str):
    monkeypatch.setattr(sys, "argv", ["chaos.py", *words.split()])
    return chaos.asked(Trial, chaos.KINDS)


@pytest.mark.parametrize("words", KINDS)
def test_every_victim_has_a_trial_by_default(monkeypatch, words) -> None:
    options, work = asked(monkeypatch, words)
    assert work is KINDS[words]
    assert options.victim == [*work.victims, MIXED]
    assert options.trials == max(10, len(options.victim))


def test_fewer_trials_than_victims_can_be_asked_for(monkeypatch) -> None:
    assert asked(monkeypatch, "--url --shared --trials 2")[0].trials == 2
    assert asked(monkeypatch, "--victim client")[0].trials == 10


def test_a_victim_of_another_kind_is_refused_with_all_that_there_are(monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit):
        asked(monkeypatch, "--victim written --victim store")
    expected = "client, embedded, mixed, nanny, operation, scheduler, worker"
    assert f"no victim here: store, written; expected {expected}\n" in capsys.readouterr().err


def test_victims_of_maps_are_those_that_its_docstring_names() -> None:
    named = re.findall(r"``(\w+)``", chaos_maps.__doc__ or "")
    assert sorted(named) == sorted([*chaos_maps.MapTrial.victims, MIXED])


@pytest.mark.parametrize(
    ("mixed", "line", "code"),
    [
        ([2, 5, 1, 0], "mixed: 2 trials, struck 5, refused 1, 0 failed", 0),
        ([2, 5, 0, 1], "mixed: 2 trials, struck 5, refused 0, 1 failed", 1),
        ([0, 0, 0, 0], "mixed: not tried", 0),
    ],
)
def test_a_victim_that_was_not_tried_is_named_and_no_failure(mixed, line, code) -> None:
    lines, ended = chaos.outcome({"client": [1, 2, 0, 0], "mixed": mixed})
    assert lines == ["client: 1 trials, struck 2, refused 0, 0 failed", line]
    assert ended == code


def test_a_campaign_without_a_trial_has_failed() -> None:
    assert chaos.outcome({"client": [0] * 4, "mixed": [0] * 4})[1] == 1
