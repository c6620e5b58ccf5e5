"""Which configurations of two studies are the same, but for what the studies differ in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from runner.errors import ExperimentError, StudyError
from runner.errors.messages import nearest
from runner.experiment.configuration import Configuration
from runner.experiment.content_hash import digest
from runner.experiment.plan import Plan
from runner.study.differences import in_file

# What is to be learned: shares of solved restarts of different problems answer no one question.
_PROBLEM = ("problem.gate", "problem.table")
_MISSING = "null"

_Values: TypeAlias = dict[str, dict[str, Any]]  # by dotted path, then by their JSON


@dataclass(frozen=True)
class Difference:
    """A setting that two studies do not have alike."""

    field: str
    """Dotted path."""
    a: tuple[Any, ...]
    """Its values in the first study."""
    b: tuple[Any, ...]
    """Its values in the second."""
    ignored: bool
    """Whether no value is in both, so that configurations are matched without it."""


@dataclass(frozen=True)
class Match:
    """Two configurations, one of each study."""

    a: Configuration
    """Of the first study."""
    b: Configuration
    """Of the second."""
    point: Mapping[str, Any]
    """What they have in common of the settings that vary among the configurations matched."""


def differences(a: Plan, b: Plan) -> list[Difference]:
    """Return the settings that two plans' configurations do not have alike, by name."""
    return _differences(*(_values(map(settings, plan.configurations)) for plan in (a, b)))


def _differences(first: _Values, second: _Values) -> list[Difference]:
    found = []
    for field in sorted(first.keys() | second.keys()):
        one, other = (values.get(field, {_MISSING: None}) for values in (first, second))
        if one.keys() != other.keys():
            ignored = not one.keys() & other.keys()
            found.append(Difference(field, (*one.values(),), (*other.values(),), ignored))
    return found


def matches(a: Plan, b: Plan) -> list[Match]:
    """Return the configurations of two plans that belong together.

    Parameters
    ----------
    a, b : Plan

    Returns
    -------
    list of Match
        In the order of ``a``. Two configurations match if they have the same value of every
        setting, those left out of which no value occurs in both studies: the studies as a whole
        differ in these. Where such a setting varies within a study, each of its configurations
        matches.

    Raises
    ------
    StudyError
        If the studies have no problem, or no configuration, in common.
    """
    ours, theirs = ([settings(c) for c in plan.configurations] for plan in (a, b))
    first, second = _values(ours), _values(theirs)
    different = _differences(first, second)
    ignored = {each.field for each in different if each.ignored}
    for each in different:
        if each.ignored and each.field in _PROBLEM:
            raise _nothing(each)
    partners: dict[str, list[Configuration]] = {}
    for configuration, content in zip(b.configurations, theirs, strict=True):
        partners.setdefault(_key(content, ignored), []).append(configuration)
    pairs = [
        (one, content, other)
        for one, content in zip(a.configurations, ours, strict=True)
        for other in partners.get(_key(content, ignored), [])
    ]
    if not pairs:
        raise _nothing(different[0])
    varying = [
        field
        for field in {**first, **second}
        if field not in ignored
        and len({json.dumps(content.get(field)) for _, content, _ in pairs}) > 1
    ]
    return [
        Match(one, other, {field: content.get(field) for field in varying})
        for one, content, other in pairs
    ]


def settings(configuration: Configuration) -> dict[str, Any]:
    """Return every setting by dotted path; of a table or a model the hash of its content."""
    content: dict[str, Any] = dict(_flat(configuration.settings.canonical()))
    if configuration.settings.problem.table is not None:
        content["problem.table"] = digest(configuration.table.canonical())[:12]
    if configuration.given is not None and configuration.settings.init.table is not None:
        content["init.table"] = configuration.given.sha256[:12]
    if configuration.model is not None:
        content["network.model"] = digest(configuration.model.canonical())[:12]
    return content


def chosen(plan: Plan, conditions: Sequence[tuple[str, Any]]) -> list[int]:
    """Return the configurations that have certain values.

    Parameters
    ----------
    plan : Plan
    conditions : sequence of (str, object)
        Dotted paths of settings, and values. Of several values of one path any will do.

    Raises
    ------
    ExperimentError
        If there is no such setting, or no configuration has such values.
    """
    wanted: dict[str, list[Any]] = {}
    for path, value in conditions:
        wanted.setdefault(path, []).append(value)
    values = {c.index: settings(c) | dict(_as_json(c.point)) for c in plan.configurations}
    known = [*dict.fromkeys(path for each in values.values() for path in each)]
    for path in wanted:
        if path not in known:
            message = f"--where {path}: there is no such setting.{nearest(path, known)}"
            raise ExperimentError(message)
    found = [
        index
        for index, each in values.items()
        if all(any(_same(each.get(path), v) for v in of) for path, of in wanted.items())
    ]
    if not found:
        path = next(iter(wanted))
        there = {json.dumps(each.get(path)): each.get(path) for each in values.values()}
        message = f"--where: no configuration has these values; {path} is one of "
        raise ExperimentError(f"{message}{', '.join(map(in_file, [*there.values()][:12]))}.")
    return found


def _as_json(point: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for path, value in point.items():
        yield path, list(value) if isinstance(value, tuple) else value


def _same(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _values(contents: Iterable[Mapping[str, Any]]) -> _Values:
    """Return the values that occur of each setting, by their JSON."""
    found: _Values = {}
    for content in contents:
        for field, value in content.items():
            found.setdefault(field, {})[json.dumps(value)] = value
    return found


def _key(content: Mapping[str, Any], ignored: set[str]) -> str:
    known = {k: v for k, v in content.items() if k not in ignored and v is not None}
    return json.dumps(known, sort_keys=True)


def _nothing(difference: Difference) -> StudyError:
    one, other = (
        in_file(values[0] if len(values) == 1 else list(values))
        for values in (difference.a, difference.b)
    )
    return StudyError(
        f"{difference.field} is {one} in the first study and {other} in the second; expected "
        "a value that both have. Nothing can be compared."
    )
