"""What to do about a line that is not TOML: the next step of a message."""

from __future__ import annotations

import re
from typing import Final

from runner.errors.messages import shown

__all__ = ["toml_hint"]

_KEY: Final = r"^\s*[\w.\"'-]+\s*"
_PLACE: Final = re.compile(r"\(at line (\d+), column \d+\)")
_ONCE: Final = " Each section and each field stands in the file once."
_STEPS: Final = tuple(
    (re.compile(pattern), step)
    for pattern, step in (
        ("[“”„‘’]", "Write straight quotes."),
        (r"^\s*\[[^\]]*$", "Close the bracket."),
        (rf"{_KEY}:", "Write = in place of the colon."),
        (r"=\s*(True|TRUE|False|FALSE)\b", "Write true or false, in small letters."),
        (r"=\s*(None|null|NULL|nil)\b", "Leave the field out."),
        (r"=\s*[+-]?\d{1,3}(,\d{3})+\s*(#|$)", "Write a number without commas."),
        (r"=\s*[+-]?\d+,\d+\s*(#|$)", "Write a decimal point."),
        (r"[=\[,]\s*[+-]?(\.\d|\d+\.(?!\d))", "Write a digit on both sides of a decimal point."),
        (r"=\s*([+-]?\d[\d.]*)\s*[A-Za-z%±]", "Write the number alone."),
        (r"[=\[,]\s*[A-Za-z]", "Write text in quotes."),
        (rf"{_KEY}=\s*(#|$)", "Write a value, or leave the field out."),
        (r"=\s*(\"[^\"]*|'[^']*)$", "End the text with the quote that it begins with."),
        (r"^\s*[{]", "Write TOML, as in experiments/gates.toml."),
        (r"^\s*//|^\s*;", "Begin a comment with #."),
    )
)
"""What a line looks like, and what to do about it; the first that fits."""


def toml_hint(text: str, message: str) -> str:
    """Return the line that a message of `tomllib` is about, and what to do.

    Parameters
    ----------
    text : str
        The file.
    message : str
        What `tomllib` says of it.
    """
    place = _PLACE.search(message)
    lines = text.splitlines()
    if place is None or int(place[1]) > len(lines):
        return ""
    line = lines[int(place[1]) - 1].strip()
    if "twice" in message or "overwrite" in message:
        return f" Line {place[1]} is {shown(line)}.{_ONCE}"
    step = next((f" {step}" for pattern, step in _STEPS if pattern.search(line)), "")
    return f" Line {place[1]} is {shown(line)}.{step}"
