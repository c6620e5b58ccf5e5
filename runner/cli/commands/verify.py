"""``python -m runner verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli import interruption
from runner.cli.console import print_message, print_result, print_table
from runner.cli.options import Cluster, StudyFolder, TrustModel
from runner.errors import StudyError
from runner.errors.messages import counted, printable
from runner.errors.paths import store_url

if TYPE_CHECKING:
    from runner.cluster.options import ClusterOptions
    from runner.study.objects.url_copy import Workplace


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
    from runner.study.objects.url_copy import Workplace as Place
    from runner.study.objects.url_copy import readable, workplace

    url = store_url(folder, StudyError)
    damaged = _damaged_objects(url, repair=repair) if url else []
    if damaged:
        with workplace(folder, required=True, distrusted=damaged) as place:
            n = len(damaged)
            _verify_folder(place, n, repair=True, trust_model=trust_model, cluster=cluster)
    else:
        place = Place(readable(folder))
        _verify_folder(place, 0, repair=repair, trust_model=trust_model, cluster=cluster)
    if hashes:
        from runner.cli.printed_tables import hash_table
        from runner.study.study import open_study

        print_table(hash_table(open_study(place.path)))


def _damaged_objects(url: str, *, repair: bool) -> list[str]:
    """Return the names of what is damaged at a URL, each once, after saying what is."""
    from runner.study.objects.damage import find
    from runner.study.objects.object_store import ObjectStore

    found = find(ObjectStore(url))
    for each in found:
        print_message(f"{url}: {each.name} {each.problem}.")
    if found and not repair:
        message = (
            f"{counted(len(found), 'problem')}. `python -m runner verify {url} --repair` puts in "
            "its place what this machine's copy has, or trains it again."
        )
        raise StudyError(message)
    return list(dict.fromkeys(each.name for each in found))


def _verify_folder(
    place: Workplace, n_objects: int, *, repair: bool, trust_model: bool, cluster: ClusterOptions
) -> None:
    """Compare a folder with its log, and repair it; also if objects are to be repaired from it."""
    from runner.dispatch.sweep import repair_at
    from runner.study import damage
    from runner.study.store import Store

    folder = place.path
    store = Store(folder)
    damages = damage.find(store, store.read_plan()[0])
    for each in damages:
        print_message(f"{printable(str(each.path))}: {each.problem}.")
    n = len(damages) + n_objects
    if not n:
        print_result("Every file is as the log says.")
    elif repair:
        with interruption.resumable(folder):
            repair_at(place, cluster, trust_model=trust_model)
        print_result(
            f"Repaired: {counted(n, 'problem')}; what was damaged is in "
            f"{printable(str(store.quarantine_path))}."
        )
    else:
        message = (
            f"{counted(n, 'problem')}. "
            f"`python -m runner verify {printable(str(folder))} --repair` moves what is damaged "
            "to quarantine/ and trains it again."
        )
        raise StudyError(message)
