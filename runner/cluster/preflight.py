"""What every worker is asked before it gets work: what it runs, which is to be the client's."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.engines.devices import require, require_hessians
from runner.engines.versions import PACKAGES, source, versions, without_jax
from runner.errors import ClusterError

Versions = Mapping[str, str]


@dataclass(frozen=True)
class Inspection:
    """What an inspection of workers has found."""

    answered: frozenset[str]
    """Addresses of the workers that answered."""
    misfits: frozenset[str]
    """Addresses of those that must not get work."""
    text: str
    """Why, in lines."""


def inspect(
    client: Any,
    offers: Mapping[str, str],
    cpus_need_jax: Callable[[], bool],
    requirement: Callable[[], object] | None = None,
    excuse: Callable[[], bool] = lambda: False,
) -> Inspection:
    """Ask workers, by address with what they offer, for their versions and their GPU.

    ``requirement`` is called on each that has the client's versions, and raises ClusterError there
    if it does not fit, for which the client may have an ``excuse``.
    """
    ours, theirs = own(), ask_workers(client, list(offers))
    strange = mismatches(ours, theirs)
    cpus = [a for a in strange if offers[a] in ("", "cpu")]
    not_with_jax = cpus if cpus and not cpus_need_jax() else []
    strange = mismatches(ours, theirs, not_with_jax)
    gpus = [a for a in theirs if offers[a] == "gpu" and a not in strange]
    lacking = refusing(client, gpus, require, "gpu")
    if requirement is not None:
        unfit = refusing(client, [a for a in theirs if a not in strange], requirement)
        lacking |= unfit if unfit and not excuse() else {}
    lines = [f"  {address}: {reason}" for address, reason in lacking.items()]
    if strange:
        lines.append(version_table(ours, theirs, not_with_jax))
    return Inspection(frozenset(theirs), frozenset([*strange, *lacking]), "\n".join(lines))


def _asker() -> Callable[[], dict[str, str]]:
    """Return what runs on a worker, as a local function: such a one is sent whole.

    It must also run where the runner is missing, so it imports nothing of it but in a ``try``.
    """
    packages = PACKAGES

    def ask() -> dict[str, str]:
        import importlib.metadata
        import platform

        found = {"python": ".".join(platform.python_version_tuple()[:2])}
        for name in packages:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = "missing"
        try:
            from runner.engines.versions import source, versions

            found["runner"] = f"{versions()['runner']} ({source()})"
        except Exception as error:
            found["runner"] = "missing" if isinstance(error, ImportError) else repr(error)[:60]
        return found

    return ask


def own() -> dict[str, str]:
    """Return the client's own versions, as a worker would tell them."""
    found = versions()
    return (
        {"python": found["python"]}
        | {name: found.get(name, "missing") for name in PACKAGES}
        | {"runner": f"{found['runner']} ({source()})"}
    )


def ask_workers(client: Any, addresses: Sequence[str]) -> dict[str, Versions]:
    """Return the versions of workers by address; one that cannot be asked any more is left out."""
    answers = client.run(_asker(), workers=list(addresses), on_error="return")
    return {address: a for address, a in answers.items() if isinstance(a, Mapping)}


def refusing(
    client: Any, addresses: Sequence[str], function: Callable[..., object], *arguments: Any
) -> dict[str, str]:
    """Return what a function raises on workers, by address of those where it does."""
    if not addresses:
        return {}
    answers = client.run(function, *arguments, workers=list(addresses), on_error="return")
    return {address: str(a) for address, a in answers.items() if isinstance(a, ClusterError)}


def without_hessians(client: Any, addresses: Sequence[str], kind: str, engine: str) -> str:
    """Return why workers cannot compute Hessians on their device, one after the other; or nothing.

    Only a GPU needs to be asked.
    """
    if kind != "gpu" or not addresses:
        return ""
    answers = client.run(require_hessians, kind, engine, workers=list(addresses), on_error="return")
    return "\n".join(f"  {a}: {e}" for a, e in answers.items() if isinstance(e, ClusterError))


def mismatches(
    ours: Versions, theirs: Mapping[str, Versions], not_with_jax: Container[str] = ()
) -> list[str]:
    """Return the addresses of the workers whose versions differ from the client's.

    Those in ``not_with_jax`` compute without JAX, and so may have another version of it, or none.
    """
    return [
        address
        for address, found in theirs.items()
        if dict(found) != dict(ours)
        and (address not in not_with_jax or without_jax(found) != without_jax(ours))
    ]


def version_table(
    ours: Versions, theirs: Mapping[str, Versions], not_with_jax: Container[str] = ()
) -> str:
    """Return the versions in which workers and client differ, a row for workers that are alike."""
    bad = mismatches(ours, theirs, not_with_jax)
    columns = [name for name in ours if any(theirs[a].get(name) != ours[name] for a in bad)]
    alike: dict[tuple[str, ...], list[str]] = {}
    for address, found in theirs.items():
        alike.setdefault(tuple(found.get(name, "missing") for name in columns), []).append(address)
    rows = [("", *columns), ("client", *(ours[name] for name in columns))]
    for values, addresses in alike.items():
        first = addresses[0]
        name = first if len(addresses) == 1 else f"{first} and {len(addresses) - 1} more"
        rows.append((name, *values))
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns) + 1)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line.rstrip()}" for line in lines)
