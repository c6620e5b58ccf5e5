"""The file ``plan.json``: what a study was to do, with its own hash and the versions of packages.

It may come from anywhere, so it is bounded before it is read, and nothing in it names a file that
is opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.engines.registry import check_known
from runner.errors import RunnerError, StudyError
from runner.errors.messages import printable, shown
from runner.experiment.content_hash import digest
from runner.experiment.experiment import Experiment, load_experiment
from runner.experiment.plan import Plan
from runner.study import files
from runner.study.differences import recorded_versions
from runner.study.folder import StudyFolder, require_file
from runner.training.shards import FORMAT

_READABLE = (1, FORMAT)
_MAX_BYTES = 2**28


class PlanFile:
    """A study's stored plan.

    Parameters
    ----------
    folder : StudyFolder
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._path = folder.plan_path
        self._where = folder.where

    @property
    def sha256(self) -> str:
        """The stored plan's own hash."""
        return str(json.loads(self._path.read_bytes())["sha256"])

    def write(self, plan: Plan) -> None:
        """Write the plan of a new study, durably; FileExistsError if there is one."""
        content = {"format": FORMAT, "plan": plan.canonical(), "versions": recorded_versions()}
        files.write_new(self._path, sealed(content))

    def read(self) -> tuple[Plan, dict[str, str]]:
        """Return the stored plan and the versions that it was made with.

        Raises
        ------
        StudyError
            If there is no study, or its plan is damaged or of another format.
        """
        content = self.content()
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
            raise self._strange(content, str(error)) from None
        if not same:
            raise self._strange(content, "its batches or tables do not follow from it")
        return plan, content["versions"]

    def content(self) -> dict[str, Any]:
        """Return the file's fields ``format``, ``plan`` and ``versions``, as they are.

        Raises
        ------
        StudyError
            If there is no study, or the file is a link, does not match its hash or is of another
            format.
        """
        if self._folder.is_being_upgraded:
            message = (
                f"{self._where}: an upgrade of the study was stopped. Run "
                f"`python -m runner upgrade {self._where}`, which finishes it."
            )
            raise StudyError(message)
        require_file(self._path)
        try:
            if self._path.stat().st_size > _MAX_BYTES:
                raise ValueError
            content = dict(json.loads(self._path.read_bytes()))
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
        if content["format"] not in _READABLE:
            message = (
                f"{self._where}: plan.json has format {shown(content['format'])}; expected at most "
                f"{FORMAT}. Read it with the version of runner that wrote it: "
                f"{shown(content['versions'].get('runner'))}."
            )
            raise StudyError(message)
        return content

    def _strange(self, content: Mapping[str, Any], reason: str) -> StudyError:
        first = printable(reason.partition("\n")[0])
        return StudyError(
            f"{self._where}: plan.json is whole, but not a plan of this version of runner "
            f"({first.rstrip('.')}). It was written by {shown(content['versions'].get('runner'))}: "
            "read it with that version, or run the sweep again into another folder."
        )


def sealed(content: Mapping[str, Any]) -> bytes:
    """Return content as the bytes of a file that ends with its ``sha256``."""
    # not sorted: the order of the grid is the order of the configurations
    text = json.dumps({**content, "sha256": digest(content)}, indent=1)
    return text.encode() + b"\n"
