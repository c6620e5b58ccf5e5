"""A stored study: its plan and what is committed; whoever wants to change it needs a writer.

Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study.arithmetic import other_arithmetic
from runner.study.commits import Commit, Log, parsed
from runner.study.differences import SOURCE, differences, has_other_jax, other_source
from runner.study.folder import StudyFolder, read_telemetry
from runner.study.lock import StudyLock, locked
from runner.study.plan_file import PlanFile
from runner.study.writer import Writer
from runner.training.shards import FORMAT


class Store(StudyFolder):
    """A study's folder with what is stored in it.

    Parameters
    ----------
    path : Path or str
        The folder; need not exist yet.

    Notes
    -----
    Any number of processes may read a study, also while one writes: what they read of the log is
    what was committed then.
    """

    @property
    def log(self) -> Log:
        """What is committed."""
        return Log(self.log_path)

    @property
    def plan_file(self) -> PlanFile:
        """What was to be done."""
        return PlanFile(self)

    @property
    def plan_sha256(self) -> str:
        """The stored plan's own hash."""
        return self.plan_file.sha256

    @property
    def form(self) -> int:
        """Format of the stored study's shards; see `runner.training.shards.FORMAT`."""
        return int(self.plan_file.content()["format"])

    def require_current_form(self) -> None:
        """Raise StudyError if what is committed has another format than what would be trained."""
        if self.form != FORMAT:
            message = (
                f"{self.where}: the study has format {self.form}, of an earlier version of runner; "
                f"expected {FORMAT} to go on with it. Run `python -m runner upgrade {self.where}`, "
                "which trains nothing, then the same command again."
            )
            raise StudyError(message)

    def read_plan(self) -> tuple[Plan, dict[str, str]]:
        """Return the stored plan and the versions; see `PlanFile.read`."""
        return self.plan_file.read()

    @property
    def n_rounds(self) -> int:
        """Rounds of the stored plan."""
        return len(self.plan_file.contents())

    def locked(self) -> AbstractContextManager[StudyLock]:
        """Hold the folder's lock; see `runner.study.lock.locked`."""
        return locked(self)

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Hold the folder's lock, and yield the one object that commits.

        Raises
        ------
        StudyError
            If another process holds the lock, the folder cannot be made, or the log is damaged.

        Examples
        --------
        >>> with store.writer() as writer:  # doctest: +SKIP
        ...     writer.create(plan)
        ...     writer.commit(batch, shard, rows=len(batch), failures=[])
        """
        with self.locked() as lock:
            yield Writer(self, lock)

    def commits(self) -> list[Commit]:
        """Return every committed batch; see `runner.study.commits.Log.read`."""
        return self.log.read()

    def waiting(self) -> list[Commit]:
        """Return what is committed and waits for its shard; see `runner.study.objects.waiting`.

        What is no line counts for nothing: its batch is trained again.
        """
        return Log(self.waiting_path).whole()

    def all_commits(self) -> list[Commit]:
        """Return every committed batch once, those whose shards are in a store only as well."""
        waiting = self.waiting()  # first: lines go from there into the log
        return list({commit.batch: commit for commit in [*waiting, *self.commits()]}.values())

    def require_planned(self, plan: Plan, commits: Iterable[Commit]) -> None:
        """Raise StudyError if any of what is committed is no batch of a plan."""
        for commit in commits:
            if not plan.holds(commit.batch):
                raise self.damaged(f"batch {commit.batch.name} is in the log, but not in the plan")

    def remaining(self, plan: Plan) -> list[Batch]:
        """Return the plan's batches that are not committed, or whose shard is gone.

        Raises
        ------
        StudyError
            If the log is damaged.
        """
        stored = {commit.batch for commit in self.waiting()}
        committed = {commit.batch for commit in self.commits()}
        stored |= {batch for batch in committed if self.shard_path(batch).is_file()}
        return [batch for batch in plan.batches() if batch not in stored]

    def differences(self, plan: Plan, device: str = "cpu", *, grows: bool = False) -> list[str]:
        """Return what a plan and this machine's versions change against what is stored, in words.

        ``device`` is the kind that is to train what is left; see `runner.study.differences`.
        """
        contents = self.plan_file.contents()
        stored = {"plan": contents[-1]["plan"], "versions": contents[0]["versions"]}
        return differences(
            stored, plan, self._devices(device), grows=grows, arithmetic=lambda: self._other(plan)
        )

    def _other(self, plan: Plan) -> list[str] | None:
        """What is computed otherwise here than it was; None if the study does not tell."""
        stored = self.read_plan()[0].trusting(plan.trusts_models)
        whole = map(parsed, self.log.lines()[0])
        return other_arithmetic(self, stored, [commit for commit in whole if commit is not None])

    def _devices(self, device: str) -> Iterator[str]:
        yield device
        # Of whole lines alone: a study with a damaged log is compared before it is repaired, and
        # the batches of its damaged lines are trained again.
        whole = map(parsed, self.log.lines()[0])
        # What programs have trained has a CPU's bits, on a GPU too.
        yield from {"cpu" if c.programs else c.device for c in whole if c is not None}

    def has_other_jax(self) -> bool:
        """Return whether the study was begun with another version of JAX than is here, or none."""
        return has_other_jax(self.plan_file.content())

    def other_code(self, plan: Plan) -> list[str]:
        """Return that other code than is here trained of the study, and how it tells, in words.

        Nothing where the code is the same, or computes the same. What began a round is in its
        file, what went on with one in the telemetry.
        """
        went_on = filter(_tells_versions, read_telemetry(self.versions_path))
        reasons = filter(None, map(other_source, [*self.plan_file.contents(), *went_on]))
        reason = next(reasons, "")
        if not reason:
            return []
        computed = self._other(plan)
        if computed is None and not self.commits():
            return [f"{reason}; nothing of it is trained yet, so that nothing would be lost"]
        if computed is None:
            return [f"{reason}, and the study does not tell whether they compute the same"]
        return [reason, *computed] if computed else []

    def audits(self) -> list[dict[str, Any]]:
        """Return what was found of every batch that was trained a second time, the last time."""
        told = read_telemetry(self.audit_path)
        return list({x["batch"]: x for x in told if isinstance(x.get("batch"), str)}.values())


def _tells_versions(line: Mapping[str, Any]) -> bool:
    """Whether a line of telemetry, of a study that may come from anywhere, has versions."""
    versions = line.get("versions")
    return isinstance(versions, dict) and isinstance(versions.get(SOURCE, ""), str)
