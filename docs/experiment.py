"""Print docs/experiment.md anew: its table of fields is made from their declarations.

python docs/experiment.py > docs/experiment.new && mv docs/experiment.new docs/experiment.md
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from pathlib import Path

from pydantic.fields import FieldInfo

sys.path.insert(0, "")  # the folder that it is started in, as for `python -m`

from runner.experiment import experiment, field_rules, sections
from runner.experiment.experiment import Experiment
from runner.experiment.grid import SECTIONS
from runner.experiment.likes import LIKES
from runner.network.optimizers.registry import OPTIMIZERS

PAGE = Path(__file__).with_name("experiment.md")
BEGIN, END = "<!-- fields -->\n", "<!-- end -->\n"
OF_PATHS = {
    "grid": "lists of values, or ranges, by dotted path",
    "exclude": "tables of values by dotted path",
    "extra": "tables of values by dotted path",
}
"""The values of fields that other fields are named in."""
LIKE = "[Defaults of another program](#defaults-of-other-programs) where nothing is set"


DEFAULT = re.compile(r"; (?:no default|default (?P<value>(?:[^;.]|\.\d)*))(?=[;.:])")


def said(words: str) -> str:
    """What a field's words call its default, where it has no value of its own."""
    found = DEFAULT.search(words)
    value = found["value"] if found is not None else None
    if value in (None, "none"):
        return ""
    return value if " " in value else f"`{value}`"


def declared(module: object, name: str) -> dict[str, str]:
    """What the docstring below each field of a class says."""
    tree = ast.parse(inspect.getsource(module))
    (kind,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name]
    found = {}
    for field, below in zip(kind.body, kind.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            found[field.target.id] = " ".join(below.value.value.split())
    return found


def default_of(path: str, field: FieldInfo) -> str:
    """A field's default as TOML; an optimizer's constants' are with the optimizers."""
    if field.is_required():
        return "required"
    value = field.default
    name = path.rpartition(".")[2]
    if name in sections.CONSTANTS:
        value = next(o.constants[name] for o in OPTIMIZERS.values() if name in o.constants)
        rule = field_rules.rule_of(sections.Training, name)
        value = bool(value) if rule == "true or false" else value
    if value in (None, (), {}):
        return ""
    return f"`{json.dumps(value if not isinstance(value, tuple) else list(value))}`"


def rows(title: str, fields: dict[str, FieldInfo], words: dict[str, str], rules: dict) -> list[str]:
    lines = [f"### {title}\n", "| field | default | values | meaning |", "|---|---|---|---|"]
    for path, field in fields.items():
        meaning = DEFAULT.sub("", words[path]).rstrip(".")
        default = default_of(path, field) or said(words[path])
        cells = (f"`{path}`", default, rules[path], meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def whole_file() -> list[str]:
    """The rows of what is in no section."""
    said_of = declared(experiment, "Experiment")
    fields = {
        name: field
        for name, field in Experiment.model_fields.items()
        if name not in SECTIONS and not field.exclude
    }
    names = [name for name in fields if name not in OF_PATHS]
    rules = {name: valid(Experiment, name) for name in names} | OF_PATHS
    lines = rows("The whole file", fields, said_of, rules)
    choices = ", ".join(f'`"{name}"`' for name in LIKES)
    return [*lines[:-1], f"| `like` |  | {choices} | {LIKE} |", ""]


def table() -> str:
    """The tables of all fields."""
    lines = whole_file()
    for section, kind in SECTIONS.items():
        words = declared(sections, kind.__name__)
        fields = {f"{section}.{name}": field for name, field in kind.model_fields.items()}
        by_path = {f"{section}.{name}": text for name, text in words.items()}
        rules = {f"{section}.{name}": valid(kind, name) for name in kind.model_fields}
        lines += rows(f"[{section}]", fields, by_path, rules)
    return "\n".join(lines)


def valid(kind: type[sections.Section], name: str) -> str:
    """The values of a field, in words."""
    if (kind, name) == (sections.Problem, "gate"):
        return "a gate by name"
    choices = field_rules.choices_of(kind, name)
    names = ", ".join(f'`"{choice}"`' for choice in choices)
    rule = field_rules.own_rule(kind, name)
    return f"{names}; {rule}" if names and rule else names or str(rule)


def page(text: str) -> str:
    """The page with the tables made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    print(page(PAGE.read_text()), end="")
