"""What a study was asked to be precise about, and whether it is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import StudyError
from runner.errors.messages import counted
from runner.precision.targets.registry import targets
from runner.precision.until import Until

if TYPE_CHECKING:
    from runner.precision.targets.base import Target
    from runner.study.study import Study


def outcomes(study: Study) -> list[str]:
    """Return a sentence for each target that the study's last round was for.

    Raises
    ------
    StudyError
        If the study is damaged.
    """
    until = Until.stored(study.plan.until)
    texts = [_outcome(study, target) for target in targets(until)]
    if until.for_s is not None:
        texts.append(
            f"Asked to go on for {until.for_s:g} s: how many restarts that gave is chance."
        )
    return texts


def options(study: Study) -> list[str]:
    """Return the options that ask for the same again."""
    until = Until.stored(study.plan.until)
    named = {
        name: until.asked[name] for name in ("success_rate", "difference") if name in until.asked
    }
    texts = [f"--until {name}={value:g}" for name, value in named.items()]
    texts += [] if until.classes is None else [f"--until-classes {until.classes:g}"]
    return texts + ([] if until.for_s is None else [f"--for {until.for_s:g}s"])


def _outcome(study: Study, target: Target) -> str:
    asked = f"Asked for: {target.title}"
    try:
        need = target.need(study)
    except StudyError:
        return f"{asked}; not known before `python -m runner analyze` on this study."
    found = target.found(study)
    asked += f" ({found})" if found else ""
    n, reached = len(need.reached), int(need.reached.sum())
    if reached == n:
        return f"{asked}; reached{' by all configurations' if n > 1 else ''}."
    most = study.experiment.restarts
    spent = int((study.plan.counts >= most)[~need.reached].sum())
    text = f"{asked}; reached by {reached:,} of {counted(n, 'configuration')}"
    if spent:
        text += f"; {spent:,} of the others {'has' if spent == 1 else 'have'} all {most:,} restarts"
        text += " (more with --restarts)"
    return f"{text}."
