"""Train the experiments that pages of docs/ tell of, and make the pages' tables.

python docs/studies.py [PAGE ...] [--restarts N] [--workers N]
    N restarts of each configuration at most (20), and whether they agree with the pages' figures
python docs/studies.py [PAGE ...] --write [--workers N]
    all restarts; the pages' tables and docs/studies/figures.csv anew

A page is named by its stem, as in reports or kolen-pollack; without one, all are meant. Studies are
results/NAME, or results/few-N/NAME, and what is there is not trained again.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from scipy.stats import fisher_exact
from study_tables.outcomes import Outcome, outcomes
from study_tables.registry import ANALYZED, MAPPED, TABLES

import runner
from runner.experiment.experiment import load_experiment
from runner.study.study import Study

PAGES = {
    path.stem: path
    for path in (ROOT / "docs" / "reports.md", *sorted((ROOT / "docs" / "studies").glob("*.md")))
    if path.stem != "index"
}
FIGURES = ROOT / "docs" / "studies" / "figures.csv"
HEAD = ("experiment", "configuration", "n", "solved", "steps")
TABLE = re.compile(r"(<!-- table: ([\w-]+) (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
SEARCHES = 12_000
"""Searches of each configuration of a study that is mapped, at most."""
CHANCE = 1e-6
"""Fisher's exact test of two shares of the same configuration must not be below this."""


def named(words: str) -> list[Path]:
    """The experiment files of a marker's words, each of which may have a star."""
    return [
        path
        for word in words.split()
        for path in sorted((ROOT / "experiments").glob(f"{word}.toml"))
    ]


def experiments(page: str) -> list[Path]:
    """The experiment files of a page's tables, each once."""
    return list(
        dict.fromkeys(path for _, _, words, _ in TABLE.findall(page) for path in named(words))
    )


def analyzed(page: str) -> set[Path]:
    """Those of a page's experiment files whose tables need an analysis."""
    return _of_tables(page, ANALYZED)


def mapped(page: str) -> set[Path]:
    """Those whose tables need a map."""
    return _of_tables(page, MAPPED)


def _of_tables(page: str, names: Collection[str]) -> set[Path]:
    markers = TABLE.findall(page)
    return {path for _, name, words, _ in markers if name in names for path in named(words)}


def trained(
    path: Path,
    out: Path,
    few: int | None = None,
    grid: Mapping[str, Any] | None = None,
    **options: Any,
) -> Study:
    """The study of an experiment file, of all restarts or a few, perhaps with other axes of a grid.

    Options are those of `runner.sweep`. A slice is always whole.
    """
    experiment = load_experiment(path, grid=grid or {})
    if few is not None and experiment.init.distribution != "slice":
        changes = {"restarts": min(few, experiment.restarts)}
        experiment = load_experiment(path, changes=changes, grid=grid or {})
    return runner.sweep(experiment, out / experiment.name, **options)


def renewed(page: str, studies: Mapping[Path, Study]) -> str:
    """The page with its tables made anew."""

    def filled(found: re.Match[str]) -> str:
        begin, name, words, end = found.groups()
        own = {path.stem: studies[path] for path in named(words)}
        return f"{begin}\n{TABLES[name](own)}\n\n{end}"

    return TABLE.sub(filled, page)


def figures() -> dict[tuple[str, str], Outcome]:
    """The pages' figures, by experiment and configuration."""
    with FIGURES.open(newline="") as file:
        rows = [
            Outcome(a, b, int(n), int(k), float(s)) for a, b, n, k, s in [*csv.reader(file)][1:]
        ]
    return {(row.experiment, row.configuration): row for row in rows}


def write_figures(found: Mapping[tuple[str, str], Outcome]) -> None:
    """Write the pages' figures, sorted."""
    with FIGURES.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEAD)
        rows.writerows(
            (o.experiment, o.configuration, o.n, o.solved, o.steps)
            for _, o in sorted(found.items())
        )


def disagreements(study: Study, expected: Mapping[tuple[str, str], Outcome]) -> Iterator[str]:
    """What of a study is not as in the figures, by more than chance."""
    for o in outcomes(study):
        figure = expected.get((o.experiment, o.configuration))
        where = f"{o.experiment} [{o.configuration}]"
        if figure is None:
            yield f"{where}: not among the figures"
            continue
        counts = [[o.solved, o.n - o.solved], [figure.solved, figure.n - figure.solved]]
        if fisher_exact(counts).pvalue < CHANCE:
            told = f"{o.solved} of {o.n} solved, {figure.solved} of {figure.n} in the figures"
            yield f"{where}: {told}"


def options(words: list[str]) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("pages", nargs="*", metavar="PAGE")
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--write", action="store_true")
    found = parser.parse_args(words)
    if unknown := set(found.pages) - set(PAGES):
        parser.error(f"PAGE is {', '.join(sorted(unknown))}; expected some of {', '.join(PAGES)}.")
    return found


def write(names: Iterable[str], workers: int | None) -> None:
    """Train all restarts of pages; write their tables and figures."""
    found = figures()
    for name in names:
        page = PAGES[name].read_text()
        studies = {}
        for path in experiments(page):
            studies[path] = timed(path, Path("results"), None, workers)
            if path in analyzed(page):
                runner.analyze(studies[path], workers=workers)
            if path in mapped(page):
                runner.map_landscape(studies[path], searches=SEARCHES, workers=workers)
            found |= {(o.experiment, o.configuration): o for o in outcomes(studies[path])}
        PAGES[name].write_text(renewed(page, studies))
        write_figures(found)


def compare(names: Iterable[str], few: int, workers: int | None) -> int:
    """Train a few restarts of pages; print and count what is not as in the figures."""
    expected = figures()
    n_wrong = 0
    for name in names:
        for path in experiments(PAGES[name].read_text()):
            for told in disagreements(
                timed(path, Path("results", f"few-{few}"), few, workers), expected
            ):
                print(told)
                n_wrong += 1
    return n_wrong


def timed(path: Path, out: Path, few: int | None, workers: int | None) -> Study:
    """`trained`, with a line on how long it took."""
    begun = time.monotonic()
    study = trained(path, out, few, workers=workers)
    print(f"{path.stem}: {time.monotonic() - begun:.0f} s", flush=True)
    return study


if __name__ == "__main__":
    line = options(sys.argv[1:])
    pages = line.pages or [*PAGES]
    if line.write:
        write(pages, line.workers)
    elif n := compare(pages, line.restarts, line.workers):
        sys.exit(f"{n} shares differ from docs/studies/figures.csv")
