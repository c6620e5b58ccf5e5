"""The tables of a map on disk: whether they are up to date, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from runner.engines.devices import KINDS
from runner.errors import StudyError
from runner.landscape.table_files import replace
from runner.mapping.map_plan import MapPlan
from runner.study import analysis_tables
from runner.study.lock import StudyLock
from runner.study.map_columns import MAP_TABLES
from runner.study.store import Store


def up_to_date(store: Store, plan: MapPlan, device: str) -> bool:
    """Whether all tables are there, of just this map, and no time was short when it was made.

    With ``auto`` it may be that of any kind of device.
    """
    if device == "auto":
        return any(up_to_date(store, plan, kind) for kind in KINDS)
    found = [_current(store, plan, name, device) for name in MAP_TABLES]
    if any(table is None for table in found):
        return False
    of_all = pd.DataFrame(found[-1])
    return bool((of_all["done"] | (of_all["searches"] >= plan.options.searches)).all())


def _current(store: Store, plan: MapPlan, name: str, device: str) -> pd.DataFrame | None:
    """Return a table if it is of this map; None if it is missing, damaged or of another one."""
    try:
        n = len(plan.study.plan.configurations)
        table = analysis_tables.read(store.tables_path, name, plan.study.digest, n)
    except StudyError:
        return None
    return table if plan.attrs(device).items() <= table.attrs.items() else None


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
