"""What Python would have a fork server run is understood, or left to a process of its own."""

import subprocess
import sys

import pytest

from runner.cluster.fork_server import _arguments

START = "from multiprocessing.forkserver import main; "


def test_the_call_of_a_fork_server_is_read_with_its_keywords() -> None:
    code = START + "main(3, 4, ['a', 'b'], **{'sys_path': ['/x'], 'authkey_r': 5}, other=None)"
    named = {"sys_path": ["/x"], "authkey_r": 5, "other": None}
    assert _arguments(code) == ([3, 4, ["a", "b"]], named)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "main(3",
        START + "main(3, path)",
        START + "serve(3, 4)",
        START + "x = main(3, 4)",
        START + "main(3, **3)",
        START + "main(3); done()",
    ],
)
def test_code_of_another_form_is_left_to_a_process_of_its_own(code: str) -> None:
    assert _arguments(code) is None


def test_a_fork_server_ends_without_a_word(tmp_path) -> None:
    command = [sys.executable, "-m", "runner", "sweep", "experiments/gates.toml", "--quiet"]
    command += ["--set", "problem.gate=AND", "--set", "network.hidden=[]", "--restarts", "8"]
    command += ["--set", "training.max_steps=5", "--workers", "2", "--out", str(tmp_path / "s")]
    # until the pipe is closed, which the fork server has too
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
