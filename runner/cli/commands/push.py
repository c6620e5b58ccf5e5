"""``python -m runner push``."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import print_result
from runner.cli.options import StudyFolder


def push(
    folder: StudyFolder,
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as s3://bucket/prefix.")],
) -> None:
    """Copy what an object store lacks of a study; what is there opens at any moment.

    Examples
    --------
    python -m runner push results/gates s3://bucket/gates
    """
    from runner.study.objects.copy import push as push_study

    print_result(f"Pushed: {push_study(folder, url).text()}.")
