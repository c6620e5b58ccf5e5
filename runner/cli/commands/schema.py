"""``python -m runner schema``."""

from __future__ import annotations

from runner.cli.console import print_result


def schema() -> None:
    """Print the JSON Schema of an experiment file, for editors.

    An editor with a TOML server finds it by the first line of the experiment file:
    #:schema ./runner.schema.json

    Examples
    --------
    python -m runner schema
    """
    print_result(schema_text().rstrip())


def schema_text() -> str:
    """Return the schema as a file's text."""
    import json

    from runner.experiment.fields import schema as schemas

    return json.dumps(schemas.schema(), indent=2) + "\n"
