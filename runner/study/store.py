"""The study folder: every path in it, atomic commits, and what is committed.

Only the process that holds the study's lock writes. A batch is committed by writing its shard to
a temporary file, renaming it, and appending one line to ``commits.jsonl``: what the log lacks did
not happen. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomli_w
from filelock import FileLock, Timeout

from runner.engines.registry import check_known, may_compute_with_jax
from runner.engines.versions import JAX_PACKAGES, versions
from runner.errors import RunnerError, StudyError
from runner.errors.messages import printable, shown
from runner.experiment.batches import Batch
from runner.experiment.digest import digest
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Plan
from runner.study import files
from runner.study.commits import Commit, Failure, Log

FORMAT = 1
"""Version of the folder's layout."""

_MAX_PLAN_BYTES = 2**28
_HOLDER_S = 2.0  # how long a process that has just taken the lock may need to say so

_DERIVED = {"plan.configurations", "plan.batch_sizes", "plan.curves"}


class Store:
    """A study folder.

    Parameters
    ----------
    path : Path
        The folder; need not exist yet.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._committed: dict[Batch, Commit] = {}

    @property
    def plan_path(self) -> Path:
        """The plan, immutable, with its own hash."""
        return self.path / "plan.json"

    @property
    def experiment_path(self) -> Path:
        """The experiment as it was run, for people and for another run."""
        return self.path / "experiment.toml"

    @property
    def log(self) -> Log:
        """What is committed."""
        return Log(self.path / "commits.jsonl")

    @property
    def telemetry_path(self) -> Path:
        """One line per batch with times and places; differs from run to run."""
        return self.path / "telemetry" / "batches.jsonl"

    @property
    def audit_path(self) -> Path:
        """One line per batch that was trained a second time, to compare."""
        return self.path / "telemetry" / "audit.jsonl"

    @property
    def shards_path(self) -> Path:
        """Folder of the shards."""
        return self.path / "shards"

    @property
    def report_path(self) -> Path:
        """The report, one self-contained file."""
        return self.path / "report.html"

    @property
    def plan_sha256(self) -> str:
        """The stored plan's own hash."""
        return str(json.loads(self.plan_path.read_bytes())["sha256"])

    @property
    def tables_path(self) -> Path:
        """Folder of the tables that analysis adds."""
        return self.path / "tables"

    @property
    def lock_path(self) -> Path:
        """Held by the process that writes."""
        return self.path / ".lock"

    @property
    def quarantine_path(self) -> Path:
        """Where damaged files are moved; nothing is ever deleted for being damaged."""
        return self.path / "quarantine"

    def shard_path(self, batch: Batch) -> Path:
        """Where a batch's shard lies."""
        return self.shards_path / f"{batch.name}.parquet"

    @property
    def exists(self) -> bool:
        """Whether there is a plan in the folder."""
        return self.plan_path.is_file()

    @contextmanager
    def locked(self, *, reading: bool = True) -> Iterator[None]:
        """Hold the folder for writing.

        Parameters
        ----------
        reading : bool
            Whether to read the log, which fails where it is damaged.

        Raises
        ------
        StudyError
            If another process holds it, or the folder cannot be made.
        """
        if self.path.exists() and not self.path.is_dir():
            message = f"{self._where} is a file; expected a folder. Choose another with --out."
            raise StudyError(message)
        with self.writing():
            files.make_folder(self.path)
        lock = FileLock(self.lock_path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            message = (
                f"{self._where} is in use by {self._holder()}; expected one sweep at a time. "
                "Wait until it ends, or choose another folder with --out."
            )
            raise StudyError(message) from None
        except OSError as error:
            raise self._unwritable(error) from error
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        try:
            with self.writing():
                # Beside the lock, not in it: another system may refuse to read a locked file.
                files.replace(self._holder_path, holder.encode(), durable=False)
                self._remove_temporaries()
                if reading:
                    self.log.drop_torn_line()
                    self._committed = {commit.batch: commit for commit in self.log.read()}
            yield
        finally:
            with suppress(OSError):  # it only tells who holds the lock
                self._holder_path.unlink(missing_ok=True)
            lock.release()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what a disk refuses into a StudyError that says how to go on.

        Only around work on files: what a broken connection raises is an OSError too.
        """
        try:
            yield
        except OSError as error:
            raise self._unwritable(error) from error

    @property
    def _holder_path(self) -> Path:
        return self.lock_path.with_suffix(".holder")

    def _holder(self) -> str:
        """Name the process that has the lock; it writes its name a moment after it took it."""
        until = time.monotonic() + _HOLDER_S
        while True:
            with suppress(OSError, UnicodeDecodeError):
                holder = self._holder_path.read_text()[:200]
                if not _is_gone(holder):
                    return printable(holder)
            if time.monotonic() > until:
                return "another process"
            time.sleep(0.01)

    def _unwritable(self, error: OSError) -> StudyError:
        reason = error.strerror or type(error).__name__
        return StudyError(
            f"{self._where}: cannot write: {reason}. What is committed stays; make room or choose "
            "another folder with --out, then run the same command again."
        )

    @property
    def _where(self) -> str:
        return printable(str(self.path))

    def _remove_temporaries(self) -> None:
        """Remove what a stop has left half written; a file of that suffix may also be a user's."""
        own = [self.plan_path, self.experiment_path, self.log.path]
        own += [self.report_path, self._holder_path]
        found = [path.with_name(path.name + files.TEMPORARY) for path in own]
        if self.exists:
            places = {self.shards_path: "*", self.tables_path: "*"}
            places[self.quarantine_path] = f"*-{self.log.path.name}"
            for folder, names in places.items():
                if not folder.is_symlink():
                    found += folder.rglob(names + files.TEMPORARY)
        for path in found:
            if path.is_file():
                path.unlink()

    def clear(self) -> None:
        """Remove a study's own files, and nothing else, from the folder."""
        if not self.exists and not self.log.path.exists():
            return  # what is there is somebody else's
        with self.writing():
            # The plan goes last: a log without its plan would pass for that of the next one.
            self.log.path.unlink(missing_ok=True)
            if self.path.is_dir():
                files.sync_folder(self.path)
            for name in ("shards", "telemetry", "tables"):
                if (self.path / name).exists():
                    shutil.rmtree(self.path / name)
            for path in (self.report_path, self.experiment_path, self.plan_path):
                path.unlink(missing_ok=True)
        self._committed = {}

    def create(self, plan: Plan) -> None:
        """Write the plan of a new study; the plan itself comes last.

        Raises
        ------
        StudyError
            If the folder holds a log, of a study whose plan is gone, or another experiment.toml.
        """
        if self.log.path.exists():
            message = (
                f"{self._where}: commits.jsonl is there, but the plan.json that it belongs to is "
                "gone. Restore plan.json from a copy, choose another folder with --out, or replace "
                "what is left with --overwrite."
            )
            raise StudyError(message)
        experiment = tomli_w.dumps(plan.experiment.model_dump(mode="json")).encode()
        if self.experiment_path.exists() and self.experiment_path.read_bytes() != experiment:
            message = (
                f"{self._where}: experiment.toml is there, but no study that it would be of. "
                "Move it away, or choose another folder with --out."
            )
            raise StudyError(message)
        content = {"format": FORMAT, "plan": plan.canonical(), "versions": versions()}
        # not sorted: the order of the grid is the order of the configurations
        text = json.dumps(content | {"sha256": digest(content)}, indent=1)
        with self.writing():
            files.make_folder(self.shards_path)
            files.replace(self.experiment_path, experiment)
            files.write_new(self.plan_path, text.encode() + b"\n")

    def read_plan(self) -> tuple[Plan, dict[str, str]]:
        """Return the stored plan and the versions that it was made with.

        Raises
        ------
        StudyError
            If there is no study, or its plan is damaged or of another format.
        """
        content = self._plan_content()
        stored = content["plan"]
        try:
            experiment: Experiment = load_experiment(stored["experiment"])
            check_known(stored["engine"])
            # never None, which would have the experiment's own paths read
            contents = dict(stored["tables"]), dict(stored.get("models") or {})
            plan = Plan(experiment, stored["engine"], stored["batch_size"], *contents)
            # made again, it must be what is stored: nothing in it may be of another form
            same = json.loads(json.dumps(plan.canonical())) == stored
        except (RunnerError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise self._strange_plan(content, str(error)) from None
        if not same:
            raise self._strange_plan(content, "its batches or tables do not follow from it")
        return plan, content["versions"]

    def _strange_plan(self, content: Mapping[str, Any], reason: str) -> StudyError:
        first = printable(reason.partition("\n")[0])
        return StudyError(
            f"{self._where}: plan.json is whole, but not a plan of this version of runner "
            f"({first.rstrip('.')}). It was written by {shown(content['versions'].get('runner'))}: "
            "read it with that version, or run the sweep again into another folder."
        )

    def _plan_content(self) -> dict[str, Any]:
        try:
            if self.plan_path.stat().st_size > _MAX_PLAN_BYTES:
                raise ValueError
            content = dict(json.loads(self.plan_path.read_bytes()))
            whole = content.pop("sha256") == digest(content)
            whole = whole and isinstance(content["plan"], dict)
            whole = whole and isinstance(content["versions"], dict)
        except (FileNotFoundError, NotADirectoryError):
            message = (
                f"{self._where}: no study here (no plan.json). "
                f"Make one with `python -m runner sweep EXPERIMENT.toml --out {self._where}`."
            )
            raise StudyError(message) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            content, whole = {}, False
        except OSError as error:
            message = f"{self._where}: cannot read plan.json: {error.strerror}."
            raise StudyError(message) from error
        if not whole or {"format", "plan", "versions"} - content.keys():
            message = (
                f"{self._where}: plan.json is damaged (its content does not match its SHA-256). "
                "Restore it from a copy, or run the sweep again into another folder."
            )
            raise StudyError(message)
        if content["format"] != FORMAT:
            message = (
                f"{self._where}: plan.json has format {shown(content['format'])}; expected "
                f"{FORMAT}. Read it with the version of runner that wrote it: "
                f"{shown(content['versions'].get('runner'))}."
            )
            raise StudyError(message)
        return content

    def differences(self, plan: Plan, device: str = "cpu") -> list[str]:
        """Return what a plan and this machine's versions change against what is stored.

        Versions of JAX count only if it may have trained what is committed, or may train what is
        left on ``device``.
        """
        content = self._plan_content()
        old = {"plan": content["plan"], "versions": content["versions"]}
        new = json.loads(json.dumps({"plan": plan.canonical(), "versions": versions()}))
        found = dict(_differences(old, new))
        of_jax = {f"versions.{name}" for name in JAX_PACKAGES} & found.keys()
        if of_jax and not self._may_hold_jax(plan, device):
            found = {path: text for path, text in found.items() if path not in of_jax}
        # What follows from other fields is named only where nothing else explains it.
        telling = [
            text
            for path, text in found.items()
            if path not in _DERIVED and not path.endswith(".source")
        ]
        return telling or list(found.values())

    def has_other_jax(self) -> bool:
        """Return whether the study was begun with another version of JAX than is here, or none."""
        recorded, ours = self._plan_content()["versions"], versions()
        return any(recorded.get(name) != ours.get(name) for name in JAX_PACKAGES)

    def _may_hold_jax(self, plan: Plan, device: str) -> bool:
        kinds = {device} | {commit.device for commit in self.commits()}
        signatures = [group.configurations[0].signature() for group in plan.groups]
        return any(
            may_compute_with_jax(plan.engine, kind, signature)
            for kind in kinds
            for signature in signatures
        )

    def commits(self) -> list[Commit]:
        """Return every committed batch; see `runner.study.commits.Log.read`."""
        return self.log.read()

    def remaining(self, plan: Plan) -> list[Batch]:
        """Return the plan's batches that are not committed, or whose shard is gone.

        Raises
        ------
        StudyError
            If the log is damaged.
        """
        committed = {commit.batch for commit in self.commits()}
        kept = {batch for batch in committed if self.shard_path(batch).is_file()}
        return [batch for batch in plan.batches() if batch not in kept]

    def commit(
        self,
        batch: Batch,
        shard: bytes,
        rows: int,
        failures: Sequence[Failure],
        device: str = "cpu",
    ) -> Commit:
        """Make a batch's shard and outcome durable.

        Raises
        ------
        StudyError
            If the same batch is in the log or the folder with other bytes: the promise that a
            batch always gives the same bytes is broken, which must not be papered over.
        """
        path = self.shard_path(batch)
        sha256 = hashlib.sha256(shard).hexdigest()
        logged = self._committed.get(batch)
        if logged is not None and logged.sha256 != sha256:
            raise self._alarm(path)
        commit = Commit(batch, rows, len(shard), sha256, tuple(failures), device)
        with self.writing():
            files.make_folder(path.parent)
            try:
                files.write_new(path, shard)
            except FileExistsError:
                # left by a crash between the rename and the log's line
                if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
                    raise self._alarm(path) from None
            if logged is None:
                self.log.append(commit)
                self._committed[batch] = commit
        return commit

    def _alarm(self, path: Path) -> StudyError:
        return StudyError(
            f"{printable(str(path))}: the same batch, trained again, has another SHA-256. Nothing "
            "was overwritten. Find out why: a damaged disk (`python -m runner verify "
            f"{self._where} --repair` moves damaged shards away), workers that do not compute "
            "alike, or a stop just when the other kind of device, CPU or GPU, had trained it."
        )

    def record(self, telemetry: Mapping[str, Any], path: Path | None = None) -> None:
        """Append a line to the telemetry; not synced, as nothing depends on it."""
        with self.writing():
            line = json.dumps(telemetry, sort_keys=True)
            files.make_folder(self.telemetry_path.parent)
            files.append_line(path or self.telemetry_path, line, durable=False)

    def audits(self) -> list[dict[str, Any]]:
        """Return what was found of every batch that was trained a second time, the last time."""
        found = {}
        with suppress(FileNotFoundError):
            for line in self.audit_path.read_bytes().split(b"\n"):
                with suppress(ValueError, KeyError, TypeError):  # a line that a crash has torn
                    content = json.loads(line)
                    found[content["batch"]] = content
        return list(found.values())


def is_finished(folder: str | Path) -> bool:
    """Whether a folder has a study of which nothing is left to train.

    Raises
    ------
    StudyError
        If there is a study, and its plan or its log is damaged.
    """
    store = Store(folder)
    return store.exists and not store.remaining(store.read_plan()[0])


def _is_gone(holder: str) -> bool:
    """Whether a holder's name is what a killed process of this machine has left."""
    found = re.fullmatch(r"process (\d{1,9}) on (.+)", holder)
    if found is None or found[2] != socket.gethostname():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        # a reader knows the experiment's fields by their own names
        field = path.removeprefix("plan.").removeprefix("experiment.")
        yield path, f"{field} was {shown(old)}, now {shown(new)}"
