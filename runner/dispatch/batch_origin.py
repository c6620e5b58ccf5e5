"""Where the pieces of a batch were trained, and by what."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class BatchOrigin:
    """Where the pieces of a batch under way were trained, or failed."""

    devices: set[str] = field(default_factory=set)
    """Kinds of device."""
    workers: set[str] = field(default_factory=set)
    """Addresses; of those that trained a piece only."""
    programs: set[str] = field(default_factory=set)
    """Digests of the programs that trained a piece; empty ones where there were none."""

    @property
    def of_all(self) -> str:
        """The digest of all pieces; empty if they have not one."""
        return next(iter(self.programs)) if len(self.programs) == 1 else ""
