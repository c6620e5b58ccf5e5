"""A first experiment file to write one's own from: every field, what it means and its default."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from runner.experiment.experiment import Experiment
from runner.experiment.fields.meanings import default_of, meaning_of
from runner.experiment.fields.rules import rule_of
from runner.experiment.fields.sections import SECTIONS, Section
from runner.experiment.grid.changes import SCALARS

__all__ = ["SCHEMA_FILE", "template"]

SCHEMA_FILE: Final = "runner.schema.json"
"""The file beside an experiment that an editor looks for."""

_WIDTH: Final = 98
_SET: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({"problem": {"gate": "XOR"}})
"""What a first experiment sets in its sections."""

_HEAD: Final = """\
#:schema ./{schema}
# Which networks are trained, from how many random starts? `python -m runner sweep {file}` trains
# them; with --dry-run it says first what would be done. Take away the # of what you want to change:
# behind it is the default, or the rule where there is none.

"""
_GRID: Final = """\
[grid]
# Every combination of these values is a configuration. Ranges are "linspace(0.5, 2, 4)" and others.
"network.hidden" = [[2], [3]]
#"init.scale" = [0.5, 1, 2]
"""


def template(file: str) -> str:
    """Return the text of an experiment file of this name.

    Parameters
    ----------
    file : str
        The study is named after it, less what a name cannot hold.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(file).stem).strip("-._")[:64] or "experiment"
    text = _HEAD.format(schema=SCHEMA_FILE, file=file)
    own = [field for field in SCALARS if field in Experiment.model_fields]
    text += _lines(Experiment, own, {"name": name, "restarts": 1000})
    for section, kind in SECTIONS.items():
        text += f"[{section}]\n" + _lines(kind, kind.model_fields, _SET.get(section, {}))
    return text + _GRID


def _lines(kind: type[Section], fields: Iterable[str], given: Mapping[str, Any]) -> str:
    """Return each field with what it means above it, and an empty line at the end."""
    text = ""
    for field in fields:
        default = default_of(kind, field)
        text += _comment(meaning_of(kind, field))
        if field in given:
            text += _assigned(field, given[field])
        elif default is not None:
            text += f"#{_assigned(field, default)}"
        else:
            text += f"#{field} = {rule_of(kind, field)}\n"
    return text + "\n"


def _comment(text: str) -> str:
    wrapped = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in wrapped)


def _assigned(field: str, value: Any) -> str:
    return f"{field} = {json.dumps(value)}\n"  # of such values TOML's own form
