"""The writer of a study: nothing is committed without it, and only one exists at a time.

`runner.study.group_commit` says how batches are committed, and what a crash leaves of them. There
is only one writer because it has to know what is committed: it holds the folder's lock, and the log
changes in no other way. With ``--shared``, workers write too, but into ``staging/`` alone; what
they have written becomes a part of the study when the writer moves it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w

from runner.engines.simd.fingerprint import Fingerprint
from runner.errors import StudyError
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.study import files
from runner.study.commits import Commit, Failure, Log
from runner.study.configuration_table import configuration_file
from runner.study.folder import StudyFolder, require_file
from runner.study.group_commit import Ready, commit_group
from runner.study.lock import StudyLock
from runner.study.plan_file import PlanFile
from runner.study.staging import Staging, staging


class Writer:
    """Whoever has one may change the study; get it from `runner.study.store.Store.writer`.

    Parameters
    ----------
    folder : StudyFolder
    lock : StudyLock
        Its lock; once that is given back, every method raises RuntimeError.

    Raises
    ------
    StudyError
        If the log is damaged, or the folder of the shards is a link.
    """

    def __init__(self, folder: StudyFolder, lock: StudyLock) -> None:
        self._folder = folder
        self._lock = lock
        self._log = Log(folder.log_path)
        self._waiting = Log(folder.waiting_path)
        require_file(folder.shards_path)
        with folder.writing():
            self._log.drop_torn_line()
            self._waiting.drop_torn_line()
            self._committed = {commit.batch: commit for commit in self._log.read()}

    def create(self, plan: Plan) -> None:
        """Write the plan of a new study; the plan itself comes last.

        Raises
        ------
        StudyError
            If the folder holds a log, of a study whose plan is gone, or another experiment.toml.
        """
        self._lock.require(self._folder)
        folder = self._folder
        if folder.log_path.exists():
            message = (
                f"{folder.where}: commits.jsonl is there, but the plan.json that it belongs to is "
                "gone. Restore plan.json from a copy, choose another folder with out (--out), "
                "or replace what is left with overwrite (--overwrite)."
            )
            raise StudyError(message)
        experiment = _toml(plan)
        path = folder.experiment_path
        require_file(path)
        # Another size is another content: a foreign file of any size is not read.
        if path.exists() and (
            path.stat().st_size != len(experiment) or path.read_bytes() != experiment
        ):
            message = (
                f"{folder.where}: experiment.toml is there, but no study that it belongs to. "
                "Move it away, or choose another folder with out (--out)."
            )
            raise StudyError(message)
        with folder.writing():
            files.make_folder(folder.shards_path)
            files.replace(path, experiment)
            files.replace(folder.configurations_path, configuration_file(plan))
            PlanFile(folder).write(plan)

    def grow(self, plan: Plan) -> None:
        """Write the last round of a plan that the stored one has grown to; see `PlanFile.append`.

        Raises
        ------
        StudyError
            If the disk refuses, or the study has grown too often.
        """
        self._lock.require(self._folder)
        with self._folder.writing():
            PlanFile(self._folder).append(plan)

    def describe(self, plan: Plan) -> None:
        """Have the files for people and other programs show what the study has grown to.

        The only ones that growing replaces, and nothing depends on them. An experiment.toml that
        somebody has changed stays as it is.
        """
        self._lock.require(self._folder)
        before = plan.before
        if before is None:
            return
        self._describe_configurations(plan)
        path = self._folder.experiment_path
        require_file(path)
        if not path.exists():
            return
        there = path.read_bytes()
        while before is not None:
            if there == _toml(before):
                with self._folder.writing():
                    files.replace(path, _toml(plan))
                return
            before = before.before

    def _describe_configurations(self, plan: Plan) -> None:
        path, content = self._folder.configurations_path, configuration_file(plan)
        require_file(path)
        if not path.exists() or path.read_bytes() != content:
            with self._folder.writing():
                files.replace(path, content)

    def clear(self) -> None:
        """Remove a study's own files, and nothing else, from the folder."""
        self._lock.require(self._folder)
        folder = self._folder
        if not folder.exists and not folder.log_path.exists():
            return  # what is there is somebody else's
        with folder.writing():
            self.forget_waiting()
            # The plan goes last: a log without its plan would pass for that of the next one.
            folder.log_path.unlink(missing_ok=True)
            if folder.path.is_dir():
                files.sync_folder(folder.path)
            for path in (
                folder.shards_path,
                folder.telemetry_path.parent,
                folder.tables_path,
                folder.upgrade_path,
                folder.rounds_path,
            ):
                if path.exists():
                    shutil.rmtree(path)
            described = (folder.configurations_path, folder.experiment_path)
            for path in (folder.report_path, *described, folder.plan_path):
                path.unlink(missing_ok=True)
        self._committed = {}

    def commit(
        self,
        batch: Batch,
        shard: bytes,
        rows: int,
        failures: Sequence[Failure],
        device: str = "cpu",
        programs: str = "",
    ) -> Commit:
        """Make one batch's shard and outcome durable; as `commit_together` does."""
        ready = Ready(batch, shard, rows, tuple(failures), device, programs)
        (commit,) = self.commit_together([ready])
        return commit

    def commit_together(
        self, group: Sequence[Ready], staging: Staging | None = None
    ) -> list[Commit]:
        """Make batches' shards and outcomes durable, with few syncs for all of them.

        Parameters
        ----------
        group : sequence of Ready
            No batch twice.
        staging : Staging, optional
            Where staged shards are, of which there may be some then.

        Raises
        ------
        StudyError
            If the same batch is in the log or the folder with other bytes: the promise that a
            batch always gives the same bytes is broken, which must not be papered over. All others
            of the group are committed then. Also if the disk refuses, or a shard or its folder is
            a link.
        """
        self._lock.require(self._folder)
        logs = self._log, self._waiting
        made, waiting, problem = commit_group(self._folder, *logs, self._committed, group, staging)
        late = {commit.batch for commit in waiting}
        self._committed |= {commit.batch: commit for commit in made if commit.batch not in late}
        if problem is not None:
            raise problem
        return made

    def forget_waiting(self) -> None:
        """Remove the lines that wait for their shards, which the log has by now, or never gets."""
        self._lock.require(self._folder)
        with self._folder.writing():
            self._waiting.path.unlink(missing_ok=True)

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Have a folder in which workers write shards, as long as the context lasts."""
        self._lock.require(self._folder)
        with staging(self._folder) as place:
            yield place

    def record(self, *telemetry: Mapping[str, Any]) -> None:
        """Append lines to the telemetry; not synced, as nothing depends on it."""
        self._append(self._folder.telemetry_path, *telemetry)

    def record_programs(self, digest: str, programs: Mapping[str, Fingerprint]) -> None:
        """Append what tells an operation that differs in words; not synced either."""
        operations = {name: programs[name].operations for name in sorted(programs)}
        content = {"programs": digest, "operations": operations}
        self._append(self._folder.programs_path, content)

    def record_versions(self, name: str, versions: Mapping[str, str]) -> None:
        """Append what a name in the lines of batches stands for; not synced either."""
        self._append(self._folder.versions_path, {"name": name, "versions": versions})

    def record_audit(self, found: Mapping[str, Any]) -> None:
        """Append what a batch's second training has found; not synced either."""
        self._append(self._folder.audit_path, found)

    def _append(self, path: Path, *contents: Mapping[str, Any]) -> None:
        self._lock.require(self._folder)
        require_file(path)
        with self._folder.writing():
            lines = [json.dumps(content, sort_keys=True) for content in contents]
            files.make_folder(path.parent)
            files.append_lines(path, lines, durable=False)


def _toml(plan: Plan) -> bytes:
    """Return a plan's experiment as a file."""
    return tomli_w.dumps(plan.experiment.model_dump(mode="json")).encode()
