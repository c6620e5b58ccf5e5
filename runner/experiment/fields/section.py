"""What every section of an experiment file is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen, strict set of fields: unknown names and wrong types are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
