"""Kill processes of maps at random moments, go on, and compare every byte.

    make chaos-maps ARGS="--victim client --trials 20 --seed 1"

A trial is one map of a study that is there, in search rounds of 20 searches. Victims are those
processes that `chaos.py` kills after a number of commits and a pause, here of checkpoints:
``embedded``, ``client``, ``worker``, ``nanny``, ``scheduler``, and ``mixed`` of all but the first.
Options are those of `chaos.py` but ``--shared`` and ``--url``. A trial fails if the map does not
end, if a temporary file is left, or if any table differs from that of an undisturbed map.
"""

from __future__ import annotations

import hashlib
import shutil
import sys

from campaigns.chaos import main
from campaigns.trials import ENGINE, ROOT, Trial, fork
from support.maps import mapped

from runner.cli.app import app
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.mapping.options import MapOptions
from runner.study.files import TEMPORARY
from runner.study.tables.map_columns import MAP_TABLES

EXPERIMENT = ROOT / "experiments" / "landscape.toml"
FEW = ["--restarts", "4", "--set", "training.max_steps=20"]
MAP = ["--searches", "120", "--round-searches", "20", "--basin-side", "5", "--wait", "60"]


class MapTrial(Trial):
    """One map of a study that is there."""

    victims = ("embedded", *Trial.processes)

    @staticmethod
    def compile_once() -> None:
        experiment = load_experiment(EXPERIMENT)
        (configuration,) = Plan(experiment, ENGINE).configurations
        mapped(configuration, MapOptions(searches=20, round_searches=20))

    def begin(self) -> None:
        of = [str(EXPERIMENT), "--out", str(self.out), "--workers", "1"]
        study = self.out.parent / "clean"
        if study.exists():
            shutil.copytree(study, self.out, ignore=shutil.ignore_patterns("tables"))
        elif fork(self.log, app, ["sweep", *of, "--quiet", *FEW]).wait():
            sys.exit(f"{self.log.read_text()}\nthe study could not be made")

    @property
    def command(self) -> list[str]:
        return ["map", str(self.out), "--quiet", *MAP]

    @property
    def made(self) -> int:
        """Checkpoints so far."""
        return sum(1 for _ in (self.out / "tables" / "map").rglob("*.parquet"))

    def hashes(self) -> dict[str, str]:
        tables = {name: self.out / "tables" / f"{name}.parquet" for name in MAP_TABLES}
        return {name: hashlib.sha256(p.read_bytes()).hexdigest() for name, p in tables.items()}

    def problem(self) -> str:
        left = sorted(p.name for p in (self.out / "tables").rglob("*") if TEMPORARY in p.name)
        return f"left: {', '.join(left)}" if left else ""


if __name__ == "__main__":
    sys.exit(main(MapTrial))
