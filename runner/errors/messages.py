"""The wording that all messages share: short values, counts, lists of names, near misses."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

__all__ = [
    "MAX_PROBLEMS",
    "count_text",
    "counted",
    "listed",
    "nearest",
    "printable",
    "shown",
    "summed_up",
]

MAX_PROBLEMS = 50
"""Problems of one experiment that are written out; the rest are counted."""

_MAX_WIDTH = 80


class _Short(reprlib.Repr):
    """`repr` with a bounded depth and width; sequences look as they do in TOML."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxdict = 12
        self.maxstring = self.maxlong = self.maxother = _MAX_WIDTH - 4

    def repr_tuple(self, x: tuple[Any, ...], level: int) -> str:
        return self.repr_list(list(x[: self.maxlist + 1]), level)

    def repr_int(self, x: int, level: int) -> str:
        # str() of an int refuses to work beyond 4300 digits.
        return f"an integer of {x.bit_length()} bits" if x.bit_length() > 4096 else repr(x)


def shown(value: object) -> str:
    """Return `value` as messages show it: its repr, control characters escaped, <= 80 wide."""
    text = _Short().repr(value)
    return text if len(text) <= _MAX_WIDTH else f"{text[: _MAX_WIDTH - 3]}..."


def printable(text: str) -> str:
    """Return `text` itself where it is printable, or else its short repr."""
    return text if text.isprintable() and len(text) <= 1024 else shown(text)


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 restart`, `2,000 restarts`, `0 batches`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def count_text(n: float) -> str:
    """Return a whole number: `2,000`; four digits of it from 1e15 on: `1e+15`."""
    return f"{n:.4g}" if abs(n) >= 1e15 else f"{int(n):,}"


def listed(names: Iterable[object]) -> str:
    """Return the names as messages list them: `'a', 'b', 'c'`."""
    return ", ".join(repr(name) for name in names)


def nearest(word: object, names: Sequence[str]) -> str:
    """Return ` Did you mean 'name'?` for the name most like `word`, or an empty string."""
    close = most_like(word, names)
    return f" Did you mean {close!r}?" if close else ""


def most_like(word: object, names: Iterable[str]) -> str | None:
    """Return the name that is spelt most like `word`, if one is like it."""
    if not isinstance(word, str) or len(word) > _MAX_WIDTH:
        return None
    by_folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None


def summed_up(problems: Sequence[str], total: int, limit: int) -> str:
    """Return the first `limit` problems, a line each, and how many of `total` are left out."""
    lines = list(problems[:limit])
    if total > len(lines):
        lines.append(f"and {total - len(lines)} more.")
    return "\n".join(lines)
