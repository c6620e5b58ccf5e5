"""Where work runs: what may be said, and what is refused before anything is started."""

from __future__ import annotations

import re
from typing import get_type_hints

import pytest

from runner.cluster.options import DEVICES, ClusterKeywords, ClusterOptions
from runner.errors import ClusterError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler": "tls://a:1", "scheduler_file": "s.json"}, "given; expected one of them"),
        ({"workers": 0}, "workers (--workers) is 0; expected an integer >= 1"),
        ({"device": "tpu"}, "device (--device) is 'tpu'; expected 'auto', 'gpu' or 'cpu'"),
        ({"wait_s": -1.0}, "wait_s (--wait) is -1.0; expected 0 seconds or more"),
        ({"wait_s": float("nan")}, "wait_s (--wait) is nan"),
        ({"wait_s": "30"}, "wait_s (--wait) is '30'; expected 0 seconds or more"),
        ({"workers": "2"}, "workers (--workers) is '2'; expected an integer >= 1"),
        ({"workers": 1.5}, "workers (--workers) is 1.5; expected an integer >= 1"),
    ],
)
def test_options_out_of_range_are_named(options, message) -> None:
    with pytest.raises(ClusterError, match=re.escape(message)):
        ClusterOptions(**options)


@pytest.mark.parametrize("device", DEVICES)
def test_every_kind_of_device_may_be_asked_for(device) -> None:
    assert ClusterOptions(device=device, wait_s=0).device == device


def test_the_loose_keywords_are_the_fields() -> None:
    assert get_type_hints(ClusterKeywords) == get_type_hints(ClusterOptions)
