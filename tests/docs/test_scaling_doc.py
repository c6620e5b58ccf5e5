"""docs/scaling.md: the sizes of what every batch leaves."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from runner.experiment.batches import Batch
from runner.study.commits import Commit

TEXT = (Path(__file__).parents[2] / "docs" / "scaling.md").read_text()


@pytest.mark.parametrize(("group", "start"), [(0, 0), (3, 40_960), (12, 9_961_472)])
def test_a_batch_adds_so_many_bytes_to_the_log(group, start) -> None:
    (said,) = map(int, re.findall(r"some (\d+) bytes of log, each", TEXT))
    sha256, programs = hashlib.sha256().hexdigest(), "0123456789abcdef"
    commit = Commit(Batch(group, start, start + 8192), 8192, 300_000, sha256, (), "cpu", programs)
    assert len(f"{commit.line()}\n") == pytest.approx(said, rel=0.1)
