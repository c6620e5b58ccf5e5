"""What a study's folder says without pandas, which takes longer to load than most studies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final

from runner.experiment.experiment import Experiment
from runner.experiment.plan import Plan
from runner.study.commits import Commit
from runner.study.overview import Overview, overview
from runner.study.restart_tallies import COLUMNS, Tally, tallies
from runner.study.shard_reader import ShardReader
from runner.study.store import Store

SAMPLE: Final = 2**21
"""Restarts of a study that are read at once to look at them one by one; see `Study.sample`."""


class StudyContents:
    """A study's plan, its log, and how its restarts ended: what `runner.study.study.Study` is of.

    Parameters
    ----------
    path : str or Path
        The study's folder.
    before : callable, optional
        Called once, before the log is read: it brings into the folder what is not there yet.
    """

    def __init__(self, path: str | Path, *, before: Callable[[], object] | None = None) -> None:
        self._store = Store(path)
        self._before = before

    @property
    def path(self) -> Path:
        """The study's folder."""
        return self._store.path

    @cached_property
    def plan(self) -> Plan:
        """What was to be done."""
        return self._store.read_plan()[0]

    @property
    def experiment(self) -> Experiment:
        """The experiment as it was run."""
        return self.plan.experiment

    @cached_property
    def commits(self) -> list[Commit]:
        """What is committed, round by round; StudyError if the plan has no such batch."""
        if self._before is not None:
            self._before()
        commits = sorted(self._store.commits(), key=lambda c: (c.batch.round, c.batch))
        n_rounds = len(self.plan.rounds)
        if commits and max(c.batch.round for c in commits) >= n_rounds < self._store.n_rounds:
            # the study has grown since the plan was read
            commits = [commit for commit in commits if commit.batch.round < n_rounds]
        self._store.require_planned(self.plan, commits)
        return commits

    @cached_property
    def _shards(self) -> ShardReader:
        return ShardReader(self._store, self.plan, self.commits, self._store.form)

    @property
    def n_done(self) -> int:
        """Restarts that are trained or have failed for good."""
        return sum(len(commit.batch) for commit in self.commits)

    @property
    def n_sampled(self) -> int:
        """Restarts of each configuration in `sample`."""
        return min(self.experiment.restarts, max(1, SAMPLE // len(self.plan.configurations)))

    @cached_property
    def overview(self) -> Overview:
        """All restarts counted, and the first `n_sampled` of each configuration one by one."""
        return overview(self.plan, self._shards, self.n_sampled)

    @cached_property
    def tallies(self) -> dict[int, Tally]:
        """How all restarts ended, counted, by configuration; those without restarts are left out.

        Read shard by shard: memory does not grow with the number of restarts.
        """
        if "overview" in self.__dict__:
            return dict(self.overview.tallies)
        return tallies(table for _, table in self._shards.blocks(COLUMNS))
