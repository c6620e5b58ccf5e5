"""Options of a sweep, whole or loose: a typo is told, and nothing is said twice."""

from __future__ import annotations

import inspect
import re
from typing import get_type_hints

import pytest
from support.crafted import crafted

import runner
from runner.dispatch.fault_policy import FaultKeywords
from runner.dispatch.sweep import repair
from runner.study.store import Store

EXPERIMENT = {
    "name": "options",
    "restarts": 6,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}


def test_the_loose_keywords_are_the_fields() -> None:
    assert get_type_hints(FaultKeywords) == get_type_hints(runner.FaultPolicy)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"schedular": "tls://a:1"}, "runner.sweep: 'schedular' is not an option; expected one of"),
        ({"schedular": "tls://a:1"}, "Did you mean 'scheduler'?"),
        ({"batchsize": 2}, "Did you mean 'batch_size'?"),
        ({"maxfailures": 2}, "Did you mean 'max_failures'?"),
        (
            {"cluster": runner.ClusterOptions(), "workers": 1},
            "runner.sweep: 'workers' and cluster are both given; expected one of them",
        ),
        (
            {"faults": runner.FaultPolicy(), "audit": 1, "canary": True},
            "runner.sweep: 'audit', 'canary' and faults are both given; expected one of them",
        ),
        ({"faults": {"audit": 1}}, "faults is {'audit': 1}; expected a FaultPolicy"),
        ({"audit": "1"}, "audit (--audit) is '1'; expected a share from 0 to 1"),
        ({"max_failures": 0.5}, "max_failures (--max-failures) is 0.5; expected an integer >= 0"),
        ({"deadline_s": "60"}, "deadline_s (--deadline) is '60'; expected more than 0 seconds"),
    ],
)
def test_an_option_that_is_wrong_is_named_before_anything_is_done(
    options, message, tmp_path
) -> None:
    with pytest.raises(runner.ExperimentError, match=re.escape(message)):
        runner.sweep(EXPERIMENT, tmp_path / "s", **options)
    assert not (tmp_path / "s").exists()


def test_what_is_no_client_is_told_before_anything_is_done(tmp_path) -> None:
    study = crafted(tmp_path / "c", {0: [3]}, {0: [True]})
    message = r"client is 'tls://a:1'; expected .* as scheduler, a cluster as Client\(cluster\)\."
    with pytest.raises(runner.ClusterError, match=message):
        runner.sweep(EXPERIMENT, tmp_path / "s", "tls://a:1")
    assert not (tmp_path / "s").exists()
    for add in (runner.analyze, runner.map_landscape):
        with pytest.raises(runner.ClusterError, match=message):
            add(study, "tls://a:1")


def test_a_repair_tells_a_typo_too(tmp_path) -> None:
    with pytest.raises(runner.ExperimentError, match=r"repair: 'worker' .* mean 'workers'\?"):
        repair(tmp_path, worker=1)
    with pytest.raises(runner.ExperimentError, match="repair: 'audit' is not an option"):
        repair(tmp_path, audit=1)


def test_objects_and_loose_keywords_do_the_same(client, tmp_path) -> None:
    whole = runner.sweep(
        EXPERIMENT,
        tmp_path / "whole",
        client,
        batch_size=2,
        cluster=runner.ClusterOptions(device="cpu"),
        faults=runner.FaultPolicy(audit=1.0, canary=False),
    )
    loose = runner.sweep(
        EXPERIMENT,
        tmp_path / "loose",
        client,
        batch_size=2,
        device="cpu",
        audit=1.0,
        canary=False,
    )
    assert [len(Store(study.path).audits()) for study in (whole, loose)] == [3, 3]
    assert whole.restarts.equals(loose.restarts)


def test_every_option_has_one_name() -> None:
    kinds = (runner.ClusterOptions, runner.FaultPolicy, runner.Until)
    fields = [field for kind in kinds for field in get_type_hints(kind)]
    named = list(inspect.signature(runner.sweep).parameters)
    assert len({*fields, *named}) == len(fields) + len(named)
