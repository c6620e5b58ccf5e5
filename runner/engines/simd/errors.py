"""The error that a graph holds something without vector code."""

from __future__ import annotations


class UnknownOperation(NotImplementedError):
    """A graph holds something that has no vector code; the message names it."""
