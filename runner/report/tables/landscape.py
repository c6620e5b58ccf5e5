"""Tables of the loss landscape: verdicts, classes of endpoints, classes not seen, barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.landscape_tables import Landscape
from runner.report.tables.base import TableRows

if TYPE_CHECKING:
    from runner.study.study import Study


def verdict_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return what was shown about the convexity of each configuration."""
    frame = landscape.whole("verdicts").drop(columns=["index"], errors="ignore")
    note = "What was shown of each configuration, and no more than that."
    return TableRows("verdicts", "Convexity", note, frame)


def class_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return the classes of endpoints, without weights and without columns that are empty."""
    frame = landscape.whole("minima")
    frame = frame[[c for c in frame.columns if "[" not in str(c)]].dropna(axis="columns", how="all")
    note = "Up to the network's symmetries; the weights of each representative are in study.minima."
    shares = ("share", "ci_low", "ci_high")
    return TableRows("minima", "Classes of endpoints", note, frame, shares)


def unseen_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return estimates of what lies in classes that no restart has reached."""
    note = (
        "Share of the restarts' probability that lies in classes not seen yet (Good and Turing), "
        "below what it is whenever one looks (chance_bound, 95%), and a lower bound of the number "
        "of classes (Chao 1984)."
    )
    frame = landscape.whole("unseen")
    return TableRows("unseen", "Classes not seen", note, frame, ("good_turing", "chance_bound"))


def barrier_rows(study: Study, landscape: Landscape) -> TableRows:
    """Return the barriers between pairs, the highest first, without the paths themselves."""
    frame = landscape.whole("barriers")
    if len(frame):
        frame = frame.drop(columns=["path"], errors="ignore")
        frame = frame.sort_values("barrier", ascending=False, kind="stable")
    note = (
        "Between pairs of endpoints, the highest first; aligned: after the hidden units of one are "
        "exchanged to match the other's."
    )
    return TableRows("barriers", "Barriers", note, frame)
