"""Arguments and options that more than one command has."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.completion import complete_change
from runner.cli.option_groups import OptionGroup
from runner.cluster.options import ClusterOptions
from runner.dispatch.fault_policy import FaultPolicy
from runner.precision.texts import parse_time, parse_until
from runner.precision.until import Until

# Panels of a command's help; other options are in Typer's own. A flag takes no value: its
# ``metavar`` is empty.
TRAINED_PANEL = "What is trained"
STUDY_PANEL = "Where results go"
_CLUSTER_PANEL = "Where it runs"
_FAULT_PANEL = "Workers and restarts that fail"
_PRECISION_PANEL = "Until it is precise, with --restarts as the most"


class Device(StrEnum):
    """Which workers a command uses."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


def cluster_options(
    workers: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_CLUSTER_PANEL,
            min=1,
            metavar="N",
            help="Worker processes on this machine.",
            show_default="one per core",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_CLUSTER_PANEL,
            metavar="ADDRESS",
            help="Run on this Dask scheduler; by default on that of DASK_SCHEDULER_ADDRESS or, "
            "without it, on this machine.",
        ),
    ] = None,
    scheduler_file: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_CLUSTER_PANEL,
            metavar="FILE",
            help="Run on the scheduler that wrote this file.",
        ),
    ] = None,
    device: Annotated[
        Device,
        typer.Option(
            rich_help_panel=_CLUSTER_PANEL,
            metavar="KIND",
            help="Workers to use: cpu, gpu, or auto for those that are there.",
        ),
    ] = Device.AUTO,
    wait: Annotated[
        float,
        typer.Option(
            rich_help_panel=_CLUSTER_PANEL,
            min=0,
            metavar="N",
            help="Seconds to wait for scheduler and worker.",
        ),
    ] = 30.0,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            metavar="",
            rich_help_panel=_CLUSTER_PANEL,
            help="Allow another machine's scheduler without TLS.",
        ),
    ] = False,
    shared: Annotated[
        bool,
        typer.Option(
            "--shared",
            metavar="",
            rich_help_panel=_CLUSTER_PANEL,
            help="A sweep's workers write shards themselves: into its folder, which they see, or "
            "into its object store.",
        ),
    ] = False,
) -> ClusterOptions:
    """Build the options of where a command runs."""
    return ClusterOptions(scheduler, scheduler_file, workers, device.value, wait, insecure, shared)


Cluster = Annotated[ClusterOptions, OptionGroup(cluster_options)]

StudyFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder, or its URL.")]

TrustModel = Annotated[
    bool,
    typer.Option(
        "--trust-model",
        metavar="",
        help="Execute the file of network.model, here and on workers.",
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="a.b=VALUE",
        autocompletion=complete_change,
        rich_help_panel=TRAINED_PANEL,
        help="Change a field; can be repeated.",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        metavar="",
        rich_help_panel=STUDY_PANEL,
        help="Replace the study in the folder.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Print errors only.")]


def fault_policy(
    deadline: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_FAULT_PANEL,
            metavar="SECONDS",
            help="Restart a worker that trains a batch for longer.",
            show_default="ten times what others took, and a minute",
        ),
    ] = None,
    max_failures: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_FAULT_PANEL,
            metavar="N",
            help="Stop when more restarts fail.",
            show_default="no limit",
        ),
    ] = None,
    audit: Annotated[
        float,
        typer.Option(
            rich_help_panel=_FAULT_PANEL,
            metavar="SHARE",
            help="Train this share again on other workers; compare.",
        ),
    ] = 0.0,
    no_canary: Annotated[
        bool,
        typer.Option(
            "--no-canary",
            metavar="",
            rich_help_panel=_FAULT_PANEL,
            help="Accept workers that compute other bits than the first.",
        ),
    ] = False,
) -> FaultPolicy:
    """Build the options of what a sweep does about workers and restarts that fail."""
    return FaultPolicy(deadline, max_failures, audit, canary=not no_canary)


Faults = Annotated[FaultPolicy, OptionGroup(fault_policy)]


def until_options(
    until: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=_PRECISION_PANEL,
            metavar="NAME=NUMBER",
            help="success_rate=0.01: until every interval of the share solved has this half-width; "
            "difference=0.02: until each pair is known to differ, or to do so by less.",
        ),
    ] = None,
    until_classes: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_PRECISION_PANEL,
            metavar="CHANCE",
            help="Until a new class of endpoints has a smaller chance.",
        ),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option(
            "--for",
            rich_help_panel=_PRECISION_PANEL,
            metavar="TIME",
            help="No new round after this time, as in 90s, 10m, 2h.",
        ),
    ] = None,
) -> Until:
    """Build the options of how precise a study is to be."""
    for_s = None if for_ is None else parse_time(for_)
    return Until(**parse_until(until or []), classes=until_classes, for_s=for_s)


Precision = Annotated[Until, OptionGroup(until_options)]
