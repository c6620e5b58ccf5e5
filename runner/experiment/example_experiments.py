"""The experiments that come with the runner: in an installed package, or beside a checkout's."""

from __future__ import annotations

from pathlib import Path


def example_experiment(name: str) -> Path | None:
    """Return the path of an experiment that comes with the runner, such as ``gates.toml``."""
    package = Path(__file__).parents[1]
    for folder in (package, package.parent):
        path = folder / "experiments" / name
        if path.is_file():
            return path
    return None
