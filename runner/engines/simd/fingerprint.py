"""What a program computes, apart from names and versions: equal ones give equal bits anywhere.

Two versions of PyTensor or LLVM, or two kinds of processor, give the same bits where the program is
the same: every one of its operations is rounded exactly, and LLVM changes the order of none.
"""

from __future__ import annotations

import hashlib
import itertools
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass

OPERATIONS = {
    "+": ("fadd", "an addition"),
    "-": ("fsub", "a subtraction"),
    "*": ("fmul", "a multiplication"),
    "/": ("fdiv", "a division"),
    "n": ("fneg", "a change of sign"),
    "f": ("fmuladd", "a fused multiply-add"),
    "r": ("sqrt", "a square root"),
    "a": ("fabs", "an absolute value"),
    "k": ("copysign", "a copied sign"),
    "o": ("rint", "a rounding to an integer"),
    "g": ("floor", "a floor"),
    "u": ("maximum", "a maximum"),
    "d": ("minimum", "a minimum"),
    "p": ("pow", "a power"),
    "c": ("fcmp", "a comparison"),
    "s": ("select", "a choice"),
    "x": ("fpext", "a conversion to float64"),
    "t": ("fptrunc", "a conversion to float32"),
    "i": ("sitofp", "a conversion of an integer"),
    "b": ("uitofp", "a conversion of a bit"),
}
"""Letters for the operations on floats, and what LLVM and people call them."""

_LETTERS = {name: letter for letter, (name, _) in OPERATIONS.items()}
_OPERATION = re.compile(rf'= (?:call [^@\n]*@"llvm\.)?({"|".join(_LETTERS)})\b')
_NAME = re.compile(r'([%@])"([^"]*)"')
_HEADER = re.compile(r"^(?:;.*|target .*|source_filename.*|declare .*)?\n", re.MULTILINE)


@dataclass(frozen=True)
class Fingerprint:
    """Tells a program from others."""

    sha256: str
    """Of its text, names numbered, and of whether the processor fuses; hexadecimal."""
    operations: str
    """Its operations on floats in order, letters of `OPERATIONS`; a loop's are there once."""


def fingerprint(text: str) -> Fingerprint:
    """Return the fingerprint of a program's text, as this machine runs it."""
    count = itertools.count()
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        kind, name = found.groups()
        if kind == "@" and name.startswith("llvm."):
            return found[0]
        return numbers.setdefault(found[0], f"{kind}{next(count)}")

    plain = _NAME.sub(number, _HEADER.sub("", text))
    content = "\n".join(" ".join(line.split()) for line in plain.splitlines())
    fused = "fused" if fuses() else "multiplied, then added"
    operations = "".join(_LETTERS[found] for found in _OPERATION.findall(text))
    return Fingerprint(hashlib.sha256(f"{fused}\n{content}".encode()).hexdigest(), operations)


def digest(programs: Mapping[str, Fingerprint]) -> str:
    """Return one name for several programs: 16 hexadecimal digits."""
    content = "".join(f"{name} {programs[name].sha256}\n" for name in sorted(programs))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def fuses() -> bool:
    """Return whether a multiply-add is rounded once on this machine, as on all but old x86."""
    if platform.machine().lower() not in ("x86_64", "amd64", "i386", "i686"):
        return True
    from llvmlite import binding  # which not every engine's environment has

    return bool(binding.get_host_cpu_features().get("fma"))


def difference(then: str, now: str) -> str:
    """Say which of a program's operations is another one, in words.

    Parameters
    ----------
    then, now : str
        `Fingerprint.operations` of two programs that differ.
    """
    for place, (old, new) in enumerate(itertools.zip_longest(then, now), start=1):
        if old != new:
            was, is_now = (OPERATIONS[x][1] if x in OPERATIONS else "none" for x in (old, new))
            of = f"operation {place:,} of {len(then):,}"
            return f"{of} was {was}, now it is {is_now}"
    return f"its {len(then):,} operations are the same, of other numbers"
