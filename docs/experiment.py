"""Print docs/experiment.md anew: its table of fields is made from their declarations.

python docs/experiment.py > docs/experiment.new && mv docs/experiment.new docs/experiment.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, "")  # the folder that it is started in, as for `python -m`

from runner.experiment.experiment import Experiment
from runner.experiment.fields import meanings, rules, sections
from runner.experiment.fields.library_defaults import LIKES
from runner.experiment.fields.sections import SECTIONS

PAGE = Path(__file__).with_name("experiment.md")
BEGIN, END = "<!-- fields -->\n", "<!-- end -->\n"
OF_PATHS = {
    "grid": "lists of values, or ranges, by dotted path",
    "exclude": "tables of values by dotted path",
    "extra": "tables of values by dotted path",
}
"""The values of fields that other fields are named in."""
LIKE = "[Defaults of another program](#defaults-of-other-programs) where nothing is set"


def default_of(kind: type[sections.Section], name: str) -> str:
    """A field's default as TOML, or in words."""
    if kind.model_fields[name].is_required():
        return "required"
    value = meanings.default_of(kind, name)
    if value is not None:
        return f"`{json.dumps(value)}`"
    words = meanings.default_in_words(kind, name) or ""
    return words if not words or " " in words else f"`{words}`"


def rows(title: str, kind: type[sections.Section], names: list[str], prefix: str = "") -> list[str]:
    """The table of some fields of a section."""
    lines = [f"### {title}\n", "| field | default | values | meaning |", "|---|---|---|---|"]
    for name in names:
        values = OF_PATHS[name] if name in OF_PATHS else valid(kind, name)
        meaning = meanings.meaning_of(kind, name)
        cells = (f"`{prefix}{name}`", default_of(kind, name), values, meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def whole_file() -> list[str]:
    """The rows of what is in no section."""
    fields = Experiment.model_fields.items()
    names = [name for name, field in fields if name not in SECTIONS and not field.exclude]
    choices = ", ".join(f'`"{name}"`' for name in LIKES)
    lines = rows("The whole file", Experiment, names)
    return [*lines[:-1], f"| `like` |  | {choices} | {LIKE} |", ""]


def table() -> str:
    """The tables of all fields."""
    lines = whole_file()
    for section, kind in SECTIONS.items():
        lines += rows(f"[{section}]", kind, list(kind.model_fields), f"{section}.")
    return "\n".join(lines)


def valid(kind: type[sections.Section], name: str) -> str:
    """The values of a field, in words."""
    if (kind, name) == (sections.Problem, "gate"):
        return "a gate by name"
    choices = rules.choices_of(kind, name)
    names = ", ".join(f'`"{choice}"`' for choice in choices)
    rule = rules.own_rule(kind, name)
    return f"{names}; {rule}" if names and rule else names or str(rule)


def page(text: str) -> str:
    """The page with the tables made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    print(page(PAGE.read_text()), end="")
