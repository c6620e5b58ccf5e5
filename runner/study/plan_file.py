"""The files of a study's plan: what it was first asked for, and a file for each growth.

``plan.json`` is the plan's first round. Every later one is a file of its own, ``rounds/001.json``
and on, with the experiment as it is since and the hash of the file before it: a chain, to which
files are added and in which none is changed. Each has the versions of packages it was made with.

They may come from anywhere, so they are bounded before they are read, and nothing in them names a
file that is opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from runner.engines.registry import check_known
from runner.errors import RunnerError, StudyError
from runner.errors.messages import printable, shown
from runner.experiment.batch_sizes import MAX_CURVES
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Plan
from runner.experiment.rounds import MAX_ROUNDS, Range
from runner.study import files
from runner.study.differences import recorded_versions
from runner.study.folder import StudyFolder, require_file
from runner.study.hashed_json import MAX_BYTES, hashed_json, read_hashed_json
from runner.training.shards import FORMAT

_READABLE = (1, FORMAT)


class PlanFile:
    """A study's stored plan.

    Parameters
    ----------
    folder : StudyFolder
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._where = folder.where

    @property
    def sha256(self) -> str:
        """The hash of the last round's file, which holds those of all before."""
        return str(self.contents()[-1]["sha256"])

    def write(self, plan: Plan) -> None:
        """Write the plan of a new study, durably; FileExistsError if there is one."""
        content = {"format": FORMAT, "plan": plan.canonical(), "versions": recorded_versions()}
        files.write_new(self._folder.plan_path, hashed_json(content))

    def append(self, plan: Plan) -> None:
        """Write the last round of a plan that has grown from the stored one, durably."""
        number = len(plan.rounds) - 1
        if number > MAX_ROUNDS:
            message = (
                f"{self._where}: the study has grown {MAX_ROUNDS:,} times; expected no more. Run "
                "the sweep into another folder."
            )
            raise StudyError(message)
        content = {"format": FORMAT, "round": number, "after": self.sha256}
        content |= {"plan": plan.canonical(), "versions": recorded_versions()}
        files.make_folder(self._folder.rounds_path)
        files.write_new(self._folder.round_path(number), hashed_json(content))
        self.__dict__.pop("_paths", None)

    def read(self) -> tuple[Plan, dict[str, str]]:
        """Return the stored plan and the versions that its first round was made with.

        Raises
        ------
        StudyError
            If there is no study, or its plan is damaged or of another format.
        """
        contents = self.contents()
        plan = self._made(self._paths[0], contents[0], None)
        for path, content in zip(self._paths[1:], contents[1:], strict=True):
            plan = self._made(path, content, plan)
        return plan, contents[0]["versions"]

    def _made(self, path: Path, content: Mapping[str, Any], before: Plan | None) -> Plan:
        """Make the plan of one file anew; it must be what is stored there."""
        stored = content["plan"]
        try:
            stored["experiment"]["restarts"]  # else given starts would be counted in their file
            experiment: Experiment = load_experiment(stored["experiment"])
            check_known(stored["engine"])
            # never None, which would have the experiment's own paths read
            contents = [dict(stored["tables"])]
            contents += [dict(stored.get(kind) or {}) for kind in ("models", "starts")]
            if type(stored["curves"]) is not int or not 0 <= stored["curves"] <= MAX_CURVES:
                message = f"curves is {shown(stored['curves'])}"
                raise ValueError(message)
            plan = Plan(
                *(experiment, stored["engine"], stored["batch_size"], *contents),
                curves=stored["curves"],
                before=before,
                added=[Range.parse(each) for each in stored["added"]] if before else (),
                until=stored.get("until"),
            )
            # nothing in it may be of another form
            same = json.loads(json.dumps(plan.canonical())) == stored
        except (RunnerError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise self._strange(path, content, str(error)) from None
        if not same:
            raise self._strange(path, content, "its batches or tables do not follow from it")
        return plan

    @cached_property
    def _paths(self) -> list[Path]:
        """The files, in order.

        Raises
        ------
        StudyError
            If there is another file among them, or one is missing.
        """
        folder = self._folder
        require_file(folder.rounds_path)
        names: set[str] = set()
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            os.scandir(folder.rounds_path) as found,
        ):
            for entry in found:
                if not entry.name.endswith(files.TEMPORARY):  # a crash has left it
                    names.add(entry.name)
                if len(names) > MAX_ROUNDS:
                    break
        paths = [folder.round_path(number) for number in range(1, len(names) + 1)]
        if strangers := names - {path.name for path in paths}:
            message = (
                f"{self._where}: rounds/ holds {shown(min(strangers))}; expected "
                f"{folder.round_path(1).name} and on, without a gap. Restore what is missing from "
                "a copy, or move away what is not the study's."
            )
            raise StudyError(message)
        return [folder.plan_path, *paths]

    def content(self) -> dict[str, Any]:
        """Return the fields of ``plan.json``, all but its hash: see `contents`."""
        content = self._read(self._folder.plan_path)
        del content["sha256"]
        return content

    def contents(self) -> list[dict[str, Any]]:
        """Return the fields of every file, as they are: ``plan.json`` first.

        Raises
        ------
        StudyError
            If there is no study, or a file is a link, does not match its hash, is of another
            format or does not follow the one before it.
        """
        found: list[dict[str, Any]] = []
        size = sum(path.stat().st_size for path in self._paths[1:])
        if size > MAX_BYTES:
            message = (
                f"{self._where}: rounds/ has {size:,} bytes; expected at most {MAX_BYTES:,}. "
                "Restore it from a copy, or run the sweep again into another folder."
            )
            raise StudyError(message)
        for number, path in enumerate(self._paths):
            content = self._read(path)
            follows = [content.get(name) for name in ("round", "after", "format")]
            if number and follows != [number, found[-1]["sha256"], found[0]["format"]]:
                message = (
                    f"{self._where}: {self._name(path)} is of another study (it does not follow "
                    f"{self._name(self._paths[number - 1])}). Restore it from a copy, or move it "
                    "and those after it away: what they have added is then no part of the study."
                )
                raise StudyError(message)
            found.append(content)
        return found

    def _read(self, path: Path) -> dict[str, Any]:
        """Return the fields of one file; StudyError if it is of another format."""
        if self._folder.is_being_upgraded:
            message = (
                f"{self._where}: an upgrade of the study was stopped. Run "
                f"`python -m runner upgrade {self._where}`, which finishes it."
            )
            raise StudyError(message)
        content = read_hashed_json(self._folder, path)
        if content["format"] not in _READABLE:
            message = (
                f"{self._where}: {self._name(path)} has format {shown(content['format'])}; "
                f"expected at most {FORMAT}. Read it with the version of runner that wrote it: "
                f"{shown(content['versions'].get('runner'))}."
            )
            raise StudyError(message)
        return content

    def _name(self, path: Path) -> str:
        return printable(path.relative_to(self._folder.path).as_posix())

    def _strange(self, path: Path, content: Mapping[str, Any], reason: str) -> StudyError:
        first = printable(reason.partition("\n")[0])
        return StudyError(
            f"{self._where}: {self._name(path)} is whole, but not a plan of this version of runner "
            f"({first.rstrip('.')}). It was written by {shown(content['versions'].get('runner'))}: "
            "read it with that version, or run the sweep again into another folder."
        )
