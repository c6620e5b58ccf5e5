"""Everything that the tables of one analysis depend on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from runner.engines.versions import versions
from runner.landscape.options import AnalysisOptions
from runner.landscape.surface_plan import SurfacePlan, device_digest

FORMAT = 4
"""Version of what an analysis computes: checkpoints and tables of another one are not used."""


@dataclass(frozen=True)
class AnalysisPlan(SurfacePlan):
    """Which restarts and paths one analysis inspects, and how."""

    options: AnalysisOptions
    """As asked for."""

    @property
    def per_configuration(self) -> int:
        """Restarts of each configuration that are analysed, as far as they are committed."""
        share = self.options.endpoints // len(self.sweep.configurations)
        return max(1, min(self.sweep.experiment.restarts, share))

    @property
    def pairs_per_configuration(self) -> int:
        """Most pairs of endpoints that are sampled from each configuration."""
        share = self.options.study_pairs // len(self.sweep.configurations)
        return min(self.options.pairs, max(1, share))

    def key(self, device: str) -> str:
        """Digest that tells this analysis, on a kind of device, from every other one.

        Options that have their defaults are left out, so that a new option does not make every
        table that was written before it obsolete.
        """
        parts: list[Any] = [
            FORMAT,
            self.study.digest,
            self.per_configuration,
            self.engine,
            versions(),
        ]
        changed = {k: v for k, v in self.options.changed.items() if k != "endpoints"}
        if changed:
            parts.append(changed)
        return device_digest(parts, device)

    def attrs(self, device: str) -> dict[str, str | int | float]:
        """How a table was made, for its ``attrs``."""
        options = self.options
        return {
            "analysis": self.key(device),
            "engine": self.engine,
            "endpoints_per_configuration": self.per_configuration,
            "sample": f"the first {self.per_configuration:,} restarts of each configuration",
            # as these were called before they were options
            "null": options.null_tolerance,
            "perturbed": options.perturbation,
            "jensen": options.rise_tolerance,
            "max_representatives": options.representatives,
            **{name: v for name, v in asdict(options).items() if name != "endpoints"},
        }
