"""``python -m runner status``."""

from __future__ import annotations

from runner.cli.console import print_result
from runner.cli.options import StudyFolder
from runner.errors.messages import counted


def status(folder: StudyFolder) -> None:
    """Print how far a study is.

    Examples
    --------
    python -m runner status results/gates
    """
    from runner.display.text import point_text
    from runner.study.study import open_study

    study = open_study(folder)
    state = "finished" if study.complete else "not finished"
    print_result(
        f"{study.experiment.name}: {state}, "
        f"{study.n_done:,} of {counted(study.plan.n_restarts, 'restart')}, "
        f"{len(study.commits):,} of {counted(study.plan.n_batches, 'batch', 'batches')}, "
        f"{len(study.failures):,} failed",
        wrap=True,
    )
    if not study.complete:
        print_result("Run the same sweep again to continue.", wrap=True)
    if study.plan.until:
        from runner.precision.outcome import outcomes

        for text in outcomes(study):
            print_result(text, wrap=True)
    for configuration in study.plan.configurations:
        n = int(study.trained.iloc[configuration.index])
        planned = int(study.plan.counts[configuration.index])
        point = point_text(configuration.point)
        print_result(f"  {point}: {n:,} of {planned:,}", wrap=True)
