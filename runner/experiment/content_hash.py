"""What identifies content: a hash that depends on nothing but the content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping


def digest(content: object) -> str:
    """SHA-256, in hexadecimal, of content as JSON with sorted keys.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    return _sha256(canonical_json(content))


def canonical_json(content: object) -> str:
    """Return content as JSON in the one form of which `digest` is the hash."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of_texts(texts: Mapping[str, str]) -> str:
    """Return the `digest` of a mapping whose values are there as `canonical_json`."""
    parts = (f"{json.dumps(name)}:{texts[name]}" for name in sorted(texts))
    return _sha256(f"{{{','.join(parts)}}}")


def text_of(owner: object, content: Callable[[], object]) -> str:
    """Return `canonical_json` of what an object that never changes holds; worked out once.

    By identity: thousands of configurations share sections and tables, and to hash one of these is
    to read all of it.
    """
    known = _texts.get(id(owner))
    if known is None:
        if len(_texts) >= _MOST_TEXTS:
            _texts.clear()
        known = _texts[id(owner)] = owner, canonical_json(content())
    return known[1]


_MOST_TEXTS = 2**8  # objects that are kept for it
_texts: dict[int, tuple[object, str]] = {}  # which keep their objects, and so these' identities


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
