"""Where a page's numbers come from: experiments, hashes, date and versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from runner.experiment.content_hash import digest
from runner.experiment.plan import Plan
from runner.study.study import Study
from study_tables.base import markdown

DIGITS = 16


def asked(plan: Plan) -> str:
    """A hash of what an experiment asks for: seed, restarts and every configuration."""
    experiment = plan.experiment
    ids = [c.id for c in plan.configurations]
    return digest([experiment.seed, experiment.restarts, ids])[:DIGITS]


def content(study: Study) -> str:
    """A hash of all that a study holds, whatever files it is cut into."""
    return digest(study.configuration_hashes.tolist())[:DIGITS]


def origin_table(studies: Mapping[str, Study]) -> str:
    """A row per study, and what it was made with."""
    rows = [
        (
            f"`{name}.toml`",
            f"{len(study.plan.configurations):,}",
            f"{study.experiment.restarts:,}",
            f"`{asked(study.plan)}`",
            f"`{content(study)}`",
            f"{datetime.fromtimestamp(_written(study), UTC):%Y-%m-%d}",
        )
        for name, study in studies.items()
    ]
    head = ("experiment", "configurations", "restarts of each", "asked", "content", "date")
    made_with = {_made_with(study) for study in studies.values()}
    return f"{markdown(head, rows)}\n\nMade with {'; '.join(sorted(made_with))}."


def _written(study: Study) -> float:
    return max(path.stat().st_mtime for path in study.path.glob("shards/*/*.parquet"))


def _made_with(study: Study) -> str:
    names = ("runner", "python", "pytensor", "numpy")
    return ", ".join(f"{name} {study.versions[name]}" for name in names)
