from __future__ import annotations

import pickle

import pytest

from runner.errors import ClusterError, CompileError, ExperimentError, RunnerError, StudyError


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [(RunnerError, 1), (CompileError, 1), (ExperimentError, 2), (StudyError, 3), (ClusterError, 4)],
)
def test_errors_survive_a_trip_between_processes(kind: type[RunnerError], exit_code: int) -> None:
    error = pickle.loads(pickle.dumps(kind("a.toml: name is 3;\nexpected a word.")))
    assert type(error) is kind
    assert str(error) == "a.toml: name is 3;\nexpected a word."
    assert error.exit_code == exit_code
    assert isinstance(error, RunnerError)
