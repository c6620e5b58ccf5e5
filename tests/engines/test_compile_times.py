"""What is said before a sweep begins on an engine that compiles slowly."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.engines.compile_times import compile_note, compile_s
from runner.engines.registry import ENGINES

SLOW = ("theano", "pytensor-numba")


@pytest.fixture(autouse=True)
def _with_a_compiler(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("THEANO_FLAGS", raising=False)
    (tmp_path / "g++").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), ":")


@pytest.mark.parametrize("engine", ENGINES)
def test_only_slow_engines_are_said_to_be_slow(engine) -> None:
    note = compile_note(engine, 3)
    assert bool(note) == (engine in SLOW) == (compile_s(engine) > 10)
    if note:
        assert f"compiles 3 networks before it trains, with engine {engine!r} " in note
        assert f"about {compile_s(engine):.0f} s of a core each" in note
    assert ("THEANO_FLAGS" in note) == (engine == "theano")


@pytest.mark.parametrize("flags", ["cxx=", "device=cpu, cxx = "])
def test_without_a_compiler_nothing_is_compiled(monkeypatch, flags) -> None:
    monkeypatch.setenv("THEANO_FLAGS", flags)
    assert compile_note("theano", 1).startswith("Theano compiles nothing here and computes with")
    assert compile_s("theano") == compile_s("pytensor")
    assert compile_note("pytensor-numba", 1).startswith("Every worker compiles 1 network before")
    monkeypatch.setenv("THEANO_FLAGS", "cxx=clang++")
    assert compile_note("theano", 1).startswith("Every worker compiles 1 network before")
    monkeypatch.setenv("PATH", "")
    assert compile_note("theano", 1).startswith("Theano compiles nothing here and computes with")


def test_a_dry_run_says_it_and_counts_it(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.toml").write_text('name = "e"\nrestarts = 2\n[problem]\ngate = "XOR"\n')
    told = [
        re.sub(r"\s+", " ", CliRunner().invoke(app, ["sweep", "e.toml", "--dry-run", *more]).stdout)
        for more in ([], ["--engine", "pytensor-numba"])
    ]
    assert ["Every worker compiles 1 network before it trains" in text for text in told] == [
        False,
        True,
    ]
    assert "about 5 s to start and compile" in told[0]
    assert "about 1 min 3 s to start and compile" in told[1]
