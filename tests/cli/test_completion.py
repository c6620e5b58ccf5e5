"""What Tab offers: asked as shells ask, and in a real bash and zsh at a terminal."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.cli import completion
from runner.cli.completion import (
    complete_axis,
    complete_change,
    complete_experiment,
    rejoin_words,
)
from runner.experiment.fields.sections import PATHS

ROOT = Path(__file__).parents[2]
NO_SHELL = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
NO_ZSH = pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")


def test_fields_are_offered_and_then_their_values() -> None:
    assert set(complete_change("")) >= {"restarts=", *(f"{path}=" for path in PATHS)}
    assert set(complete_axis("")) == {f"{path}=" for path in PATHS}
    assert complete_change("problem.gate=XN") == ["problem.gate=XNOR"]
    assert complete_change("like=p") == ["like=pytorch"]
    assert complete_change("network.bias=") == ["network.bias=true", "network.bias=false"]
    assert complete_axis("loss.kind=cross-entropy,s") == ["loss.kind=cross-entropy,squared-error"]
    assert complete_change("no.such=") == []


def test_a_single_field_comes_with_its_values_or_its_default() -> None:
    assert "loss.kind=squared-error" in complete_change("loss.k")
    assert complete_change("network.hid") == ["network.hidden=[2]"]


def test_experiments_and_folders_are_offered(tmp_path, monkeypatch) -> None:
    (tmp_path / "own.toml").touch()
    (tmp_path / "own.csv").touch()
    (tmp_path / "owned").mkdir()
    (tmp_path / "owned" / "gates.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert complete_experiment("ow") == ["owned/", "own.toml"]
    assert complete_experiment("owned/") == ["owned/gates.toml"]
    assert complete_experiment("nowhere/") == []


@pytest.mark.parametrize(
    ("words", "current", "joined", "position"),
    [
        (
            ["runner", "sweep", "--set", "a.b", "=", "X"],
            5,
            ["runner", "sweep", "--set", "a.b=X"],
            3,
        ),
        (["runner", "sweep", "--set", "a.b", "="], 4, ["runner", "sweep", "--set", "a.b="], 3),
        (["runner", "sw"], 1, ["runner", "sw"], 1),
        (["runner", "sweep", ""], 2, ["runner", "sweep", ""], 2),
    ],
)
def test_words_that_bash_has_split_are_whole_again(words, current, joined, position) -> None:
    environment = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(current)}
    rejoin_words(environment)
    assert environment["COMP_WORDS"].split("\n") == joined
    assert environment["COMP_CWORD"] == str(position)


@pytest.fixture(scope="module")
def command(tmp_path_factory) -> Path:
    """The command `runner`, as an installed package has it."""
    path = tmp_path_factory.mktemp("bin") / "runner"
    path.write_text(f"#!{sys.executable}\nfrom runner.__main__ import main\n\nmain()\n")
    path.chmod(0o755)
    return path


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, command: Path, folder: Path, shell: tuple[str, ...]) -> None:
        self.end, other = pty.openpty()
        path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
        variables = {"PATH": path, "PYTHONPATH": str(ROOT), "PS1": "> ", "TERM": "dumb"}
        variables |= {"HOME": str(folder)}
        self.process = subprocess.Popen(
            shell,
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=folder,
            env=os.environ | variables | {"INPUTRC": os.devnull},
            start_new_session=True,
        )
        os.close(other)

    def type(self, text: str) -> None:
        os.write(self.end, text.encode())

    def wait_for(self, text: str) -> None:
        seen, until = "", time.monotonic() + 60
        while text not in seen:
            assert select.select([self.end], [], [], max(0, until - time.monotonic()))[0], seen
            seen += os.read(self.end, 4096).decode(errors="replace").translate({7: None, 13: None})

    def close(self) -> None:
        os.close(self.end)
        self.process.kill()
        self.process.wait()


@NO_SHELL
def test_tab_completes_in_bash(command, tmp_path) -> None:
    (tmp_path / "parity.toml").touch()
    terminal = Terminal(command, tmp_path, ("bash", "--norc", "--noprofile", "-i"))
    try:
        terminal.type('eval "$(runner --show-completion bash)"; echo rea""dy\n')
        terminal.wait_for("ready\n")
        terminal.type("runner sw\t")
        terminal.wait_for("runner sweep ")
        terminal.type("par\t")
        terminal.wait_for("parity.toml ")
        terminal.type("--set problem.g\t")
        terminal.wait_for("problem.gate=")
        terminal.type("XN\t")
        terminal.wait_for("XNOR")
    finally:
        terminal.close()


def test_what_another_program_has_written_for_zsh_is_left_as_it_is(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".zfunc").mkdir()
    script = tmp_path / ".zfunc" / "_runner"
    script.write_text("#compdef runner\n")
    completion._answer_first_tab()
    assert script.read_text() == "#compdef runner\n"


@NO_ZSH
def test_the_first_tab_completes_in_zsh(command, tmp_path) -> None:
    for _ in range(2):  # installed twice, it is there once
        subprocess.run(
            ["zsh", "-fc", f"{command} --install-completion; true"],
            env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
            cwd=tmp_path,
            check=True,
        )
    assert (tmp_path / ".zfunc" / "_runner").read_text().count("loadautofunc") == 1
    (tmp_path / "parity.toml").touch()
    terminal = Terminal(command, tmp_path, ("zsh", "-i"))
    try:
        terminal.type('echo rea""dy\n')
        terminal.wait_for("ready\n")
        terminal.type("runner sw\t")
        terminal.wait_for("runner sweep ")
        terminal.type("par\t")
        terminal.wait_for("parity.toml ")
        terminal.type("--set problem.gate=XN\t")
        terminal.wait_for("problem.gate=XNOR")
    finally:
        terminal.close()


def test_completion_is_refused_of_a_module(tmp_path) -> None:
    words = [sys.executable, "-m", "runner", "--install-completion"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("--install-completion: completion is for the command `runner`;")
    assert not [*tmp_path.iterdir()]
