"""What would be computed in another way than a stored study was: its plan, packages' versions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from runner.engines.registry import may_compute_with_jax
from runner.engines.versions import JAX_PACKAGES, computing_source, versions
from runner.errors.messages import shown
from runner.experiment.fields.sections import Problem
from runner.experiment.plan import Plan
from runner.study.arithmetic import BY_ARITHMETIC
from runner.study.content_differences import content_differences

SOURCE = "source"
"""Among the versions that a study records: a hash of the runner's code that computes."""

# Of what is no field of the experiment file, what users give it by.
_OPTIONS = {"plan.batch_size": "batch_size (--batch-size)", "plan.engine": "engine (--engine)"}

_GROWING = {"plan.experiment.restarts", "plan.batch_size"}
_DERIVED = {"plan.configurations", "plan.batch_sizes", "plan.curves"}


def recorded_versions() -> dict[str, str]:
    """Return what a new study records: versions of packages, and the runner's own source."""
    return versions() | {SOURCE: computing_source()}


def other_source(stored: Mapping[str, Any]) -> str:
    """Return that a study was begun with other code than is here, in words; else nothing.

    Studies from before this was recorded are taken for the same.
    """
    then, now = stored["versions"].get(SOURCE), computing_source()
    if then in (None, now):
        return ""
    return f"the runner's code that trains was {shown(then)} (a hash of its source), now {now!r}"


# What of an experiment may not change as a study grows. Restarts and curves are compared as they
# are planned; what matters of all other fields is in the configurations' own hashes.
_LASTING = ("name", "seed")


def differences(
    stored: Mapping[str, Any],
    plan: Plan,
    devices: Iterable[str],
    *,
    grows: bool = False,
    arithmetic: Callable[[], list[str] | None] = lambda: None,
) -> list[str]:
    """Return what a plan and this machine's versions change against what is stored, in words.

    Parameters
    ----------
    stored : mapping
        The fields ``plan`` and ``versions`` of a study's plan file.
    plan : Plan
    devices : iterable of str
        Kinds of device that are to train what is left, or have trained a part of the study.
        Versions of JAX count only if it may train there; otherwise these are not asked for.
    grows : bool
        Whether to leave out what may differ of a plan that holds every stored configuration.
    arithmetic : callable
        Says what is computed otherwise here, as `runner.study.arithmetic.other_arithmetic` does;
        asked only where versions alone differ, of which it then takes the place.
    """
    begun = {name: found for name, found in stored["versions"].items() if name != SOURCE}
    old = {"plan": dict(stored["plan"]), "versions": begun}
    new = json.loads(json.dumps({"plan": plan.canonical(), "versions": versions()}))
    new["plan"]["curves"] = old["plan"]["curves"]  # only what was asked for is compared
    for side in (old, new):
        side["plan"].pop("added", None)
        side["plan"].pop("until", None)
        side["plan"]["experiment"] = _with_levels(side["plan"]["experiment"])
    if grows:
        old["plan"], new["plan"] = _kept(old["plan"], new["plan"]), _kept(new["plan"], old["plan"])
    files = dict(content_differences(old["plan"], new["plan"]))
    for side in (old, new):
        for kind in ("tables", "models", "starts"):
            side["plan"].pop(kind, None)
    found = dict(_differences(old, new)) | files
    of_jax = {f"versions.{name}" for name in JAX_PACKAGES} & found.keys()
    if of_jax and not _may_use_jax(plan, devices):
        found = {path: text for path, text in found.items() if path not in of_jax}
    of_arithmetic = {f"versions.{name}" for name in BY_ARITHMETIC}
    if found and found.keys() <= of_arithmetic and (computed := arithmetic()) is not None:
        return [*found.values(), *computed] if computed else []
    # What follows from other fields is named only where nothing else explains it, and so is what
    # would be no reason: a study takes more restarts, in batches of another size.
    then, now = (side["plan"]["experiment"].get("restarts", 0) for side in (old, new))
    aside = _DERIVED | _GROWING if now > then else _DERIVED
    telling = [text for path, text in found.items() if path not in aside]
    return telling or list(found.values())


def _with_levels(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment with the levels of its gate, which are stored only where they are set.

    Levels that a file sets to their defaults are no difference.
    """
    levels = {name: list(Problem.model_fields[name].default) for name in ("inputs", "targets")}
    return {**experiment, "problem": levels | experiment.get("problem", {})}


def _kept(plan: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a plan has to be as it is in the other one."""
    experiment = {name: plan["experiment"][name] for name in _LASTING}
    files = {
        kind: {name: v for name, v in plan.get(kind, {}).items() if name in other.get(kind, {})}
        for kind in ("tables", "models")
    }
    return {"engine": plan["engine"], "experiment": experiment, **files}


def has_other_jax(stored: Mapping[str, Any]) -> bool:
    """Return whether a study was begun with another version of JAX than is here, or without."""
    recorded, ours = stored["versions"], versions()
    return any(recorded.get(name) != ours.get(name) for name in JAX_PACKAGES)


def _may_use_jax(plan: Plan, devices: Iterable[str]) -> bool:
    signatures = [group.configurations[0].signature() for group in plan.groups]
    return any(
        may_compute_with_jax(plan.engine, device, signature)
        for device in devices
        for signature in signatures
    )


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif old != new:
        # a reader knows the experiment's fields by their own names
        field = path.removeprefix("plan.").removeprefix("experiment.")
        yield path, f"{_OPTIONS.get(path, field)} was {in_file(old)}, now {in_file(new)}"


def in_file(value: Any) -> str:
    """Return a value as an experiment file has it; what it does not have is nothing."""
    if value is None:
        return "nothing"
    if isinstance(value, list) and any(each is None or isinstance(each, bool) for each in value):
        return f"[{', '.join(map(in_file, value))}]"  # an axis of a few values
    return shown(value).lower() if isinstance(value, bool) else shown(value)
