"""What a plan adds to a stored study, or why the study cannot do what is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from runner.errors import StudyError
from runner.errors.messages import counted, printable
from runner.experiment.plan import Plan
from runner.study.differences import in_file
from runner.study.store import Store

_MOST_NAMED = 3  # configurations in a message


def planned(store: Store, asked: Plan, device: str, restarts: Sequence[int] | None = None) -> Plan:
    """Return what a study is to do, once it also does what is asked for.

    Parameters
    ----------
    store : Store
        With a study.
    asked : Plan
        Of one round; or a stored plan, to go on with.
    device : str
        The kind of device that is to train it.
    restarts : sequence of int, optional
        Restarts of each configuration of ``asked``; by default its experiment's.

    Returns
    -------
    Plan
        The stored plan, or the stored plan grown by one round, which is not stored yet: it has the
        configurations of ``asked``.

    Raises
    ------
    StudyError
        If the study is of something else, or would lose what it has.
    """
    if asked.before is not None:  # of what is stored, to go on with it as it is
        if differences := store.differences(asked, device, grows=True):
            raise _refused(store, f"{_OTHER}: {'; '.join(differences)}")
        return asked
    contents = store.plan_file.contents()
    same = contents[0]["plan"] == json.loads(json.dumps(asked.canonical()))
    if len(contents) == 1 and same and restarts is None:
        # to make the stored plan anew would only take time
        if differences := store.differences(asked, device):
            raise _refused(store, f"{_OTHER}: {'; '.join(differences)}")
        store.require_planned(asked, store.commits())  # before anything is trained
        return asked
    stored, _ = store.read_plan()
    if asked.trusts_models:
        stored = stored.trusting(True)
    if not stored.is_part_of(asked):
        if asked.is_part_of(stored) and not store.differences(asked, device, grows=True):
            raise _refused(store, _fewer_configurations(stored, asked))
        raise _refused(store, f"{_OTHER}: {'; '.join(store.differences(asked, device))}")
    differences = store.differences(asked, device, grows=True)
    if asked.experiment.curves not in (None, stored.curves):
        differences.append(f"curves was {stored.curves:,}, now {asked.experiment.curves:,}")
    if differences:
        raise _refused(store, f"{_OTHER}: {'; '.join(differences)}")
    most = int(stored.counts.max())
    if asked.experiment.restarts < most:
        raise _refused(
            store,
            f"restarts is {asked.experiment.restarts:,}; expected at least {most:,}, which the "
            "study has: nothing is thrown away",
        )
    plan = stored.grown(asked, restarts)
    if plan is stored:
        if asked.batch_size != stored.batch_size:
            raise _refused(store, f"{_OTHER}: {'; '.join(store.differences(asked, device))}")
        store.require_planned(stored, store.commits())
        return stored
    require_same_code(store, stored)
    store.require_planned(stored, store.commits())
    return plan


def require_same_code(store: Store, plan: Plan) -> None:
    """Raise StudyError if this code might train a plan to other bits than are in the study."""
    store.require_current_form()
    if reasons := store.other_code(plan):
        raise StudyError(
            f"{store.where}: {'; '.join(reasons)}. What is left might get other bits than what is "
            "there. Go on with the code that began it, choose another folder with out (--out), or "
            "replace the study with overwrite (--overwrite)."
        )


_OTHER = "the study there is not of this experiment as it is run now"


def added_text(plan: Plan) -> str:
    """Say what the last round adds to the study, as in ``adds 2 configurations of 50 restarts``."""
    before, after = plan.counts_before, plan.counts
    more = (after - before)[(before > 0) & (after > before)]
    fresh = after[before == 0]
    parts = []
    if more.size:
        each = f" to each of {more.size:,} configurations" if more.size > 1 else ""
        parts.append(f"{restarts_text(more)}{each}")
    if fresh.size:
        parts.append(f"{counted(fresh.size, 'configuration')} of {restarts_text(fresh)}")
    return f"adds {', and '.join(parts)}"


def restarts_text(counts: np.ndarray) -> str:
    """Return how many restarts each of some configurations has, as in ``20 to 50 restarts``."""
    low, high = int(counts.min()), int(counts.max())
    return counted(high, "restart") if low == high else f"{low:,} to {counted(high, 'restart')}"


def _fewer_configurations(stored: Plan, asked: Plan) -> str:
    wanted = {c.id for c in asked.configurations}
    lost = [c for c in stored.configurations if c.id not in wanted]
    names = [
        ", ".join(f"{path.rpartition('.')[2]} {in_file(c.point[path])}" for path in c.point)
        for c in lost
    ]
    text = "; ".join(names[:_MOST_NAMED]) + ("; …" if len(names) > _MOST_NAMED else "")
    return (
        f"{counted(len(lost), 'configuration')} of the study ({printable(text)}) would be lost; "
        "expected all of them among those asked for: nothing is thrown away"
    )


def _refused(store: Store, reason: str) -> StudyError:
    return StudyError(
        f"{store.where}: {reason}. Choose another folder with out (--out), or replace the study "
        "with overwrite (--overwrite)."
    )
