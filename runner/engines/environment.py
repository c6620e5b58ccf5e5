"""Environment variables that a library reads while it is imported, and nobody should see after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables for a while; what was there before comes back.

    Examples
    --------
    >>> with environment(RUNNER_EXAMPLE="1"):
    ...     os.environ["RUNNER_EXAMPLE"]
    '1'
    >>> "RUNNER_EXAMPLE" in os.environ
    False
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
