"""The vector registers of a processor: what programs are written for. No bit depends on them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from llvmlite import binding

_IN_HALVES = ("cannonlake", "icelake-client", "rocketlake", "tigerlake", "znver4")
"""Processors, by LLVM's names, that multiply no more at once in registers of AVX-512 than in
AVX's: they have one unit for them, or take halves. By what is written of them; of those with more
Emerald Rapids was measured."""


@dataclass(frozen=True)
class Registers:
    """What a program is written for."""

    n_bytes: int
    """Bytes of one that the processor multiplies at once."""
    tile: tuple[int, int]
    """Rows and columns of a product of matrices that are in registers at once."""
    terms: int
    """Terms of a tile's sums that are written out, one after the other."""

    @property
    def pair_bytes(self) -> int:
        """Bytes of two, whose latencies overlap: of a number in a block that stays in registers."""
        return 2 * self.n_bytes


AVX = Registers(32, (4, 3), 8)
"""16 registers, 12 of them for a tile. Programs that studies compare are named after what is
written for these, whatever the processor; see `runner.engines.simd.artifact.Program`."""

AVX512 = Registers(64, (6, 4), 4)
"""32 registers, 24 of them for a tile."""


@lru_cache(maxsize=1)
def here() -> Registers:
    """Return those of this machine's processor."""
    features = binding.get_host_cpu_features()
    wide = features.get("avx512f") and binding.get_host_cpu_name() not in _IN_HALVES
    return AVX512 if wide else AVX
