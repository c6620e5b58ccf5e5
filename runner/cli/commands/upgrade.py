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
    from runner.errors import StudyError
    from runner.errors.paths import store_url
    from runner.study.store import Store
    from runner.study.upgrade import upgrade as upgrade_study
    from runner.training.shards import FORMAT

    if url := store_url(folder, StudyError):
        message = (
            f"{url} is a URL; expected a folder. Run `python -m runner pull {url} DIR`, `python -m "
            "runner upgrade DIR`, and `python -m runner push DIR` with another URL."
        )
        raise StudyError(message)
    store = Store(folder)
    if upgrade_study(store):
        print_result(f"{store.where} has format {FORMAT} now.")
    else:
        print_result(f"{store.where} has format {FORMAT} already.")
