"""The tables of an analysis on disk: whether they are up to date, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from runner.engines.devices import KINDS
from runner.errors import StudyError
from runner.landscape.analysis_plan import AnalysisPlan
from runner.study import files
from runner.study.lock import StudyLock
from runner.study.store import Store
from runner.study.tables import analysis_tables


def up_to_date(store: Store, plan: AnalysisPlan, device: str) -> bool:
    """Whether all tables exist, can be read, and are of just this analysis.

    With ``auto`` it may be that of any kind of device.
    """
    if device == "auto":
        return any(up_to_date(store, plan, kind) for kind in KINDS)
    return all(_is_current(store, plan, name, device) for name in analysis_tables.TABLES)


def _is_current(store: Store, plan: AnalysisPlan, name: str, device: str) -> bool:
    try:
        n = len(plan.study.plan.configurations)
        table = analysis_tables.read(store.tables_path, name, plan.study.digest, n)
    except StudyError:  # missing, of an older state of the study, or damaged: it is made anew
        return False
    return bool(table.attrs.get("analysis") == plan.key(device))


def write(
    store: Store,
    lock: StudyLock,
    plan: AnalysisPlan,
    device: str,
    tables: Mapping[str, pd.DataFrame],
) -> None:
    """Write all tables.

    Those of another analysis are removed first. A crash between two writes would otherwise leave
    verdicts on one sample beside minima of another, and both would pass for tables of this study;
    so it leaves tables that are missing, whose readers are asked to run the analysis again.
    """
    lock.require(store)
    with store.writing():
        every = analysis_tables.TABLES
        obsolete = [name for name in every if not _is_current(store, plan, name, device)]
        ordered = {name: tables[name] for name in analysis_tables.TABLES}
        replace(store, obsolete, ordered, plan.attrs(device), plan.study.digest)


def replace(
    store: Store,
    obsolete: Iterable[str],
    tables: Mapping[str, pd.DataFrame],
    attrs: Mapping[str, str | int | float],
    digest: str,
) -> None:
    """Remove tables, and then write others in their order, for who holds the study's lock.

    Parameters
    ----------
    store : Store
    obsolete : iterable of str
        Names of those that go.
    tables : mapping of str to DataFrame
        By name.
    attrs : mapping
        How they were made.
    digest : str
        Of what was committed, `Study.digest`.
    """
    for name in obsolete:
        analysis_tables.path(store.tables_path, name).unlink(missing_ok=True)
    files.sync_folder(store.tables_path)
    for name, content in tables.items():
        table = analysis_tables.frame(name, content)
        table.attrs.update(attrs)
        analysis_tables.write(store.tables_path, name, table, digest)
