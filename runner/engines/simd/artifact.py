"""A program before and after it is compiled, and all that is needed to call it: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runner.engines.simd.fingerprint import Fingerprint, fingerprint

RowRuns = tuple[tuple[int, str], ...]
"""Rows of arrays as runs of one dtype: how many rows follow each other, and their dtype."""

Kind = Literal["function", "loop", "recording", "threads", "blocks"]

FOR_GPU: frozenset[Kind] = frozenset({"threads", "blocks"})
"""Kinds of programs that many threads run, and that share a counter of columns."""

NEVER = 2**62
"""Steps to a point that does not come, of programs that record."""


@dataclass(frozen=True)
class Interface:
    """How a program is called."""

    kind: Kind
    """``function``: as `runner.engines.simd.machine_code.Function` calls it; ``loop``: as `Loop`
    there does; ``recording``: a loop that can be told to keep what it comes to on its way, by the
    same steps; ``threads``: a loop that many threads may run at once, each with one lane;
    ``blocks``: one that many blocks of threads may run, each block with one lane."""
    inputs: RowRuns
    """The inputs; a loop's carried ones come first."""
    outputs: RowRuns
    """The outputs, one run for each group of them; of a loop those that are not carried, without
    the one that says which columns halt."""
    width: int
    """Lanes of a block."""
    scratch_bytes: int
    """Bytes of memory that it needs while it runs, every block for itself; threads have it on their
    stacks."""
    n_carried: int = 0
    """Rows that a loop carries from step to step."""
    widest: int = 1
    """Of blocks: rounds of the longest loop that their threads share out."""


@dataclass(frozen=True)
class Program:
    """A program for LLVM."""

    text: str
    """In LLVM's language, for the registers of one kind of processor."""
    interface: Interface
    """How it is called."""
    portable: str = ""
    """The same for AVX's registers, if it is another text and the program is one that studies
    compare: what that is named after."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Tells it from programs that give other bits; see ``portable``."""
        return fingerprint(self.portable or self.text)


@dataclass(frozen=True)
class Artifact:
    """What a program has been compiled to.

    Nothing here needs PyTensor, so a process that finds artifacts in the code cache need not
    import it.
    """

    code: bytes
    """An object file, for one kind of processor."""
    interface: Interface
    """How it is called."""
    fingerprint: Fingerprint
    """Of the program."""
