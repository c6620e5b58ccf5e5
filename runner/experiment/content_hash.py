"""What identifies content: a hash that depends on nothing but the content."""

from __future__ import annotations

import hashlib
import json


def digest(content: object) -> str:
    """SHA-256, in hexadecimal, of content as JSON with sorted keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
