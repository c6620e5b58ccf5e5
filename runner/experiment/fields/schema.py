"""The JSON Schema of an experiment file, for editors: what is there, what it means, what fits.

It holds each field by itself. What fields ask of one another, and what a schema cannot say (that a
file is there, that a range rises), is found by `load_experiment` alone.
"""

from __future__ import annotations

from typing import Any, Final

from runner.experiment.experiment import Experiment
from runner.experiment.fields.library_defaults import LIKES
from runner.experiment.fields.meanings import meaning_of
from runner.experiment.fields.rules import choices_of, rule_of
from runner.experiment.fields.sections import SECTIONS, Section
from runner.experiment.truth_tables.gates import GATES

__all__ = ["DIALECT", "schema"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""What a reader takes the schema's words to mean."""

# Behind a validator of its own pydantic leaves the limits of a field as it calls them itself.
_LIMITS: Final = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
}
_LENGTHS: Final = {"minLength": "minItems", "maxLength": "maxItems"}
_RANGES: Final = ("range", "linspace", "logspace")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of an experiment file as plain data."""
    drawn = Experiment.model_json_schema()
    sections = {name: _section(kind, drawn["$defs"]) for name, kind in SECTIONS.items()}
    fields = {
        f"{section}.{field}": one
        for section, drawn_section in sections.items()
        for field, one in drawn_section["properties"].items()
    }
    cell = {"type": "object", "properties": fields, "additionalProperties": False}
    own = {
        name: _field(Experiment, name, drawn["properties"][name])
        for name, field in Experiment.model_fields.items()
        if name not in SECTIONS and not field.exclude and name in drawn["properties"]
    }
    axes = {path: _axis(field) for path, field in fields.items()}
    own["grid"] |= {
        "properties": axes,
        "patternProperties": {",": {"type": "array", "items": {"type": "array"}, "minItems": 1}},
        "additionalProperties": False,
    }
    for name in ("exclude", "extra"):
        own[name] |= {"type": "array", "items": cell}
    about = "Another program's defaults in place of what is not set"
    own["like"] = {"enum": list(LIKES), "description": about}
    return {
        "$schema": DIALECT,
        "title": "Experiment",
        "type": "object",
        "properties": own | sections,
        "required": ["name"],
        "additionalProperties": False,
    }


def _section(kind: type[Section], drawn: dict[str, Any]) -> dict[str, Any]:
    fields = drawn[kind.__name__]["properties"]
    return {
        "type": "object",
        "description": drawn[kind.__name__]["description"],
        "properties": {name: _field(kind, name, field) for name, field in fields.items()},
        "additionalProperties": False,
    }


def _field(kind: type[Section], name: str, drawn: dict[str, Any]) -> dict[str, Any]:
    """Return a field with its meaning and rule in words."""
    said = meaning_of(kind, name)
    if name in ("grid", "exclude", "extra"):
        return {"type": "object", "description": said}
    found: dict[str, Any] = _standard(drawn)
    if choices_of(kind, name) == tuple(GATES):
        return found | {"enum": list(GATES), "description": said}
    return found | {"description": f"{said}: {rule_of(kind, name)}"}


def _standard(drawn: Any) -> Any:
    """Return what pydantic draws in the standard's words, and without null, which TOML lacks."""
    if isinstance(drawn, list):
        return [_standard(item) for item in drawn]
    if not isinstance(drawn, dict):
        return drawn
    words = _LIMITS | (_LENGTHS if drawn.get("type") == "array" else {})
    left_out = {"title"} | ({"default"} if drawn.get("default") in (None, []) else set())
    found = {words.get(k, k): _standard(v) for k, v in drawn.items() if k not in left_out}
    if "anyOf" in found:
        kinds = [kind for kind in found["anyOf"] if kind != {"type": "null"}]
        found = {k: v for k, v in found.items() if k != "anyOf"}
        found |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return found


def _axis(field: dict[str, Any]) -> dict[str, Any]:
    """Return what an axis of the grid may be: a list of a field's values and ranges, or a range."""
    value = {k: v for k, v in field.items() if k not in ("default", "description")}
    call = {"type": "string", "pattern": rf"^\s*({'|'.join(_RANGES)})\s*\("}
    table = {
        "type": "object",
        "properties": {name: {"type": "array", "items": {"type": "number"}} for name in _RANGES},
        "additionalProperties": False,
    }
    items = {"anyOf": [value, call, table]}
    listed = {"type": "array", "items": items, "minItems": 1}
    return {"description": field["description"], "anyOf": [listed, call, table]}
