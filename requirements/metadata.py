"""What a package of the runner depends on: read from the .in files, when one is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

EXTRAS = ("jax", "cuda", "cuda-core", "xarray", "objects")
"""JAX is needed on GPUs, where NVIDIA's cuda-core does not take its place, by the engine
pytensor-jax, and by some custom models; xarray for arrays, netCDF and Zarr; objects for studies in
object stores."""


class Requirements(MetadataHookInterface):
    """Fills in the dependencies."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read them into the project's metadata."""
        metadata["dependencies"] = self._lines("runner")
        metadata["optional-dependencies"] = {name: self._lines(name) for name in EXTRAS}

    def _lines(self, name: str) -> list[str]:
        lines = Path(self.root, "requirements", f"{name}.in").read_text().splitlines()
        # those with a dash name other files
        return [line for line in lines if line and not line.startswith(("#", "-"))]
