"""Critical points per CPU second, beside pele and TopSearch on the same surfaces, in one run.

    python benchmarks/landscape.py --peers PYTHON [--seconds 20] [--rounds 3] [--surfaces random]

The surfaces: parity of inputs ±1 with targets ±0.8 on tanh units and a linear one, sum of squares
and an L2 term. XOR on two or four units has few points, which are soon all found; parity of three
inputs on three units has more. Twenty random points in a square, with random targets ±0.8, on five
units have so many that every library finds new ones to the end. ``PYTHON`` is of an environment
with pele 0.1.2 and topsearch 0.0.3 (Python 3.11). One thread each, taking turns; compiling and
importing are not counted.

Half of a peer's searches minimise, half go for a transition state; ours go for index 0 or 1 too,
and paths from transition states to both sides, which no peer is asked for, are part of their time
but for the rows "without paths". Distinct means modulo exchanges and signs of units, of index 0 and
1 alone. Distinct points per CPU second are counted until the last new one, so that a library that
has soon found all is not charged for the rest. As a surface has only so many, the CPU seconds until
ours has found as many as a peer are told too: its first search rounds are of 100 searches, so that
there is something to look at early.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np
from support.maps import MemoryCheckpoints, configuration, mapped

from runner.experiment.configuration import Configuration
from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.critical_points import CriticalPoints
from runner.mapping.eigenvector_following import ANY
from runner.mapping.options import MapOptions
from runner.mapping.search_rounds import SearchRounds
from runner.mapping.searches import SearchStream
from runner.mapping.worker import MapTask, search
from runner.training.shards import decode

PEERS = ("pele", "topsearch")


class Surface(NamedTuple):
    """What is searched."""

    inputs: int
    """Of the parity; XOR has two."""
    hidden: int
    """Hidden units."""
    l2: float
    """Factor of the L2 term."""
    patterns: int = 0
    """Random ones; 0 for a parity."""

    @property
    def name(self) -> str:
        table = f"{self.patterns} random points" if self.patterns else f"parity of {self.inputs}"
        return f"{table}, {self.hidden} units, l2 {self.l2:g}"

    @property
    def table(self) -> str:
        """A file of its patterns and targets."""
        if self.patterns:
            random = np.random.default_rng(1)
            x = random.uniform(-1, 1, (self.patterns, self.inputs)).round(4)
            odd = random.random(self.patterns) < 0.5
        else:
            x = np.array(list(itertools.product([-1.0, 1.0], repeat=self.inputs)))
            odd = (x > 0).sum(axis=1) % 2 == 1
        path = Path(tempfile.gettempdir()) / f"landscape-{self.patterns}-{self.inputs}.csv"
        head = ",".join([*(f"x{k}" for k in range(self.inputs)), "y"])
        rows = np.column_stack([x, np.where(odd, 0.8, -0.8)])
        np.savetxt(path, rows, fmt="%.17g", delimiter=",", header=head, comments="")
        return str(path)


SURFACES = {
    "xor": Surface(2, 2, 0.05),
    "xor-4": Surface(2, 4, 0.05),
    "parity": Surface(3, 3, 0.01),
    "random": Surface(2, 5, 0.001, 20),
}


def scene(surface: Surface) -> Configuration:
    """Make a surface's configuration."""
    return configuration(
        {
            "problem": {"table": surface.table},
            "network": {"activation": "tanh", "output": "linear", "hidden": [surface.hidden]},
            "loss": {"kind": "squared-error", "reduction": "sum", "l2": surface.l2},
        }
    )


def ours(
    surface: Surface, seed: int, seconds: float, round_searches: int, follow: bool
) -> tuple[ConfigurationMap, list[tuple[float, int]]]:
    """Map for some CPU seconds, or until 10,000 searches have found nothing new.

    Without ``follow`` paths end after a step. Returns the map, and after each search round the CPU
    seconds and the distinct points.
    """
    c = scene(surface)
    steps = MapOptions.path_steps if follow else 1
    options = MapOptions(round_searches=round_searches, highest_index=1, path_steps=steps)
    none = np.zeros((c.architecture.n_parameters, 0))
    stream = SearchStream(seed, c.symmetries, none, options.highest_index)
    found, checkpoints = ConfigurationMap(c, stream, options), MemoryCheckpoints()
    seen, began = [(0.0, 0)], time.process_time()

    def goes_on() -> bool:
        seen.append((time.process_time() - began, distinct(found)))
        return seen[-1][0] < seconds

    SearchRounds([[found]], checkpoints, checkpoints.run, "pytensor", options).make(goes_on)
    return found, seen


