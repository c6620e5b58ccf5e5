"""``python -m runner pull``."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import print_result
from runner.cli.options import StudyFolder


def pull(
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as s3://bucket/prefix.")],
    folder: StudyFolder,
) -> None:
    """Copy what a folder lacks of a study in an object store, verified by the log.

    Examples
    --------
    python -m runner pull s3://bucket/gates results/gates
    """
    from runner.study.objects.copy import pull as pull_study

    print_result(f"Pulled: {pull_study(url, folder).text()}.")
