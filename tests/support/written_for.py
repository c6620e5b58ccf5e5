"""Programs written for other registers than this machine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.engines import vector_programs
from runner.engines.registry import compiled
from runner.engines.simd import registers


@contextmanager
def written_for(fit: registers.Registers) -> Iterator[None]:
    """Have everything written and compiled anew for some registers, and nothing of it kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registers, "here", lambda: fit)
        patch.setenv("RUNNER_CACHE_DIR", "")
        _forget()
        yield
    _forget()


def _forget() -> None:
    compiled.cache_clear()
    for kept in vars(vector_programs).values():
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