def until(seen: list[tuple[float, int]], n: int) -> float:
    """CPU seconds until so many distinct points were known; nan if they never were."""
    return next((at for at, known in seen if known >= n), float("nan"))


def distinct(found: ConfigurationMap) -> int:
    """Known minima and transition states."""
    return sum(point.index <= 1 for point in found.points.points)


def peer(
    python: str, library: str, surface: Surface, seconds: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a peer's points (n, n_parameters), when each was found, and how many searches."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.npz"
        script = ROOT / "benchmarks" / "landscape_peers.py"
        of_surface = [surface.table, str(surface.hidden), str(surface.l2)]
        command = [python, "-W", "ignore", str(script), library, *of_surface, str(seconds)]
        subprocess.run([*command, str(out)], check=True, stdout=subprocess.DEVNULL)
        with np.load(out) as file:
            return file["points"], file["times"], int(file["searches"])


def refined(surface: Surface, points: np.ndarray) -> tuple[CriticalPoints, dict[int, int]]:
    """Sort a peer's points into classes as the map does, after Newton steps to its precision.

    Returns the classes, and by class the first of the points.
    """
    c, options = scene(surface), MapOptions()
    task = MapTask(
        c, np.arange(len(points)), points.T.copy(), np.full(len(points), ANY), "pytensor", options
    )
    found, first = CriticalPoints(c, options), {}
    rows = decode(search(task)).to_pandas()
    for row in rows[rows["number"] == rows["same_as"]].to_dict("records"):
        position = found.add({str(name): value for name, value in row.items()}, 0)
        first.setdefault(position, row["number"])
    return found, first


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--peers", required=True, metavar="PYTHON")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--surfaces", nargs="+", choices=SURFACES, default=[*SURFACES])
    given = options.parse_args()
    for surface in map(SURFACES.__getitem__, given.surfaces):
        mapped(scene(surface), MapOptions(searches=50, round_searches=50))  # compiled now
        rates: dict[str, list[tuple[float, float]]] = {}
        for turn in range(given.rounds):
            found, seen = ours(surface, turn, given.seconds, 1000, True)
            _, early = ours(surface, turn, given.seconds / 4, 100, True)
            alone, searched = ours(surface, turn, given.seconds, 1000, False)
            at, known = searched[-1]
            latest = until(searched, known)
            print(
                f"{surface.name}, runner without paths: {alone.searches:,} searches in {at:.1f} s; "
                f"{known} distinct, the last after {latest:.2f} s"
            )
            rates.setdefault("without paths", []).append((alone.searches / at, known / latest))
            seconds, n = seen[-1]
            last = until(seen, n)
            print(
                f"{surface.name}, runner: {found.searches:,} searches in {seconds:.1f} s; "
                f"{n} distinct, the last after {last:.2f} s"
            )
            rates.setdefault("runner", []).append((found.searches / seconds, n / last))
            for library in PEERS:
                points, times, searches = peer(given.peers, library, surface, given.seconds)
                theirs, first = refined(surface, points)
                own = [k for k, point in enumerate(theirs.points) if point.index <= 1]
                latest = max((float(times[first[k]]) for k in own), default=given.seconds)
                missing = sum(not found.points.knows(point) for point in theirs.points)
                print(
                    f"{surface.name}, {library}: {searches:,} searches in {given.seconds:.1f} s; "
                    f"{len(own)} distinct, the last after {latest:.2f} s; {missing} of "
                    f"{len(theirs)} points are not in the map; ours has {len(own)} after "
                    f"{until(early, len(own)):.2f} s"
                )
                rates.setdefault(library, []).append((searches / given.seconds, len(own) / latest))
        for kind, place in (("searches", 0), ("distinct points", 1)):
            medians = {
                name: statistics.median(rate[place] for rate in of_one)
                for name, of_one in rates.items()
            }
            texts = [
                f"{name} {rate:,.2f} (runner {medians['runner'] / rate:,.0f} times)"
                if rate
                else f"{name} none"
                for name, rate in medians.items()
            ]
            print(f"{surface.name}, {kind} per CPU second: {', '.join(texts)}")


if __name__ == "__main__":
    main()
