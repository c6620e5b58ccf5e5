"""Everything that the tables of one map depend on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from runner.engines.versions import versions
from runner.errors import ExperimentError
from runner.landscape.surface_plan import SurfacePlan, device_digest
from runner.mapping.options import MapOptions

FORMAT = 4
"""Version of what a map computes: checkpoints and tables of another one are not used."""


@dataclass(frozen=True)
class MapPlan(SurfacePlan):
    """Which loss surfaces are mapped, and how."""

    options: MapOptions
    """As asked for."""

    def key(self, device: str) -> str:
        """Digest of what decides what searches find on a kind of device, however many they are."""
        parts: list[Any] = [FORMAT, self.study.digest, self.engine, versions()]
        parts.append(self.options.lasting)
        return device_digest(parts, device)

    def attrs(self, device: str) -> dict[str, str | int | float]:
        """How a table was made, for its ``attrs``."""
        return {"map": self.key(device), "engine": self.engine, **asdict(self.options)}

    def require_maps(self) -> None:
        """Raise ExperimentError for the first network of which there can be no map."""
        most = self.options.max_parameters
        for configuration in self.sweep.configurations:
            net, n = configuration.architecture, configuration.architecture.n_parameters
            where = f"{self.sweep.experiment.name}: configuration {configuration.index} has"
            if n > most:
                message = (
                    f"{where} {n:,} parameters; expected at most {most:,}, as every step of a "
                    "search takes all eigenvectors of the Hessian. Map a smaller network, or raise "
                    "max_parameters (--max-parameters) and lower round_searches "
                    "(--round-searches)."
                )
                raise ExperimentError(message)
            if not net.trained.all():
                message = (
                    f"{where} frozen arrays, whose values are each restart's own, so that every "
                    "restart has a loss surface of its own; expected none. Map a network whose "
                    "arrays are all trained."
                )
                raise ExperimentError(message)
