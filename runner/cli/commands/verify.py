"""``python -m runner verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli import interruption
from runner.cli.console import print_message, print_result, print_table
from runner.cli.options import Cluster, StudyFolder, TrustModel
from runner.errors import StudyError
from runner.errors.messages import counted, printable
from runner.errors.paths import store_url


def verify(
    *,
    folder: StudyFolder,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", metavar="", help="Move what is damaged to quarantine/ and train it again."
        ),
    ] = False,
    hashes: Annotated[
        bool,
        typer.Option("--hashes", help="Also print a SHA-256 of what each configuration holds."),
    ] = False,
    trust_model: TrustModel = False,
    cluster: Cluster,
) -> None:
    """Compare a study's files with its log, byte by byte.

    Examples
    --------
    python -m runner verify results/gates
    python -m runner verify results/gates --repair
    """
    from runner.dispatch.sweep import repair as repair_study
    from runner.study import damage
    from runner.study.objects.url_copy import readable
    from runner.study.store import Store

    url = store_url(folder, StudyError)
    place = readable(folder)
    if repair and url:
        message = (
            f"{url} cannot be repaired; expected a folder. Pull it, repair it there, and push it "
            "to another URL."
        )
        raise StudyError(message)
    store, folder = Store(place), place
    damages = damage.find(store, store.read_plan()[0])
    for each in damages:
        print_message(f"{printable(str(each.path))}: {each.problem}.")
    if not damages:
        print_result("Every file is as the log says.")
    elif repair:
        with interruption.resumable(folder):
            repair_study(folder, trust_model=trust_model, cluster=cluster)
        print_result(
            f"Repaired: {counted(len(damages), 'problem')}; what was damaged is in "
            f"{printable(str(store.quarantine_path))}."
        )
    else:
        message = (
            f"{counted(len(damages), 'problem')}. "
            f"`python -m runner verify {printable(str(folder))} --repair` moves what is damaged "
            "to quarantine/ and trains it again."
        )
        raise StudyError(message)
    if hashes:
        from runner.cli.printed_tables import hash_table
        from runner.study.study import open_study

        print_table(hash_table(open_study(folder)))
