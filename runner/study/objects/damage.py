"""Objects of a study that are not as the store's log says: found by reading all of them.

What is found is put right in a copy, as damage of a folder is, and pushed: shards that the copy has
or trains again, and a log of the lines that are whole. What was damaged is kept in the copy's
quarantine. See `runner.study.objects.url_copy.changeable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from runner.study import files
from runner.study.commits import Commit
from runner.study.damage import free_name
from runner.study.files import side_by_side
from runner.study.folder import StudyFolder
from runner.study.objects import object_names
from runner.study.objects.copy import no_study
from runner.study.objects.log import MOST_OF_SHARD, Lines, groups, log_bytes, shard_name
from runner.study.objects.object_store import Meta, ObjectStore
from runner.study.objects.state import sha256


@dataclass(frozen=True)
class ObjectDamage:
    """An object that differs from what the log says, or a line of the log that is no commit."""

    name: str
    """The object's."""
    problem: str
    """What is wrong with it, in words."""


def find(objects: ObjectStore) -> list[ObjectDamage]:
    """Compare every shard in a store with the store's log; reads every byte of every shard.

    Returns
    -------
    list of ObjectDamage
        Empty if every object that counts is as the log says.

    Raises
    ------
    StudyError
        If there is no study, or the store fails.
    """
    data, _ = log_bytes(objects)  # before the listing: what it names was there then
    there = objects.listing()
    if object_names.PLAN not in there:
        raise no_study(objects)
    lines, others = Lines.sorted_out(data)
    found = [
        ObjectDamage(object_names.LOG, f"has a line {number} that is damaged, or there twice")
        for number in others
    ]
    for group in groups(list(lines.commits.values())):
        problems = side_by_side(partial(_problem, objects, there), group)
        found += [
            ObjectDamage(shard_name(commit.batch), problem)
            for commit, problem in zip(group, problems, strict=True)
            if problem
        ]
    return found


def _problem(objects: ObjectStore, there: Mapping[str, Meta], commit: Commit) -> str:
    """Return what is wrong with a shard; empty if nothing is."""
    name = shard_name(commit.batch)
    if name not in there:
        return "is missing"
    if there[name].size != commit.size:
        return "is damaged (its size is not the log's)"
    try:
        data, _ = objects.get(name, commit.size)
    except FileNotFoundError:
        return "is missing"
    return "" if sha256(data) == commit.sha256 else "is damaged (its SHA-256 is not the log's)"


def keep(objects: ObjectStore, folder: StudyFolder, names: Iterable[str]) -> None:
    """Keep what is damaged in a folder's quarantine, before it is replaced."""
    for name in names:
        try:
            data, _ = objects.get(name, MOST_OF_SHARD)
        except FileNotFoundError:
            continue
        with folder.writing():
            files.write_new(free_name(folder, folder.path / name), data)
