"""A study of an earlier format, rewritten in today's; nothing is trained.

What is new is made in the folder ``upgrade`` of the study's own, a study beside the study: shards,
log, plan, the table of configurations, and tables of the analysis that know the new hashes. Nothing
of the old is touched until all of it is there. What a stop leaves behind, and what follows:

1. *While it is made:* a part of the study beside. The old one is whole, and is read as before. The
   next upgrade goes on after the last batch in the new log.
2. The empty file ``upgrade/ready`` is written. From here on no command reads the study but the next
   upgrade, which finishes it.
3. Each new file takes the place of the old one, the plan last.
4. ``ready`` is removed, and with it the rest of ``upgrade``. *Left behind:* what is in the way of
   nobody; the next upgrade removes it.
"""

from __future__ import annotations

import hashlib
import os
import shutil

import pyarrow as pa

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.content_hash import digest
from runner.experiment.plan import Plan
from runner.study import files
from runner.study.commits import Commit
from runner.study.configuration_table import configuration_file
from runner.study.folder import require_file
from runner.study.hashed_json import hashed_json
from runner.study.store import Store
from runner.study.tables import analysis_tables
from runner.study.wide_shards import as_lists, wide_schema
from runner.study.writer import Writer
from runner.training.shards import FORMAT, decode, encode_shard, shard_schema


def upgrade(store: Store) -> bool:
    """Rewrite a study in today's format, or finish doing so.

    Parameters
    ----------
    store : Store

    Returns
    -------
    bool
        Whether there was anything to do.

    Raises
    ------
    StudyError
        If there is no study, it is in use, a shard is damaged, or the disk refuses. The study is
        as it was then, or the same command goes on.
    """
    if not store.exists:
        store.read_plan()  # says that there is none
    with store.locked(), store.writing():
        require_file(store.upgrade_path)
        beside = Store(store.upgrade_path)
        if not store.is_being_upgraded:
            if store.form == FORMAT:
                _remove(beside)
                return False
            _make(store, beside)
            files.write_new(store.upgrade_ready_path, b"")
        _switch(store, beside)
        _remove(beside)
    return True


def _make(store: Store, beside: Store) -> None:
    """Make all that is new."""
    plan, _ = store.read_plan()
    with beside.writer() as writer:
        done = {commit.batch for commit in beside.commits()}
        for commit in store.commits():
            # one that is gone is trained again by the next sweep, as it would have been
            if commit.batch not in done and store.shard_path(commit.batch).exists():
                _rewrite(store, writer, plan, commit)
    for batch in store.remaining(plan):
        # what a crash has left before it was logged would be compared with what is trained again
        store.shard_path(batch).unlink(missing_ok=True)
    files.replace(beside.configurations_path, configuration_file(plan))
    _mark_tables(store, beside, len(plan.configurations))
    content = {**store.plan_file.content(), "format": FORMAT}
    files.replace(beside.plan_path, hashed_json(content))


def _rewrite(store: Store, writer: Writer, plan: Plan, commit: Commit) -> None:
    """Commit one batch to the study beside."""
    path, name = store.shard_path(commit.batch), commit.batch.name
    if store.is_linked(path):
        raise store.damaged(f"shard {name} is a link; expected a file")
    if path.stat().st_size != commit.size:
        raise store.damaged(f"shard {name} does not have the size that the log says")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != commit.sha256:
        raise store.damaged(f"shard {name} does not have the SHA-256 that the log says")
    segments = plan.segments(commit.batch)
    signature = segments[0].configuration.signature()
    schema = shard_schema(signature)
    ids = {segment.configuration.index: segment.configuration.id for segment in segments}
    try:
        old = decode(content)
        if not old.schema.equals(wide_schema(signature)) or len(old) != commit.rows:
            raise store.damaged(f"shard {name} does not have the plan's rows and columns")
        shard = encode_shard(as_lists(signature, old, schema.names).cast(schema), signature, ids)
    except (pa.ArrowException, KeyError, ValueError) as error:
        problem = printable(" ".join(str(error).split())[:300])
        raise store.damaged(f"shard {name} cannot be read ({problem})") from error
    writer.commit(commit.batch, shard, commit.rows, commit.failures, commit.device)


def _mark_tables(store: Store, beside: Store, n_configurations: int) -> None:
    """Write the tables of the analysis anew, as made from the shards beside: of equal values."""
    before, after = (
        digest([[c.batch.name, c.sha256] for c in sorted(each.commits(), key=lambda c: c.batch)])
        for each in (store, beside)
    )
    for name in analysis_tables.ALL_TABLES:
        try:
            table = analysis_tables.read(store.tables_path, name, before, n_configurations)
        except StudyError:
            continue  # not there, or of no use before either
        files.make_folder(beside.tables_path)
        analysis_tables.write(beside.tables_path, name, table, after)


def _switch(store: Store, beside: Store) -> None:
    """Put what is new in the place of what is old; can be done again from any point."""
    shards = sorted(beside.shards_path.rglob("*.parquet"))
    tables = [analysis_tables.path(beside.tables_path, name) for name in analysis_tables.ALL_TABLES]
    for path in (*shards, *tables, beside.configurations_path, beside.log_path, beside.plan_path):
        if path.is_file():
            target = store.path / path.relative_to(beside.path)
            files.make_folder(target.parent)
            require_file(target.parent)
            os.replace(path, target)
            # in this order: after a power cut it has both names, or the new one
            files.sync_folder(target.parent)
            files.sync_folder(path.parent)
    store.upgrade_ready_path.unlink()
    files.sync_folder(beside.path)


def _remove(beside: Store) -> None:
    if beside.path.is_dir():
        shutil.rmtree(beside.path)
