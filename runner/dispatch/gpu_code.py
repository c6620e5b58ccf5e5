"""Whether a GPU's batch is trained by the same code as those before it: JAX's, or a kernel.

Both are right, and their bits differ. Which of them a worker takes depends on what is installed
there, so that a package that comes or goes between two sweeps would leave a study of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study.commits import Commit

_NAMES = {True: "a kernel (cuda-core)", False: "JAX"}


class GpuCode:
    """What has trained each group's batches on GPUs.

    Parameters
    ----------
    where : str
        The study, for messages.
    plan : Plan
    commits : iterable of Commit
        What is committed already.
    """

    def __init__(self, where: str, plan: Plan, commits: Iterable[Commit]) -> None:
        self._where = where
        gpu = (commit for commit in commits if commit.device == "gpu" and commit.rows)
        self._by_kernel = {plan.group_number(c.batch): bool(c.programs) for c in gpu}

    def require(self, plan: Plan, batch: Batch, telemetry: Mapping[str, Any]) -> None:
        """Note what has trained a batch, or a part of one.

        Raises
        ------
        StudyError
            If it was a GPU, by other code than its group's other batches.
        """
        if telemetry["device"] != "gpu":
            return
        now = telemetry.get("programs") is not None
        then = self._by_kernel.setdefault(plan.group_number(batch), now)
        if then != now:
            message = (
                f"{self._where}: GPUs have trained with {_NAMES[then]}, and a worker's now does "
                f"with {_NAMES[now]}, whose bits differ; expected the same. What is committed "
                f"stays. {'Install' if then else 'Remove'} cuda-core where workers run, or give "
                "device='cpu' (--device cpu); then run the same command again."
            )
            raise StudyError(message)
