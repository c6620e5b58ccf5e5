"""How long engines compile a network, roughly: what is said before a sweep begins."""

from __future__ import annotations

import os
from shutil import which
from typing import Final

from runner.errors.messages import counted

_SECONDS: Final = {"theano": 40.0, "pytensor-numba": 60.0}
"""Of a core, for each network, in every worker; docs/engines.md has what was measured."""

_USUAL_S: Final = 2.0


def compile_s(engine: str) -> float:
    """Return about how many seconds of a core an engine compiles each network, in every worker."""
    return _USUAL_S if _compiles_nothing(engine) else _SECONDS.get(engine, _USUAL_S)


def compile_note(engine: str, n_networks: int) -> str:
    """Return what to say of an engine that compiles or computes slowly; else nothing.

    Parameters
    ----------
    engine : str
        A key of `runner.engines.registry.ENGINES`.
    n_networks : int
        Compiled functions of the plan.
    """
    if engine not in _SECONDS:
        return ""
    if _compiles_nothing(engine):
        return (
            "Theano compiles nothing here and computes with NumPy: a step takes about ten times as "
            "long, some 5 ms for XOR and 40 ms for a custom model on 25 rows."
        )
    text = (
        f"Every worker compiles {counted(n_networks, 'network')} before it trains, with engine "
        f"{engine!r} for about {_SECONDS[engine]:.0f} s of a core each, and longer with more rows."
    )
    if engine == "theano":
        text += (
            " THEANO_FLAGS=cxx= compiles nothing, but then a step takes about ten times as long."
        )
    return text


def _compiles_nothing(engine: str) -> bool:
    """Whether Theano has no compiler here, or was told not to use it."""
    flags = os.environ.get("THEANO_FLAGS", "").replace(" ", "").split(",")
    return engine == "theano" and ("cxx=" in flags or which("g++") is None)
