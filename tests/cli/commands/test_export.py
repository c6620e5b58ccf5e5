"""`runner export`: what it can be told."""

from __future__ import annotations

import inspect
from typing import get_args

from runner.cli.commands.export import Format, export
from runner.study.export import ENDINGS, FORMATS


def test_every_format_and_every_ending_is_named() -> None:
    """Both are written again, as the formats' own file takes longer to load than help should."""
    assert [each.value for each in Format] == [*FORMATS]
    annotation = inspect.signature(export, eval_str=True).parameters["to"].annotation
    help_text = get_args(annotation)[1].help
    assert [ending for ending in ENDINGS if ending not in help_text] == []
