"""``python -m runner certificates``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_result
from runner.errors.messages import counted


def certificates(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made new, or empty.")],
    days: Annotated[
        int, typer.Option(min=1, max=36500, metavar="N", help="How long they are valid.")
    ] = 365,
) -> None:
    """Make the certificates of a cluster that speaks TLS.

    Examples
    --------
    python -m runner certificates certificates --days 90
    """
    from runner.cluster.certificates import ROLES, make_certificates

    made = make_certificates(folder, days)
    print_result(
        f"{made}: a private authority and certificates for {counted(days, 'day')}. Give every "
        f"machine the file of its role ({', '.join(f'{role}.yaml' for role in ROLES)}), name it in "
        "DASK_CONFIG there, and keep authority.key to yourself."
    )
