"""``python -m runner release``."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import print_result


def release(
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as s3://bucket/prefix.")],
) -> None:
    """Let others write a study in an object store whose client is gone for good.

    Nothing is lost should it live: it writes nothing more, and its folder keeps what it has.

    Examples
    --------
    python -m runner release s3://bucket/gates
    """
    from runner.study.objects.copy import release as release_lease

    held = release_lease(url)
    print_result(f"Released: it was in use by {held}." if held else "Nobody was writing there.")
