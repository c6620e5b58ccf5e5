"""Whether this LLVM can write code for a GPU: the wheels of llvmlite can, other builds need not."""

from __future__ import annotations

import pytest
from llvmlite import binding


def _can_write_ptx() -> bool:
    binding.initialize_all_targets()
    try:
        binding.Target.from_triple("nvptx64-nvidia-cuda")
    except RuntimeError:
        return False
    return True


needs_nvptx = pytest.mark.skipif(not _can_write_ptx(), reason="this llvmlite cannot write PTX")
"""Skips a test, or a module's, where it cannot."""
