"""``python -m runner upgrade``."""

from __future__ import annotations

from runner.cli.console import print_result
from runner.cli.options import StudyFolder


def upgrade(folder: StudyFolder) -> None:
    """Rewrite a study of an earlier version in today's format; trains nothing.

    The old files stay until the new ones are whole. After a stop the same command goes on.

    Examples
    --------
    python -m runner upgrade results/gates
    """
    from runner.study.store import Store
    from runner.study.upgrade import upgrade as upgrade_study
    from runner.training.shards import FORMAT

    store = Store(folder)
    if upgrade_study(store):
        print_result(f"{store.where} has format {FORMAT} now.")
    else:
        print_result(f"{store.where} has format {FORMAT} already.")
