"""Experiments by their dotted paths, and what is said where they are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment


def refusal(source: Any, **options: Any) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(source, **options)
    lines = str(caught.value).splitlines()
    assert all(line.isprintable() and len(line) < 600 for line in lines)
    return lines


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    source: dict[str, Any] = {}
    for path, value in fields.items():
        section, _, field = path.partition(".")
        if field:
            source.setdefault(section, {})[field] = value
        else:
            source[section] = value
    return source
