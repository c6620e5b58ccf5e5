"""Batches of GPUs: JAX and kernels are not mixed in a study."""

from __future__ import annotations

import pytest

from runner.dispatch.gpu_code import GpuCode
from runner.errors import StudyError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study.commits import Commit

PLAN = Plan(
    load_experiment(
        {
            "name": "t",
            "restarts": 8,
            "problem": {"gate": "XOR"},
            "grid": {"network.hidden": [[1], [2]]},
        }
    ),
    batch_size=4,
)
FIRST, SECOND, OTHER = [b for b in PLAN.batches() if b.group == 0] + [
    b for b in PLAN.batches() if b.group == 1
][:1]
BY_KERNEL = {"device": "gpu", "programs": {"loop": "..."}}
BY_JAX = {"device": "gpu", "programs": None}


def begun(device: str, programs: str) -> GpuCode:
    commit = Commit(FIRST, 4, 100, "0" * 64, (), device, programs)
    return GpuCode("results/s", PLAN, [commit])


def test_a_study_of_jax_is_not_gone_on_with_by_kernels() -> None:
    code = begun("gpu", "")
    code.require(PLAN, SECOND, BY_JAX)
    code.require(PLAN, OTHER, BY_KERNEL)  # another network, which may have what this one has not
    with pytest.raises(StudyError, match=r"with JAX, .* a kernel \(cuda-core\).*Remove cuda-core"):
        code.require(PLAN, SECOND, BY_KERNEL)
    with pytest.raises(StudyError, match="Install cuda-core where workers run"):
        code.require(PLAN, OTHER, BY_JAX)


def test_a_study_of_kernels_is_not_gone_on_with_by_jax() -> None:
    code = begun("gpu", "f" * 16)
    code.require(PLAN, SECOND, BY_KERNEL)
    with pytest.raises(StudyError, match="Install cuda-core"):
        code.require(PLAN, SECOND, BY_JAX)


def test_cpus_play_no_part() -> None:
    code = begun("cpu", "f" * 16)
    code.require(PLAN, SECOND, {"device": "cpu", "programs": None})
    code.require(PLAN, SECOND, BY_JAX)
