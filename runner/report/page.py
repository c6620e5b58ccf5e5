"""The page: everything of a report, in one HTML file that loads nothing from a network."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from runner.display.text import unfinished_text
from runner.errors.messages import counted
from runner.experiment.batch_sizes import curves
from runner.experiment.plan_notes import plan_notes
from runner.precision.outcome import options, outcomes
from runner.report.answer import Sentence, answer
from runner.report.colours import OTHER, THEME, style_sheet
from runner.report.figures.base import Key, Panel, Picture
from runner.report.glossary import LABELS, OTHERS
from runner.report.landscape_tables import Landscape
from runner.report.names import sampled
from runner.report.sentences import sentences
from runner.report.style import SINGLE, styled
from runner.report.style_classes import StyleClasses
from runner.report.svg import inline
from runner.report.tables.base import Table
from runner.report.tables.order import all_tables
from runner.study.growth import restarts_text
from runner.study.statistics.base import STOPPED, some_stopped

if TYPE_CHECKING:
    from runner.study.study import Study

_MOST_SHOWN = 6  # configurations whose text is shown without a click
_GLYPHS = {
    **{"patch": "■", "-": "━", "o": "●", "s": "■", "^": "▲"},
    **{"D": "◆", "v": "▼", "<": "◀", ">": "▶"},
}
_MOST_DOWNLOADED = 5_000  # rows of a figure's numbers that the page itself holds


def page(study: Study, landscape: Landscape, pictures: Sequence[Picture]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    study : Study
    landscape : Landscape
    pictures : sequence of Picture

    Notes
    -----
    A function of the study and the versions: no time and no place is in it. All that comes from
    an experiment is escaped, and the page's own policy forbids scripts but the one that sorts.
    """
    environment = Environment(
        loader=PackageLoader("runner.report"),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["with_code"] = _with_code
    loader = environment.loader
    if loader is None:  # pragma: no cover
        raise AssertionError
    classes = StyleClasses()
    figures = [_figure(picture, study.experiment.name, classes) for picture in pictures]
    tables = list(all_tables(study, landscape))
    style = style_sheet() + loader.get_source(environment, "page.css")[0] + classes.sheet()
    script = loader.get_source(environment, "page.js")[0]
    return environment.get_template("page.html").render(
        name=study.experiment.name,
        lead=_lead(study),
        notes=_notes(study, landscape),
        answer=[_linked(sentence, figures, tables) for sentence in answer(study)],
        configurations=sentences(study, landscape),
        most_shown=_MOST_SHOWN,
        figures=figures,
        tables=tables,
        shown_in={table.name: _figures_of(table, pictures) for table in tables},
        facts=_facts(study),
        command=_command(study),
        experiment_file="experiment.toml",
        experiment=tomli_w.dumps(study.experiment.model_dump(mode="json")),
        words=[*OTHERS.items(), *LABELS.items()],
        # our own files, not an experiment's content
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _with_code(text: str) -> Markup:
    """Escape a text and show what is in backquotes as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _linked(
    sentence: Sentence, figures: Sequence[Mapping[str, object]], tables: Sequence[Table]
) -> dict[str, str]:
    """Return a sentence with links to what the page has of its figure and table."""
    figure = any(each["name"] == sentence.figure for each in figures)
    table = any(each.name == sentence.table for each in tables)
    return {
        "text": sentence.text,
        "figure": sentence.figure if figure else "",
        "table": sentence.table if table else "",
    }


def _figures_of(table: Table, pictures: Sequence[Picture]) -> list[Picture]:
    return [picture for picture in pictures if picture.table == table.name]


def _figure(picture: Picture, name: str, classes: StyleClasses) -> dict[str, object]:
    with styled():
        panels = [_panel(panel, picture, classes) for panel in picture.panels]
    wide = picture.shape.width >= SINGLE.width
    rows = len(picture.data)
    text = picture.data.to_csv(index=False) if 0 < rows <= _MOST_DOWNLOADED else ""
    return {
        "name": picture.name,
        "title": picture.title,
        "caption": picture.caption,
        "alt": picture.alt,
        "table": picture.table,
        "panels": panels,
        "keys": [
            {
                "text": key.text,
                "style": classes.name(_key_style(key)),
                "glyph": _GLYPHS[key.mark],
            }
            for key in picture.keys
        ],
        "width": "alone" if len(panels) == 1 and wide else f"w{round(10 * picture.shape.width)}",
        "file": f"{name}-{picture.name}.csv",
        "download": f"data:text/csv;charset=utf-8,{quote(text)}" if text else "",
    }


def _key_style(key: Key) -> str:
    """Return a mark's colour; one that a theme does not change has an edge, to be seen on both."""
    edge = "" if key.colour in THEME else f"; -webkit-text-stroke: 0.6px {OTHER}"
    return f"color: {key.colour}{edge}"


def _panel(panel: Panel, picture: Picture, classes: StyleClasses) -> dict[str, object]:
    shape = picture.shape
    figure = Figure(figsize=(shape.width, shape.height), facecolor="none")
    tips = panel.draw(figure.add_axes(shape.box))
    alt = ", ".join(filter(None, (panel.title or picture.title, panel.note)))
    return {
        "title": panel.title,
        "note": panel.note,
        "cut": panel.spare > 0,
        "svg": inline(figure, tips, alt, classes, panel.spare),
    }


def _lead(study: Study) -> str:
    n = len(study.plan.configurations)
    each = restarts_text(study.plan.counts)
    what = f"One configuration, {each}" if n == 1 else f"{n:,} configurations, {each} of each"
    training = [c.settings.training for c in study.plan.configurations]
    most = sorted({each.max_steps for each in training})
    names = " or ".join(dict.fromkeys(each.optimizer.replace("-", " ") for each in training))
    steps = " to ".join(f"{m:,}" for m in dict.fromkeys((most[0], most[-1])))
    return f"{what}, trained by {names} for at most {steps} steps."


def _notes(study: Study, landscape: Landscape) -> list[str]:
    notes = [text] if (text := unfinished_text(study.n_done, study.plan.n_restarts)) else []
    if study.plan.until:
        notes += outcomes(study)
    if failed := len(study.failures):
        notes.append(
            f"{counted(failed, 'restart')} could not be trained and count nowhere here: see the "
            "table of failures."
        )
    notes += plan_notes(study.plan.configurations)
    slices = [c for c in study.plan.configurations if c.settings.init.slice is not None]
    if slices:
        notes.append(
            "The starts are a grid over two weights, not a random sample: shares are of that "
            "square only and have no intervals."
        )
    if some_stopped(study.plan, study.tallies):
        notes.append(STOPPED)
    if study.n_sampled < study.experiment.restarts:
        notes.append(
            "All restarts are counted. What looks at them one by one (histograms and quantiles of "
            f"the loss, comparisons) is of {sampled(study)}."
        )
    for made, command, names in (
        ("analysis", "analyze", landscape.unusable),
        ("map", "map", landscape.unusable_of_map),
    ):
        if names:
            notes.append(
                f"Left out of this report, because {counted(len(names), 'table')} of the {made} "
                "cannot be read, or not for these restarts: "
                f"{', '.join(f'`study.{name}`' for name in names)}. Run "
                f"`python -m runner {command}` on this study, then `report` again."
            )
    if landscape.missing and study.n_done:
        notes.append(
            "Classes of endpoints, barriers and a verdict on convexity are not here yet: run "
            "`python -m runner analyze` on this study, then `report` again."
        )
    return notes


def _facts(study: Study) -> list[tuple[str, str]]:
    plan, experiment = study.plan, study.experiment
    hashes = study.hashes
    versions = ", ".join(f"{name} {version}" for name, version in study.versions.items())
    rounds = [("Rounds", f"{len(plan.rounds):,}: the study has grown")] if plan.before else []
    return [
        ("Root seed", str(experiment.seed)),
        *rounds,
        ("Restarts", f"{study.n_done:,} of {plan.n_restarts:,}"),
        ("Batches", f"{len(study.commits):,} of {plan.n_batches:,}"),
        ("Compiled functions", f"{len(plan.groups):,}"),
        ("Engine", plan.engine),
        ("Versions", versions),
        ("Plan, SHA-256", hashes["plan"]),
        ("Shards, SHA-256", f"{hashes['shards']} (of the list of the shards' own)"),
    ]


def _command(study: Study) -> str:
    plan = study.plan
    parts = ["python -m runner sweep experiment.toml", f"--out results/{study.experiment.name}"]
    if plan.engine != "pytensor":
        parts.append(f"--engine {plan.engine}")
    if plan.batch_size is not None:
        parts.append(f"--batch-size {plan.batch_size}")
    parts += options(study)
    if study.experiment.curves is None and plan.curves != curves(len(plan.configurations)):
        parts.append(f"--set curves={plan.curves}")
    tables_ = [c.settings.problem.table for c in plan.configurations if c.settings.problem.table]
    models = [c.settings.network.model for c in plan.configurations if c.settings.network.model]
    if models:
        parts.append("--trust-model")
    text = " ".join(parts)
    beside = {PurePath(t).name for t in tables_}
    beside |= {PurePath(m.rpartition(":")[0]).name for m in models}
    if beside:
        text += f"\n# beside it: {', '.join(sorted(beside))}"
    return text
