"""The tables of a map on disk: whether they are up to date or another map's, and writing them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping

import pandas as pd

from runner.engines.devices import KINDS
from runner.errors import ExperimentError, StudyError
from runner.errors.messages import counted, printable
from runner.landscape.table_files import replace
from runner.mapping.completeness import ALL
from runner.mapping.map_plan import MapPlan
from runner.mapping.options import MapOptions
from runner.study.lock import StudyLock
from runner.study.store import Store
from runner.study.tables import analysis_tables
from runner.study.tables.map_columns import MAP_TABLES

_log = logging.getLogger("runner")


def up_to_date(store: Store, plan: MapPlan, device: str) -> bool:
    """Whether all tables are there, of just this map, searched for as long as is asked or longer.

    With ``auto`` it may be that of any kind of device.
    """
    if device == "auto":
        return any(up_to_date(store, plan, kind) for kind in KINDS)
    tables = [_current(store, plan, name) for name in MAP_TABLES]
    asked = {"map": plan.key(device), "basin_side": plan.options.basin_side}
    if any(t is None or not asked.items() <= t.attrs.items() for t in tables):
        return False
    of_all = _of_all(pd.DataFrame(tables[-1]))
    enough = of_all["unchanged"] >= plan.options.unchanged
    return bool((enough | (of_all["searches"] >= plan.options.searches)).all())


def searches(store: Store, plan: MapPlan, kinds: Collection[str]) -> dict[int, int]:
    """Return how many searches of each configuration the map that is there has, if there is one.

    Parameters
    ----------
    store : Store
    plan : MapPlan
    kinds : collection of str
        Of device, on which it may have been made.

    Raises
    ------
    StudyError
        If there is a map that was searched for in another way, and would be lost.
    """
    table = _current(store, plan, list(MAP_TABLES)[-1])
    if table is None:
        return {}
    made = _made_with(plan, table)
    if made is None:  # of another version
        return {}
    stored, kind = made
    now = plan.options.lasting
    changes = [
        f"{_OPTIONS.get(name, name)} was {was!r}, now {now[name]!r}"
        for name, was in stored.lasting.items()
        if was != now[name]
    ]
    if kind not in kinds:
        changes.append(f"device (--device) was {kind!r}, now {next(iter(kinds))!r}")
    if changes:
        raise StudyError(
            f"{printable(str(store.path))}: the map there is another one: {'; '.join(changes)}. "
            "Ask for it as it was made, map a copy of the study, or replace the map with "
            "overwrite (--overwrite)."
        )
    of_all = _of_all(table)
    return dict(zip(of_all["configuration"], of_all["searches"], strict=True))


def tell_replaced(store: Store, plan: MapPlan) -> None:
    """Log that a map which is there is made anew: it is not of this state, or not of this version.

    Another one of this version is refused; see `searches`.
    """
    name = list(MAP_TABLES)[-1]
    if not analysis_tables.path(store.tables_path, name).exists():
        return
    table, where = _current(store, plan, name), printable(str(store.path))
    if table is None:
        _log.warning("%s: the map there is damaged or older than the study; made anew.", where)
    elif _made_with(plan, table) is None:
        n = counted(int(_of_all(table)["searches"].sum()), "search", "searches")
        _log.warning(
            "%s: the map there, of %s, is of another version of the program; made anew, and "
            "replaced at the end. That costs its time again, and loses what only more searches "
            "than now had found.",
            where,
            n,
        )


def _made_with(plan: MapPlan, table: pd.DataFrame) -> tuple[MapOptions, str] | None:
    """Return the options and the kind of device of a table; None if another version made it."""
    stored = _options(table)
    if stored is None:
        return None
    as_stored, key = dataclasses.replace(plan, options=stored), table.attrs.get("map")
    kind = next((kind for kind in KINDS if as_stored.key(kind) == key), None)
    return None if kind is None else (stored, kind)


_OPTIONS = {
    "highest_index": "highest_index (--index)",
    "round_searches": "round_searches (--round-searches)",
}
"""How the command line calls options."""


def _of_all(completeness: pd.DataFrame) -> pd.DataFrame:
    return completeness[completeness["index"] == ALL]


def _options(table: pd.DataFrame) -> MapOptions | None:
    """Return the options that a table was made with; None if it has others than these."""
    names = [field.name for field in dataclasses.fields(MapOptions)]
    try:
        return MapOptions(**{name: table.attrs[name] for name in names})
    except (KeyError, ExperimentError):
        return None


def _current(store: Store, plan: MapPlan, name: str) -> pd.DataFrame | None:
    """Return a table of what the study has; None if it is missing, damaged or out of date."""
    try:
        n = len(plan.study.plan.configurations)
        return analysis_tables.read(store.tables_path, name, plan.study.digest, n)
    except StudyError:
        return None


def write(
    store: Store,
    lock: StudyLock,
    plan: MapPlan,
    device: str,
    tables: Mapping[str, pd.DataFrame],
) -> None:
    """Write all tables, the last one says that they are all there.

    Those that are there are removed first: a crash half way would otherwise leave transitions
    beside critical points that are numbered otherwise.
    """
    lock.require(store)
    with store.writing():
        ordered = {name: tables[name] for name in MAP_TABLES}
        replace(store, MAP_TABLES, ordered, plan.attrs(device), plan.study.digest)
